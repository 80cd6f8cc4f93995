"""``python -m benchmarks.bulk``: a bulk transfer over loopback, by streams beside bare sockets.

One process sends, another receives, both in pieces of the same size. What counts is how the last row compares with
the first of the same run.
"""

from __future__ import annotations

import argparse
import os
import socket
import statistics
import time
from typing import TYPE_CHECKING, Final

from eyewall.ioloop import IOLoop
from eyewall.iostream import IOStream

if TYPE_CHECKING:
    from collections.abc import Callable

PIECE: Final = bytes(1024 * 1024)


def send_bare(sock: socket.socket, pieces: int) -> None:
    """Send with the socket's own method."""
    for _ in range(pieces):
        sock.sendall(PIECE)
    sock.close()


def receive_bare(sock: socket.socket, chunk: int) -> int:
    """Receive with the socket's own method, and count."""
    size = 0
    while data := sock.recv(chunk):
        size += len(data)
    return size


def send_by_stream(sock: socket.socket, pieces: int) -> None:
    """Send with a stream."""

    async def send() -> None:
        async with IOStream(sock) as stream:
            for _ in range(pieces):
                await stream.write(PIECE)

    IOLoop.current().run_sync(send)


def receive_by_stream(sock: socket.socket, chunk: int) -> int:
    """Receive with a stream, and count."""

    async def receive() -> int:
        async with IOStream(sock, read_chunk_size=chunk) as stream:
            return sum([len(data) async for data in stream])

    return IOLoop.current().run_sync(receive)


def transfer(
    send: Callable[[socket.socket, int], None], receive: Callable[[socket.socket, int], int], pieces: int, chunk: int
) -> float:
    """Give the megabytes that go through in a second."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        near = socket.create_connection(listener.getsockname())
        far, _ = listener.accept()
    if (child := os.fork()) == 0:
        far.close()
        send(near, pieces)
        os._exit(0)
    near.close()
    began = time.perf_counter()
    size = receive(far, chunk)
    elapsed = time.perf_counter() - began
    far.close()
    os.waitpid(child, 0)
    if size != pieces * len(PIECE):
        raise RuntimeError(f"{pieces * len(PIECE)} bytes were sent, {size} arrived")
    return size / elapsed / 1e6


def main() -> None:
    """Measure each pair in turn, and print a table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.bulk", description=__doc__)
    parser.add_argument("--megabytes", type=int, default=1024, help="how much goes through (default: 1024)")
    parser.add_argument("--chunk", type=int, default=64, help="KiB received at a time (default: 64)")
    parser.add_argument("--rounds", type=int, default=5, help="measurements of each, interleaved (default: 5)")
    arguments = parser.parse_args()
    pairs = {
        "bare sockets": (send_bare, receive_bare),
        "stream sends": (send_by_stream, receive_bare),
        "stream receives": (send_bare, receive_by_stream),
        "streams": (send_by_stream, receive_by_stream),
    }
    rates: dict[str, list[float]] = {name: [] for name in pairs}
    for _ in range(arguments.rounds):
        for name, pair in pairs.items():
            rates[name].append(transfer(*pair, arguments.megabytes, arguments.chunk * 1024))
    floor = statistics.median(rates["bare sockets"])
    print(f"{'':18}{'MB/s':>8}{'x bare':>8}{'spread':>8}")
    for name, samples in rates.items():
        middle = statistics.median(samples)
        spread = (max(samples) - min(samples)) / middle
        print(f"{name:18}{middle:>8.0f}{middle / floor:>8.2f}{spread:>8.0%}")


if __name__ == "__main__":
    main()
