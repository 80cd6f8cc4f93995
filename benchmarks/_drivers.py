"""How each kind of work is measured: most by wrk, and by drivers of our own what wrk cannot ask for."""

# The tools of these benchmarks are theirs together.
# pyright: reportPrivateUsage=false

from __future__ import annotations

import socket
import time
from contextlib import closing
from statistics import median
from typing import TYPE_CHECKING, Final

from . import imports
from ._measure import (
    COMPILED,
    CONNECTIONS,
    BenchmarkError,
    Sample,
    _pinned,
    ask,
    idle_connections,
    measure,
    meter,
    resident_memory,
    serving,
)
from .servers._work import MEBIBYTE
from .websocket import Clients, connect, echoed_size, frame

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from ._contestants import Contestant, Work
    from ._measure import Cores

TRANSFER: Final = 256
"""How many MiB go through at a time."""
MESSAGE: Final = b"x" * 64
_PIECE: Final = bytes(MEBIBYTE)
_SETTLED: Final = 200
_TIMEOUT: Final = 60


def upload(contestant: Contestant, work: Work, cores: Cores, seconds: float) -> Sample:
    """Send a body again and again on one connection, the first time unmeasured."""
    return _transfer(contestant, work, cores, seconds, _send)


def download(contestant: Contestant, work: Work, cores: Cores, seconds: float) -> Sample:
    """Receive one so."""
    return _transfer(contestant, work, cores, seconds, _receive)


def websocket(contestant: Contestant, work: Work, cores: Cores, seconds: float) -> Sample:
    """Send a message on each of several connections, wait for all of them to come back, and so on."""
    path = work.path.encode()
    with serving(contestant, work, cores.server) as (pid, port), _pinned(cores.load):
        _check_echo(contestant, port, path)
        with closing(Clients(port, CONNECTIONS, path)) as clients:

            def echo() -> int:
                clients.send(frame(MESSAGE), clients.sockets)
                clients.wait_for(echoed_size(len(MESSAGE)))
                return CONNECTIONS

            _repeat(echo, seconds / 2)
            return meter(pid, lambda: _repeat(echo, seconds))


def memory(contestant: Contestant, work: Work, cores: Cores, seconds: float) -> Sample:  # noqa: ARG001
    """Let a server that has had some connections have many, and look how much larger it is."""
    with serving(contestant, work, cores.server) as (pid, port), _pinned(cores.load):
        with idle_connections(port, _SETTLED):
            pass
        before = resident_memory(pid)
        with idle_connections(port, work.idle) as clients:
            after = resident_memory(pid)
            # The first one is open to this day.
            ask(clients[0])
            return Sample((after - before) / 1024 / len(clients))


def start(contestant: Contestant, work: Work, cores: Cores, seconds: float) -> Sample:
    """Start it several times, the first time unmeasured, as Python then compiles what it has not."""

    def once() -> float:
        began = time.perf_counter()
        with serving(contestant, work, cores.server):
            return 1000 * (time.perf_counter() - began)

    with _pinned(cores.load):
        return _median(once, seconds)


def import_(contestant: Contestant, work: Work, cores: Cores, seconds: float) -> Sample:  # noqa: ARG001
    """Import several times what it imports, in as many processes."""
    with _pinned(cores.server):
        return _median(lambda: imports.measure(contestant.imports, COMPILED)[0], seconds)


DRIVERS: Final[Mapping[str, Callable[[Contestant, Work, Cores, float], Sample]]] = {
    "wrk": measure,
    "upload": upload,
    "download": download,
    "websocket": websocket,
    "memory": memory,
    "start": start,
    "import": import_,
}


def _transfer(
    contestant: Contestant, work: Work, cores: Cores, seconds: float, once: Callable[[socket.socket], int]
) -> Sample:
    with (
        serving(contestant, work, cores.server) as (pid, port),
        _pinned(cores.load),
        socket.create_connection(("127.0.0.1", port), timeout=_TIMEOUT) as client,
    ):
        once(client)
        return meter(pid, lambda: _repeat(lambda: once(client), seconds))


def _send(client: socket.socket) -> int:
    """Upload; give how many MiB it was."""
    client.sendall(b"POST /upload HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n" % (TRANSFER * MEBIBYTE))
    for _ in range(TRANSFER):
        client.sendall(_PIECE)
    head, length, body = _read_head(client)
    while len(body) < length:
        body += _some(client)
    if body != b"%d" % (TRANSFER * MEBIBYTE):
        raise BenchmarkError(f"{TRANSFER} MiB were sent, and the answer is {head!r}, {body!r}")
    return TRANSFER


def _receive(client: socket.socket) -> int:
    """Download; give how many MiB it was."""
    client.sendall(b"GET /download/%d HTTP/1.1\r\nHost: a\r\n\r\n" % TRANSFER)
    head, length, body = _read_head(client)
    if length != TRANSFER * MEBIBYTE:
        raise BenchmarkError(f"{TRANSFER} MiB were asked for, and the answer is {head!r}")
    missing = length - len(body)
    room = memoryview(bytearray(4 * len(_PIECE)))
    while missing:
        if not (count := client.recv_into(room)):
            raise BenchmarkError(f"the server has closed the connection, and {missing} bytes are missing")
        missing -= count
    return TRANSFER


def _read_head(client: socket.socket) -> tuple[bytes, int, bytes]:
    """Give the head of an answer, the length of its body, and what has come of it."""
    answer = b""
    while b"\r\n\r\n" not in answer:
        answer += _some(client)
    head, _, body = answer.partition(b"\r\n\r\n")
    lengths = [line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")]
    if not lengths:
        raise BenchmarkError(f"an answer without a length: {head!r}")
    return head, int(lengths[0].partition(b":")[2]), body


def _some(client: socket.socket) -> bytes:
    if not (data := client.recv(65536)):
        raise BenchmarkError("the server has closed the connection")
    return data


def _check_echo(contestant: Contestant, port: int, path: bytes) -> None:
    with connect(port, path) as client:
        client.sendall(frame(MESSAGE))
        answer = client.recv(echoed_size(len(MESSAGE)), socket.MSG_WAITALL)
    if answer != b"\x81" + bytes([len(MESSAGE)]) + MESSAGE:
        raise BenchmarkError(f"{contestant.name} sends {answer!r} back")


def _repeat(once: Callable[[], int], seconds: float) -> int:
    """Do it until the time is up; give the sum of what it gave."""
    until, total = time.monotonic() + seconds, once()
    while time.monotonic() < until:
        total += once()
    return total


def _median(once: Callable[[], float], seconds: float) -> Sample:
    """Give the median of as many as there is time for, three at least, after one that does not count."""
    once()
    until, figures = time.monotonic() + seconds, [once()]
    while len(figures) < 3 or time.monotonic() < until:
        figures.append(once())
    return Sample(median(figures))
