"""Ten thousand idle connections, and a thousand a second that come and go.

A short form by default; ``LOAD_SECONDS=60`` lets them come and go for a minute. The number of connections is
bounded by RLIMIT_NOFILE, and the backend chosen by EYEWALL_IOLOOP. The figures are printed.
"""

from __future__ import annotations

import json
import os
import resource
import socket
import struct
import subprocess
import sys
import time
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

HERE = Path(__file__).parent
SECONDS = float(os.environ.get("LOAD_SECONDS", "5"))
CONNECTIONS = 10_000
A_SECOND = 1000
# Linux counts the ports of each address apart: with several, those that are still in TIME_WAIT do not run out.
SOURCES = [f"127.0.0.{last}" for last in range(2, 10)]

COUNTED = ("descriptors", "streams", "coroutines")

pytestmark = pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="needs /proc")


@pytest.fixture(autouse=True)
def many_descriptors() -> None:
    """As many as this process may have; its children inherit it."""
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


@pytest.fixture
def say(capsys: pytest.CaptureFixture[str]) -> Callable[[str], None]:
    def say(text: str) -> None:
        with capsys.disabled():
            print(f"\n  {text}")

    return say


def possible(wanted: int) -> int:
    """As many connections as one process may have descriptors for."""
    return min(wanted, resource.getrlimit(resource.RLIMIT_NOFILE)[0] - 500)


@contextmanager
def echo_server() -> Iterator[int]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    command = [sys.executable, str(HERE / "echo_server.py"), str(port)]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as server:
        assert server.stdout is not None
        assert server.stdout.readline() == b"ready\n"
        try:
            yield port
        finally:
            server.kill()


def connect(port: int, number: int) -> socket.socket:
    client = socket.socket()
    client.setsockopt(socket.IPPROTO_IP, getattr(socket, "IP_BIND_ADDRESS_NO_PORT", 24), 1)
    client.bind((SOURCES[number % len(SOURCES)], 0))
    client.connect(("127.0.0.1", port))
    return client


def ask(client: socket.socket, line: bytes) -> bytes:
    client.sendall(line)
    answer = b""
    while not answer.endswith(b"\n"):
        answer += client.recv(1024)
    return answer


def holdings(port: int) -> dict[str, int]:
    """What the server holds, beside the connection that asks."""
    with connect(port, 0) as client:
        answer: dict[str, int] = json.loads(ask(client, b"?\n"))
        return answer


def at_rest(port: int) -> dict[str, int]:
    """What it holds once it has noticed that all others have gone, and their tasks have ended."""
    last: dict[str, int] = {}
    held = holdings(port)
    while held["streams"] > 1 or any(held[what] != last.get(what) for what in COUNTED):
        last, held = held, holdings(port)
    return held


def test_an_idle_stream_costs_at_most_2_kib_beyond_its_socket(say: Callable[[str], None]) -> None:
    number = possible(CONNECTIONS)
    done = subprocess.run(
        [sys.executable, str(HERE / "streams_alone.py"), str(number)], stdout=subprocess.PIPE, check=True
    )
    cost = json.loads(done.stdout)
    say(f"{number} streams: {cost['idle']:.0f} bytes each, and {cost['idle_again']:.0f} after they were busy once")
    assert cost["idle"] <= 2048
    assert cost["idle_again"] <= 2048


def test_ten_thousand_idle_connections_are_served_and_leave_nothing(say: Callable[[str], None]) -> None:
    with echo_server() as port, ExitStack() as stack:
        for number in range(200):
            connect(port, number).close()
        before = at_rest(port)
        clients = [stack.enter_context(connect(port, number)) for number in range(possible(CONNECTIONS))]
        for client in clients:
            assert ask(client, b"hello\n") == b"hello\n"
        during = holdings(port)
        cost = (during["resident"] - before["resident"]) / len(clients)
        say(f"{len(clients)} idle connections: {cost / 1024:.1f} KiB each, with the task that serves it")
        assert during["streams"] == len(clients) + 1
        for client in clients:
            client.close()
        after = at_rest(port)
        for what in COUNTED:
            assert after[what] == before[what], what
        # Some lists stay as long as they have been once.
        assert after["objects"] <= before["objects"] + 100


def test_a_thousand_connections_a_second_leave_nothing(say: Callable[[str], None]) -> None:
    with echo_server() as port:
        come_and_go(port, max(1.0, SECONDS / 5))
        before = at_rest(port)
        number, elapsed = come_and_go(port, SECONDS)
        after = at_rest(port)
        grown = after["resident"] - before["resident"]
        say(f"{number} connections in {elapsed:.1f} s; resident memory grew by {grown / 1024:.0f} KiB")
        for what in COUNTED:
            assert after[what] == before[what], what
        assert after["objects"] <= before["objects"] + 100
        # An object that is lost with each connection would be far more.
        assert grown <= 1024 * 1024 + 16 * number


def come_and_go(port: int, seconds: float) -> tuple[int, float]:
    """Open and end a thousand connections a second; give their number, and how long it took."""
    began = time.perf_counter()
    total = int(seconds * A_SECOND)
    for number in range(total):
        if (early := began + number / A_SECOND - time.perf_counter()) > 0.005:
            time.sleep(early)
        client = connect(port, number)
        match number % 4:
            case 0:
                assert ask(client, b"hello\n") == b"hello\n"
            case 1:
                client.sendall(b"half a line")
            case 2:
                client.sendall(b"hello\n")
                client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            case _:
                pass
        client.close()
    return total, time.perf_counter() - began
