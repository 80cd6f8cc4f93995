"""The program of the README: as it stands, on two processes, over TLS; and stopped, warned about and optimised."""

from __future__ import annotations

import os
import re
import signal
import ssl
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from programs import PATIENCE_SECONDS, Program, running, wait_for_children, wait_for_state
from wire import Wire, request

if TYPE_CHECKING:
    from eyewall.iostream.testing import CertificateFiles

README = Path(__file__).parents[2] / "README.md"
HELLO = b"Hello, world!"
STARTED = "http_server.listen(8080)\n"


@pytest.fixture
def program(tmp_path: Path) -> Path:
    """The README's program, word for word but for the port."""
    found = re.search(r"```python\n(.*?)```", README.read_text(), re.DOTALL)
    assert found
    return write(tmp_path / "hello.py", found[1])


def write(path: Path, text: str) -> Path:
    assert text.count("8080") == 1
    path.write_text(text.replace("8080", 'int(__import__("sys").argv[1])'))
    return path


def changed(program: Path, old: str, new: str) -> Path:
    text = program.read_text()
    assert text.count(old) == 1
    program.write_text(text.replace(old, new))
    return program


def fetch(server: Program, context: ssl.SSLContext | None = None) -> bytes:
    sock = server.connect()
    with Wire(sock if context is None else context.wrap_socket(sock, server_hostname="localhost")) as wire:
        answer = wire.ask("/")
        assert answer.status == 200
        return answer.body


def test_it_answers_every_client_until_it_is_stopped(program: Path, backend: str) -> None:
    with running(program, backend=backend) as server:
        assert [fetch(server) for _ in range(10)] == [HELLO] * 10
        assert server.stop(signal.SIGTERM) == -signal.SIGTERM


def test_ctrl_c_ends_it(program: Path, backend: str) -> None:
    with running(program, backend=backend) as server:
        assert fetch(server) == HELLO
        server.wait_until_idle()
        # What Python does at Ctrl-C, where the program does not say otherwise.
        assert server.stop(signal.SIGINT) in {-signal.SIGINT, 130, 1}
        assert server.said().endswith("KeyboardInterrupt\n")


def test_with_bind_and_start_2_two_processes_answer_and_a_signal_ends_both(program: Path, backend: str) -> None:
    changed(program, 'http_server.listen(int(__import__("sys").argv[1]))', BIND)
    changed(program, '"Hello, world!"', "str(__import__('os').getpid())")
    with running(program, backend=backend) as server:
        workers = wait_for_children(server.process.pid, 2)
        for stopped, answering in (workers, reversed(workers)):
            # Where one cannot take a connection, the other one does.
            os.kill(stopped, signal.SIGSTOP)
            try:
                wait_for_state(stopped, "T")
                assert fetch(server) == str(answering).encode()
            finally:
                os.kill(stopped, signal.SIGCONT)
        assert server.stop(signal.SIGTERM) == 0
        assert [pid for pid in workers if Path(f"/proc/{pid}").exists()] == []


BIND = """http_server.bind(int(__import__("sys").argv[1]))
http_server.start(2)"""


@pytest.fixture
def tls_program(program: Path, certificate: CertificateFiles) -> Path:
    options = f"{{'certfile': {certificate.certfile!r}, 'keyfile': {certificate.keyfile!r}}}"
    return changed(program, "MainHandler)]))", f"MainHandler)]), ssl_options={options})")


def test_with_ssl_options_it_speaks_tls_to_who_trusts_it(
    tls_program: Path, trusting: ssl.SSLContext, backend: str
) -> None:
    with running(tls_program, backend=backend) as server:
        assert fetch(server, trusting) == HELLO
        with pytest.raises(ssl.SSLCertVerificationError):
            fetch(server, ssl.create_default_context())
        assert fetch(server, trusting) == HELLO


@pytest.mark.curl
def test_curl_is_content_with_its_tls(tls_program: Path, certificate: CertificateFiles) -> None:
    with running(tls_program) as server:
        address = f"https://127.0.0.1:{server.where}/"
        command = ["curl", "--silent", "--show-error", "--noproxy", "*", "--cacert", certificate.certfile, address]
        done = subprocess.run(command, capture_output=True, timeout=PATIENCE_SECONDS, check=False)
        assert (done.returncode, done.stdout, done.stderr) == (0, HELLO, b"")


@pytest.mark.parametrize("options", [("-X", "dev", "-W", "error"), ("-O",), ("-OO",)], ids=" ".join)
@pytest.mark.parametrize("transport", ["plain", "tls"])
def test_it_works_in_the_interpreters_other_modes_and_nobody_complains(
    program: Path,
    request: pytest.FixtureRequest,
    trusting: ssl.SSLContext,
    options: tuple[str, ...],
    transport: str,
    backend: str,
) -> None:
    # It ends of Ctrl-C as a careful program does: what is left open then, Python names.
    changed(program, "eyewall.ioloop.IOLoop.instance().start()", CAREFUL)
    if transport == "tls":
        request.getfixturevalue("tls_program")
    context = trusting if transport == "tls" else None
    with running(program, options=options, backend=backend) as server:
        for _ in range(3):
            assert fetch(server, context) == HELLO
        kept = server.connect()
        half = server.connect()
        with Wire(kept if context is None else context.wrap_socket(kept, server_hostname="localhost")) as wire, half:
            assert wire.ask("/nowhere").status == 404
            half.sendall(REQUEST[:10])
            # Within a handler the interrupt would be the handler's, and be told of as such.
            server.wait_until_idle()
            assert server.stop(signal.SIGINT) == 0
        said = server.said()
    for complaint in ("Warning", "was destroyed", "never retrieved", "never awaited", "Traceback", "Error"):
        assert complaint not in said, said


REQUEST = request("/")
CAREFUL = """
import gc

io_loop = eyewall.ioloop.IOLoop.instance()
try:
    io_loop.start()
except KeyboardInterrupt:
    http_server.stop()
    io_loop.run_sync(http_server.close_all_connections)
io_loop.shutdown()
io_loop.close()
del http_server, io_loop
gc.collect()
"""
