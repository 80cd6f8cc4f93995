"""The example programs, run as a reader would run them and met by clients that are not eyewall's."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

from programs import Program, running
from wire import Wire

if TYPE_CHECKING:
    import ssl

    from eyewall.iostream.testing import CertificateFiles

EXAMPLES = Path(__file__).parents[2] / "examples"


def fetch(program: Program, context: ssl.SSLContext | None = None) -> str:
    sock = program.connect()
    with Wire(sock if context is None else context.wrap_socket(sock, server_hostname="localhost")) as wire:
        return wire.ask("/").body.decode()


def test_hello_says_hello() -> None:
    with running(EXAMPLES / "hello.py") as program:
        assert fetch(program) == "Hello, world!"


def test_hello_on_two_processes_is_answered_by_a_worker() -> None:
    with running(EXAMPLES / "hello_processes.py") as program:
        found = re.fullmatch(r"Hello from process (\d+)!", fetch(program))
        assert found
        assert int(found[1]) != program.process.pid
        assert program.stop() == 0


def test_hello_over_tls_says_hello_to_who_trusts_its_certificate(
    certificate: CertificateFiles, trusting: ssl.SSLContext
) -> None:
    with running(EXAMPLES / "hello_tls.py", *certificate) as program:
        assert fetch(program, trusting) == "Hello, world, in private!"


def test_echo_sends_lines_back_in_order_and_serves_several_peers() -> None:
    with running(EXAMPLES / "echo_tcp.py") as program, program.connect() as one, program.connect() as other:
        one.sendall(b"first\nsec")
        assert one.makefile("rb").readline() == b"first\n"
        other.sendall(b"hello\n")
        assert other.makefile("rb").readline() == b"hello\n"
        one.sendall(b"ond\nthird\n")
        lines = one.makefile("rb")
        assert [lines.readline(), lines.readline()] == [b"second\n", b"third\n"]
