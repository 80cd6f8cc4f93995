"""``python -m benchmarks.transfer``: an upload and a download over HTTP, beside the same by bare sockets.

The same client talks to a server of each kind, which has a process and a core of its own. The columns are those of
``benchmarks.bulk``: by processor time is what the busier of both could do; ratios are to the bare sockets of the round.
"""

# The tools of these benchmarks are theirs together.
# pyright: reportPrivateUsage=false

from __future__ import annotations

import argparse
import os
import socket
import time
from typing import TYPE_CHECKING, Final

from eyewall.httpserver import HTTPHeaders, HTTPServer, Limits, RequestStartLine, ResponseStartLine
from eyewall.ioloop import IOLoop
from eyewall.iostream import IOStream

from ._measure import _pinned, choose_cores
from .bulk import Transfer, _columns

if TYPE_CHECKING:
    from collections.abc import Callable

    from eyewall.httpserver import HTTPConnection
    from eyewall.ioloop import Promise

    from ._measure import Cores

MIB: Final = 1024 * 1024
PIECE: Final = bytes(MIB)
CHUNK: Final = 64 * 1024
OK: Final = ResponseStartLine("", 200, "OK")


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


def transfer(serve: Callable[[socket.socket], float], upload: int, download: int, cores: Cores) -> Transfer:
    """Measure one transfer, with the server in a process of its own."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        near = socket.create_connection(listener.getsockname())
        far, _ = listener.accept()
    read, write = os.pipe()
    if (child := os.fork()) == 0:
        os.sched_setaffinity(0, {cores.server})
        near.close()
        os.write(write, str(serve(far)).encode())
        os._exit(0)
    far.close()
    os.close(write)
    began, busy_before = time.perf_counter(), time.process_time()
    with _pinned(cores.load):
        ask(near, upload, download)
    elapsed, client = time.perf_counter() - began, time.process_time() - busy_before
    near.close()
    with os.fdopen(read) as told:
        server = float(told.read())
    os.waitpid(child, 0)
    size = (upload + download) * MIB
    return Transfer(size / elapsed / 1e6, size / max(client, server) / 1e6)


def main() -> None:
    """Measure each in turn, and print a table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.transfer", description=__doc__)
    parser.add_argument("--megabytes", type=int, default=256, help="how much goes through at a time (default: 256)")
    parser.add_argument("--rounds", type=int, default=15, help="measurements of each, interleaved (default: 15)")
    arguments = parser.parse_args()
    cores = choose_cores()
    works = {"upload": (arguments.megabytes, 0), "download": (0, arguments.megabytes)}
    print(f"{'':20}{'by processor time':>26}{'by the clock':>26}")
    print(" " * 20 + f"{'MB/s':>10}{'x bare':>8}{'spread':>8}" * 2)
    for work, (upload, download) in works.items():
        bare, samples = zip(
            *[
                (transfer(serve_bare, upload, download, cores), transfer(serve_http, upload, download, cores))
                for _ in range(arguments.rounds)
            ],
            strict=True,
        )
        for name, rows in ((f"{work}, bare", bare), (f"{work}, eyewall", samples)):
            by_processor = _columns([one.capacity for one in rows], [one.capacity for one in bare])
            by_clock = _columns([one.rate for one in rows], [one.rate for one in bare])
            print(f"{name:20}{by_processor}{by_clock}")


if __name__ == "__main__":
    main()
