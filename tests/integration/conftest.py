"""The servers that the tests talk to: one process for each event loop and each way to connect, for all of them."""

from __future__ import annotations

import functools
import importlib.util
import itertools
import ssl
import tempfile
from contextlib import ExitStack, closing
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from programs import PROGRAMS, running
from target import Holdings, Target

from eyewall.ioloop import IOLoop
from eyewall.iostream.testing import self_signed_certificate

if TYPE_CHECKING:
    from collections.abc import Iterator

    from eyewall.iostream.testing import CertificateFiles

BACKENDS = ["asyncio", "selector", *(name for name in ("uvloop", "trio") if importlib.util.find_spec(name))]
TRANSPORTS = ["tcp", "tls", "unix"]


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip by the capabilities of the backend that the trial program runs on, as the plug-in does for ``io_loop``."""
    call = getattr(item, "callspec", None)
    if call is not None and "target" in call.params:
        backend, _ = call.params["target"]
        needed = {capability for mark in item.iter_markers("needs") for capability in mark.args}
        if lacking := needed - capabilities(backend):
            pytest.skip(f"the backend {backend!r} lacks: {', '.join(sorted(lacking))}")


@functools.cache
def capabilities(backend: str) -> frozenset[str]:
    with closing(IOLoop(make_current=False, backend=backend)) as io_loop:
        return io_loop.capabilities


@pytest.fixture(scope="session")
def certificate() -> CertificateFiles:
    return self_signed_certificate()


@pytest.fixture(scope="session")
def trusting(certificate: CertificateFiles) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=certificate.certfile)


@pytest.fixture(scope="session", params=BACKENDS)
def backend(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name


@pytest.fixture(scope="session", params=list(itertools.product(BACKENDS, TRANSPORTS)), ids="-".join)
def target(request: pytest.FixtureRequest, certificate: CertificateFiles) -> Iterator[Target]:
    """The trial program, on each event loop, over TCP, TLS and a Unix socket."""
    backend, transport = request.param
    with ExitStack() as stack:
        arguments = ["--tls", *certificate] if transport == "tls" else []
        folder = stack.enter_context(tempfile.TemporaryDirectory())
        where = str(Path(folder, "socket")) if transport == "unix" else None
        program = running(PROGRAMS / "trial.py", *arguments, where=where, backend=backend, options=("-X", "dev"))
        made = Target(stack.enter_context(program), certificate if transport == "tls" else None, backend)
        yield stack.enter_context(closing(made))


@pytest.fixture
def holdings(target: Target) -> Holdings:
    return Holdings(target)
