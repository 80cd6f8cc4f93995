"""How connections are spread over the workers of a supervisor: ``python -m benchmarks.distribution``.

A worker answers each connection with its number. What is compared: sockets that all workers share, and a
socket for each worker (``reuse_port=True``); connections that come one after the other, many at a time, and
in a burst that stays. The figures are the shares of the busiest and the idlest worker, where an even share
is 1.00.
"""

from __future__ import annotations

import itertools
import os
import select
import signal
import socket
import subprocess
import sys
import threading
from collections import Counter
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

from eyewall.tcpserver import Supervisor, TCPServer, bind_sockets, task_id

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from eyewall.iostream import Address, Stream

ROUNDS = 3
SHORT = 3000
STANDING = 600
AT_A_TIME = 16
WORK = 2000
"""Steps of a loop that each request costs a worker: about 50 µs."""


class Teller(TCPServer):
    """Tells each request which worker it has met."""

    async def handle_stream(self, stream: Stream, address: Address) -> None:
        """Answer lines until the client goes."""
        while await stream.read_until(b"\n", max_bytes=10):
            for _ in range(WORK):
                pass
            await stream.write(b"%d\n" % (task_id() or 0))


def serve(workers: int, reuse_port: bool, port: int) -> None:
    """Be the server."""
    Supervisor(
        Teller,
        lambda: bind_sockets(port, "127.0.0.1", backlog=1024, reuse_port=reuse_port),
        workers=workers,
        reuse_port=reuse_port,
        grace=0,
    ).run()


@contextmanager
def serving(workers: int, reuse_port: bool) -> Generator[int]:
    """Run the server; give the port."""
    with socket.create_server(("127.0.0.1", 0)) as sock:
        port: int = sock.getsockname()[1]
    with (
        socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as told,
        subprocess.Popen(
            [sys.executable, "-m", "benchmarks.distribution", str(workers), str(int(reuse_port)), str(port)],
            env={**os.environ, "NOTIFY_SOCKET": f"@eyewall-distribution-{os.getpid()}"},
        ) as process,
    ):
        told.bind(f"\0eyewall-distribution-{os.getpid()}")
        try:
            while b"READY=1" not in told.recv(4096):
                pass
            yield port
        finally:
            process.send_signal(signal.SIGTERM)


def ask(sock: socket.socket) -> int:
    """Give the number of the worker at the other end."""
    sock.sendall(b"?\n")
    return int(sock.recv(10))


def one_after_the_other(port: int) -> Counter[int]:
    """One client that connects, asks, and goes."""
    met: Counter[int] = Counter()
    for _ in range(SHORT):
        with socket.create_connection(("127.0.0.1", port)) as sock:
            met[ask(sock)] += 1
    return met


def many_at_a_time(port: int) -> Counter[int]:
    """The same by several threads."""
    met: list[Counter[int]] = []

    def run() -> None:
        mine: Counter[int] = Counter()
        for _ in range(SHORT // AT_A_TIME):
            with socket.create_connection(("127.0.0.1", port)) as sock:
                mine[ask(sock)] += 1
        met.append(mine)

    threads = [threading.Thread(target=run) for _ in range(AT_A_TIME)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return Counter(itertools.chain.from_iterable(counts.elements() for counts in met))


def in_a_burst(port: int) -> Counter[int]:
    """Connections that all begin at once and stay, as after a restart of what is in front."""
    with ExitStack() as stack:
        socks = [stack.enter_context(socket.socket()) for _ in range(STANDING)]
        for sock in socks:
            sock.setblocking(False)
            sock.connect_ex(("127.0.0.1", port))
        for sock in socks:
            select.select([], [sock], [])
            sock.setblocking(True)
        return Counter(ask(sock) for sock in socks)


LOADS: dict[str, Callable[[int], Counter[int]]] = {
    f"{SHORT} connections, one after the other": one_after_the_other,
    f"{SHORT} connections, {AT_A_TIME} at a time": many_at_a_time,
    f"{STANDING} connections at once, which stay": in_a_burst,
}


def shares(met: Counter[int], workers: int) -> tuple[float, float]:
    """Give the share of the busiest and of the idlest worker."""
    counts = [met[number] for number in range(workers)]
    even = sum(counts) / workers
    return max(counts) / even, min(counts) / even


def main() -> None:
    """Measure and print, as a table in Markdown."""
    print("| workers | load | shared: busiest, idlest | `reuse_port`: busiest, idlest |")
    print("| --- | --- | --- | --- |")
    for workers in (2, 4):
        cells: dict[str, list[str]] = {name: [] for name in LOADS}
        for reuse_port in (False, True):
            with serving(workers, reuse_port) as port:
                for name, load in LOADS.items():
                    measured = sorted(shares(load(port), workers) for _ in range(ROUNDS))
                    busiest, idlest = measured[ROUNDS // 2]
                    cells[name].append(f"{busiest:.2f}, {idlest:.2f}")
        for name, found in cells.items():
            print(f"| {workers} | {name} | {' | '.join(found)} |", flush=True)


if __name__ == "__main__":
    if len(sys.argv) > 1:
        serve(int(sys.argv[1]), sys.argv[2] == "1", int(sys.argv[3]))
    else:
        main()
