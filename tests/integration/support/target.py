"""The trial program as its clients see it: each of them knows how to get there."""

from __future__ import annotations

import json
import ssl
import subprocess
from typing import TYPE_CHECKING, Any

import httpx
from programs import PATIENCE_SECONDS, Program, eventually
from wire import Wire

if TYPE_CHECKING:
    from eyewall.iostream.testing import CertificateFiles


class Target:
    """A server that runs in another process, over TCP, TLS or a Unix socket."""

    def __init__(self, program: Program, certificate: CertificateFiles | None, backend: str) -> None:
        self.program = program
        self.backend = backend
        self.certificate = certificate
        self.context = None if certificate is None else ssl.create_default_context(cafile=certificate.certfile)
        self.path = program.where if isinstance(program.where, str) else None
        host = "localhost" if self.path else f"127.0.0.1:{program.where}"
        self._own: Wire | None = None
        self.url = f"{'https' if certificate else 'http'}://{host}"

    def connect(self) -> Wire:
        """Connect with a plain socket, or Python's TLS over one."""
        sock = self.program.connect()
        return Wire(sock if self.context is None else self.context.wrap_socket(sock, server_hostname="localhost"))

    def httpx(self) -> httpx.Client:
        """Give a client of the library httpx; close it."""
        verify = True if self.context is None else self.context
        transport = httpx.HTTPTransport(uds=self.path, verify=verify)
        return httpx.Client(transport=transport, base_url=self.url, timeout=PATIENCE_SECONDS)

    def curl(self, path: str, *options: str) -> subprocess.CompletedProcess[bytes]:
        """Run curl, which is to succeed."""
        reach = [*(("--cacert", self.certificate.certfile) if self.certificate else ())]
        reach += ["--unix-socket", self.path] if self.path else []
        command = ["curl", "--disable", "--silent", "--show-error", "--noproxy", "*", *reach, *options, self.url + path]
        done = subprocess.run(command, capture_output=True, timeout=PATIENCE_SECONDS, check=False)
        assert done.returncode == 0, done.stderr.decode()
        return done

    def state(self) -> dict[str, Any]:
        """Ask the server about itself, on a connection that is kept for this, and so changes nothing."""
        self._own = self._own or self.connect()
        state: dict[str, Any] = json.loads(self._own.ask("/state").body)
        return state

    def close(self) -> None:
        """Close the connection that is kept."""
        if self._own is not None:
            self._own.close()


class Holdings:
    """What a server holds: to be the same again when its clients have gone."""

    def __init__(self, target: Target) -> None:
        self._target = target
        self._wait_until_idle()
        self._descriptors = target.program.descriptors()
        self._said = len(target.program.said())

    def check(self) -> None:
        """Fail if the server holds a task or a descriptor more than before, or does not answer."""
        # Who asks may be answered before a client that came first is accepted: the order within a turn is the loop's.
        self._wait_until_idle()
        eventually(
            lambda: self._target.program.descriptors() == self._descriptors,
            lambda: f"{self._target.program.descriptors()} descriptors, and there were {self._descriptors}",
        )
        self._wait_until_idle()

    def log(self) -> str:
        """Give what the server has logged since."""
        return self._target.program.said()[self._said :]

    def _wait_until_idle(self) -> None:
        """Wait until the one task is that of the connection which asks; each closes its stream before it ends."""
        eventually(lambda: self._target.state()["tasks"] == 1, lambda: f"tasks are left: {self._target.state()}")
