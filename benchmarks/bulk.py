"""``python -m benchmarks.bulk``: a bulk transfer over loopback, by streams beside bare sockets.

One process sends, another receives, each on a core of its own and in pieces of the same size. What counts is the last
row's "x bare" by processor time: each transfer is compared with that of bare sockets in the same round, and the median
of many rounds is shown, beside the distance between the quartiles. By the clock, a transfer takes longer wherever
somebody else has the core, and much longer where the two ends share one.
"""

# The pinning of processes is that of the HTTP benchmark, one package with this one.
# pyright: reportPrivateUsage=false

from __future__ import annotations

import argparse
import os
import socket
import statistics
import time
from typing import TYPE_CHECKING, Final, NamedTuple

from eyewall.ioloop import IOLoop
from eyewall.iostream import IOStream

from ._measure import _pinned, choose_cores

if TYPE_CHECKING:
    from collections.abc import Callable

    from ._measure import Cores

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


class Pair(NamedTuple):
    """Two ends of a transfer."""

    send: Callable[[socket.socket, int], None]
    receive: Callable[[socket.socket, int], int]


class Transfer(NamedTuple):
    """What one transfer has shown, in megabytes a second."""

    rate: float
    """By the clock: also a matter of who else uses the machine, and of who waits for whom."""
    capacity: float
    """By the processor time of the busier end: what it would be, had both ends a core for themselves."""


BARE: Final = "bare sockets"
PAIRS: Final = {
    BARE: Pair(send_bare, receive_bare),
    "stream sends": Pair(send_by_stream, receive_bare),
    "stream receives": Pair(send_bare, receive_by_stream),
    "streams": Pair(send_by_stream, receive_by_stream),
}


def transfer(pair: Pair, pieces: int, chunk: int, cores: Cores) -> Transfer:
    """Send so much from one core, and receive it on another."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        near = socket.create_connection(listener.getsockname())
        far, _ = listener.accept()
    if (child := os.fork()) == 0:
        os.sched_setaffinity(0, {cores.load})
        far.close()
        pair.send(near, pieces)
        os._exit(0)
    near.close()
    began, busy_before = time.perf_counter(), time.process_time()
    with _pinned(cores.server):
        size = pair.receive(far, chunk)
    elapsed, receiver = time.perf_counter() - began, time.process_time() - busy_before
    far.close()
    _, _, used = os.wait4(child, 0)
    if size != pieces * len(PIECE):
        raise RuntimeError(f"{pieces * len(PIECE)} bytes were sent, {size} arrived")
    return Transfer(size / elapsed / 1e6, size / max(receiver, used.ru_utime + used.ru_stime) / 1e6)


def main() -> None:
    """Measure each pair in turn, and print a table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.bulk", description=__doc__)
    parser.add_argument("--megabytes", type=int, default=256, help="how much goes through at a time (default: 256)")
    parser.add_argument("--chunk", type=int, default=64, help="KiB received at a time (default: 64)")
    parser.add_argument("--rounds", type=int, default=15, help="measurements of each, interleaved (default: 15)")
    arguments = parser.parse_args()
    cores = choose_cores()
    samples: dict[str, list[Transfer]] = {name: [] for name in PAIRS}
    for _ in range(arguments.rounds):
        for name, pair in PAIRS.items():
            samples[name].append(transfer(pair, arguments.megabytes, arguments.chunk * 1024, cores))
    if cores.shared:
        print("The two cores are threads of one, and slow each other down.")
    print(f"{'':18}{'by processor time':>26}{'by the clock':>26}")
    print(" " * 18 + f"{'MB/s':>10}{'x bare':>8}{'spread':>8}" * 2)
    for name in PAIRS:
        by_processor = _columns([one.capacity for one in samples[name]], [one.capacity for one in samples[BARE]])
        by_clock = _columns([one.rate for one in samples[name]], [one.rate for one in samples[BARE]])
        print(f"{name:18}{by_processor}{by_clock}")


def _columns(rates: list[float], bare: list[float]) -> str:
    """The median rate; the median of how each compares with bare sockets in the same round; how far apart those are."""
    ratios = [rate / floor for rate, floor in zip(rates, bare, strict=True)]
    low, middle, high = statistics.quantiles(ratios, n=4)
    return f"{statistics.median(rates):>10.0f}{middle:>8.2f}{high - low:>8.2f}"


if __name__ == "__main__":
    main()
