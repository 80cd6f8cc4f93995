"""``python -m benchmarks.transfer``: an upload and a download over HTTP, beside the same by bare sockets.

The same client talks to a server of each kind, which has a process of its own. A row's ratio is to the bare sockets
of the same run: by the rate, and by the server's processor time.
"""

from __future__ import annotations

import argparse
import os
import socket
import statistics
import time
from typing import TYPE_CHECKING, Final, NamedTuple

from eyewall.httpserver import HTTPHeaders, HTTPServer, Limits, RequestStartLine, ResponseStartLine
from eyewall.ioloop import IOLoop
from eyewall.iostream import IOStream

if TYPE_CHECKING:
    from collections.abc import Callable

    from eyewall.httpserver import HTTPConnection
    from eyewall.ioloop import Promise

MIB: Final = 1024 * 1024
PIECE: Final = bytes(MIB)
CHUNK: Final = 64 * 1024
OK: Final = ResponseStartLine("", 200, "OK")


class Measured(NamedTuple):
    """What one transfer took."""

    seconds: float
    server_seconds: float
    """Of processor time."""


class Bulk:
    """Takes any upload, and answers with as much as the path says; both kinds of delegate in one, for one request."""

    def __init__(self, closed: Promise[None]) -> None:
        self.closed = closed
        self.connection: HTTPConnection
        self.pieces = 0
        self.received = 0

    def start_request(self, server_conn: object, request_conn: HTTPConnection, /) -> Bulk:
        """Begin the request."""
        self.connection = request_conn
        return self

    def on_close(self, server_conn: object, /) -> None:
        """That was all."""
        self.closed.set_result(None)

    def headers_received(self, start_line: RequestStartLine | ResponseStartLine, headers: HTTPHeaders, /) -> None:
        """Read how much is wanted."""
        if isinstance(start_line, RequestStartLine):
            self.pieces = int(start_line.path[1:])

    def data_received(self, chunk: bytes, /) -> None:
        """Count."""
        self.received += len(chunk)

    async def finish(self) -> None:
        """Answer."""
        size = str(self.pieces * MIB)
        await self.connection.write_headers(OK, HTTPHeaders({"Content-Length": size, "X-Received": str(self.received)}))
        for _ in range(self.pieces):
            await self.connection.write(PIECE)
        self.connection.finish()

    def on_connection_close(self) -> None:
        """The client has gone."""


def serve_http(sock: socket.socket) -> float:
    """Serve one connection with eyewall; give the processor time that this took, once there is a loop."""

    async def serve() -> float:
        began = time.process_time()
        closed: Promise[None] = IOLoop.current().create_future()
        HTTPServer(Bulk(closed), limits=Limits(max_body_size=1 << 40)).handle_stream(IOStream(sock), ("127.0.0.1", 0))
        await closed
        return time.process_time() - began

    return IOLoop.current().run_sync(serve)


def serve_bare(sock: socket.socket) -> float:
    """Serve one connection with the socket's own methods; give the processor time that this took."""
    began = time.process_time()
    head = b""
    while b"\r\n\r\n" not in head:
        head += sock.recv(CHUNK)
    head, _, body = head.partition(b"\r\n\r\n")
    pieces, missing = int(head.split()[1][1:]), int(head.rpartition(b" ")[2])
    received = len(body)
    while received < missing:
        received += len(sock.recv(CHUNK))
    sock.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\nX-Received: %d\r\n\r\n" % (pieces * MIB, received))
    for _ in range(pieces):
        sock.sendall(PIECE)
    sock.recv(1)
    sock.close()
    return time.process_time() - began


def ask(sock: socket.socket, upload: int, download: int) -> None:
    """Send so many MiB, and receive so many."""
    sock.sendall(b"POST /%d HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n" % (download, upload * MIB))
    for _ in range(upload):
        sock.sendall(PIECE)
    answer = b""
    while b"\r\n\r\n" not in answer:
        answer += sock.recv(CHUNK)
    head, _, body = answer.partition(b"\r\n\r\n")
    if b"X-Received: %d" % (upload * MIB) not in head:
        raise RuntimeError(f"{upload} MiB were sent, and the answer is {head!r}")
    received = len(body)
    room = memoryview(bytearray(4 * CHUNK))
    while received < download * MIB:
        received += sock.recv_into(room)


def transfer(serve: Callable[[socket.socket], float], upload: int, download: int) -> Measured:
    """Measure one transfer, with the server in a process of its own."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        near = socket.create_connection(listener.getsockname())
        far, _ = listener.accept()
    read, write = os.pipe()
    if (child := os.fork()) == 0:
        near.close()
        os.write(write, str(serve(far)).encode())
        os._exit(0)
    far.close()
    os.close(write)
    began = time.perf_counter()
    ask(near, upload, download)
    seconds = time.perf_counter() - began
    near.close()
    with os.fdopen(read) as told:
        server_seconds = float(told.read())
    os.waitpid(child, 0)
    return Measured(seconds, server_seconds)


def main() -> None:
    """Measure each in turn, and print a table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.transfer", description=__doc__)
    parser.add_argument("--megabytes", type=int, default=512, help="how much goes through (default: 512)")
    parser.add_argument("--rounds", type=int, default=7, help="measurements of each, interleaved (default: 7)")
    arguments = parser.parse_args()
    size = arguments.megabytes
    servers = {"bare sockets": serve_bare, "eyewall.httpserver": serve_http}
    print(f"{'':32}{'MB/s':>8}{'x bare':>8}{'CPU ms':>8}{'x bare':>8}{'spread':>8}")
    for work, (up, down) in {"upload": (size, 0), "download": (0, size)}.items():
        taken: dict[str, list[Measured]] = {name: [] for name in servers}
        for _ in range(arguments.rounds):
            for name, serve in servers.items():
                taken[name].append(transfer(serve, up, down))
        floor, floor_cpu = map(statistics.median, zip(*taken["bare sockets"], strict=True))
        for name, samples in taken.items():
            seconds, cpu = map(statistics.median, zip(*samples, strict=True))
            spread = (max(samples).seconds - min(samples).seconds) / seconds
            rate = size * MIB / seconds / 1e6
            ratios = f"{floor / seconds:>8.2f}{cpu * 1000:>8.0f}{floor_cpu / cpu:>8.2f}"
            print(f"{f'{work}, {name}':32}{rate:>8.0f}{ratios}{spread:>8.0%}")


if __name__ == "__main__":
    main()
