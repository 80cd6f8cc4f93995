"""The code in the README runs as it stands, but for the port."""

from __future__ import annotations

import re
import signal
import socket
import subprocess
import sys
import textwrap
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Generator

README = Path(__file__).parents[1] / "README.md"
ECHO, DRAINED, CLIENT, SUPERVISED, TEST = (
    textwrap.dedent(block)
    for block in re.findall(r"```python\n(.*?)```", README.read_text(encoding="utf-8"), re.DOTALL)
)
# The class, without the lines that start a server.
ECHO_CLASS = ECHO[: ECHO.index("server = EchoServer()")]


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as sock:
        port: int = sock.getsockname()[1]
        return port


@contextmanager
def running(program: str, port: int) -> Generator[subprocess.Popen[str]]:
    command = [sys.executable, "-c", program.replace("8888", str(port))]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield process
        finally:
            process.kill()


def connect(port: int, process: subprocess.Popen[str]) -> socket.socket:
    deadline = time.monotonic() + 30
    while True:
        try:
            return socket.create_connection(("127.0.0.1", port), timeout=30)
        except ConnectionRefusedError:
            assert process.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.01)


@pytest.mark.parametrize(
    "program", [ECHO, ECHO_CLASS + DRAINED, ECHO_CLASS + SUPERVISED], ids=["echo", "drained", "supervised"]
)
def test_a_server_of_the_readme_echoes(program: str) -> None:
    port = free_port()
    with running(program, port) as process:
        with connect(port, process) as client:
            client.sendall(b"hello\n")
            assert client.recv(100) == b"hello\n"
        if program != ECHO:
            process.send_signal(signal.SIGTERM)
            assert process.wait(30) == 0
        else:
            process.terminate()
            process.wait(30)


def test_the_client_of_the_readme_prints_the_answer() -> None:
    port = free_port()
    with running(ECHO, port) as server:
        connect(port, server).close()
        with running(CLIENT, port) as client:
            output, _ = client.communicate(timeout=30)
            assert (client.returncode, output) == (0, "b'hello\\n'\n")


def test_the_test_of_the_readme_passes() -> None:
    program = f"{ECHO_CLASS}{TEST}\nio_loop = IOLoop.current()\nio_loop.run_sync(lambda: test_it_echoes(io_loop))\n"
    with running(program, 0) as process:
        assert process.wait(30) == 0
