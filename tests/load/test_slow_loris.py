"""5000 clients that send their heads byte by byte: others are answered as if there were none, and all are seen off."""

from __future__ import annotations

import contextlib
import resource
import selectors
import socket
import statistics
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

CLIENTS = 5000
REQUESTS = 300
ROUNDS = 5
HEADER_TIMEOUT = 15
SERVER = f"""
import resource, sys
from eyewall.httpserver import Deadlines, HTTPHeaders, HTTPServer, ResponseStartLine
from eyewall.ioloop import IOLoop
from eyewall.tcpserver import bind_sockets

resource.setrlimit(resource.RLIMIT_NOFILE, ({CLIENTS + 200}, resource.getrlimit(resource.RLIMIT_NOFILE)[1]))


def hello(request):
    request.connection.write_headers(ResponseStartLine("", 200, "OK"), HTTPHeaders({{"Content-Length": "5"}}), b"hello")
    request.connection.finish()


server = HTTPServer(hello, deadlines=Deadlines(header_timeout={HEADER_TIMEOUT}))
sockets = bind_sockets(0, "127.0.0.1", backlog=4096)
server.add_sockets(sockets)
print(sockets[0].getsockname()[1], flush=True)
IOLoop.current().start()
"""


@pytest.fixture
def port() -> Iterator[int]:
    with subprocess.Popen([sys.executable, "-c", SERVER], stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        yield int(server.stdout.readline())
        server.terminate()


@pytest.fixture
def many_descriptors() -> Iterator[None]:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard < CLIENTS + 200:
        pytest.skip(f"{hard} descriptors are too few for {CLIENTS} clients")
    resource.setrlimit(resource.RLIMIT_NOFILE, (CLIENTS + 200, hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def usual_milliseconds(port: int) -> float:
    """Ask on one connection, again and again; give the median of the times that answers take."""
    times: list[float] = []
    with socket.create_connection(("127.0.0.1", port)) as client:
        for _ in range(REQUESTS):
            began = time.perf_counter()
            client.sendall(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
            received = b""
            while not received.endswith(b"hello"):
                received += client.recv(1000)
            times.append(time.perf_counter() - began)
    return statistics.median(times) * 1000


def test_others_are_answered_in_their_usual_time(port: int, many_descriptors: None) -> None:
    alone = usual_milliseconds(port)
    began = time.perf_counter()
    with contextlib.ExitStack() as stack:
        clients: list[socket.socket] = []
        for _ in range(CLIENTS):
            clients.append(stack.enter_context(socket.create_connection(("127.0.0.1", port))))
            clients[-1].send(b"G")
        print(f"connected in {time.perf_counter() - began:.1f} s")
        head = b"ET / HTTP/1.1\r\nHost: a\r\nX: " + b"x" * 100
        among: list[float] = []
        for at in range(ROUNDS):
            for client in clients:
                with contextlib.suppress(ConnectionError):
                    client.send(head[at : at + 1])
            among.append(usual_milliseconds(port))
        print(f"{alone:.3f} ms alone, {statistics.median(among):.3f} ms among {CLIENTS} slow ones")
        # Generous: what it guards against is work for each connection in each turn, which would be a hundredfold.
        assert statistics.median(among) < 5 * alone + 1
        ended = answers_of(clients, time.monotonic() + 3 * HEADER_TIMEOUT)
    assert ended.count(b"408") == CLIENTS, "each of them is told, and none is forgotten"


def answers_of(clients: list[socket.socket], deadline: float) -> list[bytes]:
    """Give the status that each client is seen off with."""
    statuses: list[bytes] = []
    with selectors.DefaultSelector() as selector:
        for client in clients:
            client.setblocking(False)
            selector.register(client, selectors.EVENT_READ)
        while selector.get_map() and time.monotonic() < deadline:
            for key, _ in selector.select(1):
                sock = key.fileobj
                assert isinstance(sock, socket.socket)
                statuses.append(sock.recv(1000)[9:12])
                selector.unregister(sock)
    return statuses
