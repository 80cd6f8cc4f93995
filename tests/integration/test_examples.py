"""The example programs, run as a reader would run them and met by clients that are not eyewall's."""

from __future__ import annotations

import os
import re
import signal
import socket
import ssl
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.request import urlopen

import pytest

if TYPE_CHECKING:
    from collections.abc import Generator

EXAMPLES = Path(__file__).parents[2] / "examples"
PATIENCE_SECONDS = 30


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as sock:
        port: int = sock.getsockname()[1]
        return port


@contextmanager
def running(name: str, *arguments: str) -> Generator[tuple[subprocess.Popen[bytes], int]]:
    """Run an example until it listens; gives the process and the port."""
    port = free_port()
    with subprocess.Popen([sys.executable, str(EXAMPLES / name), *arguments, str(port)]) as process:
        try:
            connect(port, process).close()
            yield process, port
        finally:
            # Not SIGKILL, which would leave the workers of a parent behind.
            process.send_signal(signal.SIGTERM)


def connect(port: int, process: subprocess.Popen[bytes]) -> socket.socket:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        try:
            return socket.create_connection(("127.0.0.1", port), timeout=PATIENCE_SECONDS)
        except ConnectionRefusedError:
            assert process.poll() is None, "the example has ended"
            assert time.monotonic() < deadline, "the example does not listen"
            time.sleep(0.02)


def fetch(address: str, context: ssl.SSLContext | None = None) -> str:
    with urlopen(address, timeout=PATIENCE_SECONDS, context=context) as answer:
        text: str = answer.read().decode()
        return text


def test_hello_says_hello() -> None:
    with running("hello.py") as (_, port):
        assert fetch(f"http://127.0.0.1:{port}/") == "Hello, world!"


def test_hello_on_two_processes_is_answered_by_two() -> None:
    with running("hello_processes.py") as (parent, port):
        first = worker(port)
        assert first != parent.pid
        os.kill(first, signal.SIGSTOP)
        try:
            second = worker(port)
        finally:
            os.kill(first, signal.SIGCONT)
        assert second not in {first, parent.pid}
    assert parent.returncode == 0


def worker(port: int) -> int:
    found = re.fullmatch(r"Hello from process (\d+)!", fetch(f"http://127.0.0.1:{port}/"))
    assert found
    return int(found[1])


@pytest.mark.openssl
def test_hello_over_tls_says_hello_to_who_trusts_its_certificate(tmp_path: Path) -> None:
    certificate, key = tmp_path / "cert.pem", tmp_path / "key.pem"
    make = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 7 -subj /CN=localhost"
    names = "subjectAltName=DNS:localhost,IP:127.0.0.1"
    command = [*make.split(), "-addext", names, "-keyout", str(key), "-out", str(certificate)]
    subprocess.run(command, check=True, capture_output=True, timeout=PATIENCE_SECONDS)
    with running("hello_tls.py", str(certificate), str(key)) as (_, port):
        trusting = ssl.create_default_context(cafile=certificate)
        assert fetch(f"https://127.0.0.1:{port}/", trusting) == "Hello, world, in private!"


def test_echo_sends_lines_back_in_order_and_serves_several_peers() -> None:
    with running("echo_tcp.py") as (process, port), connect(port, process) as one, connect(port, process) as other:
        one.sendall(b"first\nsec")
        assert one.makefile("rb").readline() == b"first\n"
        other.sendall(b"hello\n")
        assert other.makefile("rb").readline() == b"hello\n"
        one.sendall(b"ond\nthird\n")
        lines = one.makefile("rb")
        assert [lines.readline(), lines.readline()] == [b"second\n", b"third\n"]
