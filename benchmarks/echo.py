"""``python -m benchmarks.echo``: an echo server of ten lines on eyewall, beside asyncio's streams and Trio's.

64 connections each send 64 bytes, wait for them to come back, and send the next, from the other core; with ``--tls``,
by TLS 1.3. The figure that counts is the server's processor time for each round trip.
"""

# The pinning of processes and the reading of /proc are those of the HTTP benchmark, one package with this one.
# pyright: reportPrivateUsage=false

from __future__ import annotations

import argparse
import functools
import importlib.util
import os
import selectors
import socket
import ssl
import statistics
import time
from contextlib import ExitStack, suppress
from typing import TYPE_CHECKING, Final, NamedTuple

from eyewall.iostream.testing import self_signed_certificate

from ._measure import CONNECTIONS, BenchmarkError, _pinned, _processor_time, choose_cores, running

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager

    Connect = Callable[[int], socket.socket]

MESSAGE: Final = b"x" * 63 + b"\n"
_CERTIFICATE: Final = self_signed_certificate()


class Contestant(NamedTuple):
    """A server, and the loop that it is to run on."""

    name: str
    module: str
    needs: str
    loop: str = "asyncio"


CONTESTANTS: Final = [
    Contestant("eyewall", "echo_eyewall", "eyewall.tcpserver"),
    Contestant("eyewall-selector", "echo_eyewall", "eyewall.tcpserver", "selector"),
    Contestant("eyewall-uvloop", "echo_eyewall", "uvloop", "uvloop"),
    Contestant("asyncio", "echo_asyncio", "asyncio"),
    Contestant("trio", "echo_trio", "trio"),
]


def serving(contestant: Contestant, cpu: int, connect: Connect) -> AbstractContextManager[tuple[int, int]]:
    """Run a server, and give its process and its port once it answers."""
    files = _CERTIFICATE if connect is connect_tls else ()
    environ = os.environ | {"EYEWALL_IOLOOP": contestant.loop}
    module = f"benchmarks.servers.{contestant.module}"
    return running(contestant.name, module, files, cpu, lambda port: _answers(port, connect), environ)


def connect_plain(port: int) -> socket.socket:
    """Connect."""
    client = socket.create_connection(("127.0.0.1", port))
    client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return client


def connect_tls(port: int) -> socket.socket:
    """Connect, and shake hands."""
    return _client_context().wrap_socket(connect_plain(port), server_hostname="localhost")


def _end(client: socket.socket) -> None:
    """End TLS in good order, or Trio's ten lines end with it."""
    if isinstance(client, ssl.SSLSocket):
        with suppress(ssl.SSLEOFError):  # Trio just closes
            client.unwrap()


@functools.cache
def _client_context() -> ssl.SSLContext:
    return ssl.create_default_context(cafile=_CERTIFICATE.certfile)


def _answers(port: int, connect: Connect) -> bool:
    with connect(port) as probe:
        probe.sendall(MESSAGE)
        answer = probe.recv(len(MESSAGE))
        _end(probe)
        return answer == MESSAGE


def ping(port: int, seconds: float, connect: Connect) -> int:
    """Keep all connections busy for so long; give the number of round trips."""
    with ExitStack() as stack:
        selector = stack.enter_context(selectors.DefaultSelector())
        clients = [stack.enter_context(connect(port)) for _ in range(CONNECTIONS)]
        for client in clients:
            selector.register(client, selectors.EVENT_READ, client)
            client.sendall(MESSAGE)
        trips = 0
        end = time.perf_counter() + seconds
        while time.perf_counter() < end:
            for key, _ in selector.select():
                if key.data.recv(len(MESSAGE)) != MESSAGE:
                    raise BenchmarkError("something else came back than was sent")
                key.data.sendall(MESSAGE)
                trips += 1
        for client in clients:
            client.recv(len(MESSAGE))  # or the connection would be reset, and Trio's ten lines end with it
            _end(client)
        return trips


def cost(contestant: Contestant, seconds: float, connect: Connect) -> float:
    """Give the microseconds of processor time that one round trip takes the server."""
    cores = choose_cores()
    with serving(contestant, cores.server, connect) as (pid, port), _pinned(cores.load):
        ping(port, seconds / 4, connect)
        before = sum(_processor_time(pid))
        trips = ping(port, seconds, connect)
        return (sum(_processor_time(pid)) - before) * 1e6 / trips


def main() -> None:
    """Measure all that are installed, in turn, and print a table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.echo", description=__doc__)
    parser.add_argument("--seconds", type=float, default=2.0, help="how long each measurement takes (default: 2)")
    parser.add_argument("--rounds", type=int, default=3, help="measurements of each, interleaved (default: 3)")
    parser.add_argument("--tls", action="store_true", help="over TLS")
    arguments = parser.parse_args()
    connect = connect_tls if arguments.tls else connect_plain
    there = [contestant for contestant in CONTESTANTS if importlib.util.find_spec(contestant.needs)]
    samples: dict[str, list[float]] = {contestant.name: [] for contestant in there}
    for _ in range(arguments.rounds):
        for contestant in there:
            samples[contestant.name].append(cost(contestant, arguments.seconds, connect))
    print(f"{'':18}{'µs/echo':>10}{'spread':>10}")
    for name, costs in samples.items():
        middle = statistics.median(costs)
        print(f"{name:18}{middle:>10.1f}{(max(costs) - min(costs)) / middle:>10.0%}")


if __name__ == "__main__":
    main()
