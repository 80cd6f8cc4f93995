"""What eyewall's event loops cost beside the bare ones, as ratios in one run.

``python -m benchmarks.loop`` prints a line for each comparison: the nanoseconds of both, their
ratio, and the most that it should be. Needs Linux, and uvloop for the lines that name it.

Each pair is measured in turns, many short rounds of each. The ratio is the median of those of the
rounds: what slows the machine for a while slows both sides of a round.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import importlib.util
import select
import socket
import sys
import time
from contextlib import ExitStack, closing
from statistics import median
from typing import TYPE_CHECKING, Final, NamedTuple

from eyewall.ioloop import READ, IOLoop

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    Handler = Callable[[socket.socket, int], object]

MESSAGE: Final = b"GET / HTTP/1.1\r\nHost: 127.0.0.1:8080\r\n\r\n"
READ_CHUNK_SIZE: Final = 65_536  # of a stream
EVENTS: Final = 4_800  # in a round; a multiple of each number of descriptors
CALLBACKS: Final = 5_000  # in a round


class Comparison(NamedTuple):
    """Two ways to do the same; each runs a round of ``number`` operations."""

    name: str
    number: int
    ours: Callable[[], object]
    theirs: Callable[[], object]
    limit: float


class Descriptors:
    """Sockets with a request to read that nobody takes, so that each turn finds all of them ready."""

    def __init__(self, count: int, stack: ExitStack) -> None:
        self.sockets: list[socket.socket] = []
        for _ in range(count):
            near, far = socket.socketpair()
            self.sockets.append(stack.enter_context(closing(near)))
            stack.enter_context(closing(far)).send(MESSAGE)
            near.setblocking(False)


class Counter:
    """Handlers that end the round with its last event."""

    def __init__(self, stop: Callable[[], object]) -> None:
        self.left = 0
        self._stop = stop

    def empty(self, _sock: socket.socket, _events: int) -> None:
        """Do nothing but count."""
        self.left -= 1
        if not self.left:
            self._stop()

    def reading(self, sock: socket.socket, _events: int) -> None:
        """Read as a stream does, and leave what there is to the next turn."""
        sock.recv(READ_CHUNK_SIZE, socket.MSG_PEEK)
        self.left -= 1
        if not self.left:
            self._stop()


class Bare:
    """An epoll loop with nothing around it."""

    def __init__(self, stack: ExitStack) -> None:
        self._epoll = stack.enter_context(closing(select.epoll()))
        self._handlers: dict[int, tuple[socket.socket, Handler]] = {}
        self._running = False

    def add(self, sock: socket.socket, handler: Handler) -> None:
        """Watch a socket."""
        self._epoll.register(sock, select.EPOLLIN)
        self._handlers[sock.fileno()] = (sock, handler)

    def stop(self) -> None:
        """End :meth:`run` after this turn."""
        self._running = False

    def run(self) -> None:
        """Dispatch until stopped."""
        self._running = True
        poll = self._epoll.poll
        handlers = self._handlers
        while self._running:
            for number, events in poll():
                sock, handler = handlers[number]
                handler(sock, events)


def dispatching(count: int, kind: str, limit: float, stack: ExitStack) -> Comparison:
    """Compare the selector backend with a bare epoll loop."""
    sockets = Descriptors(count, stack).sockets
    bare = Bare(stack)
    io_loop = stack.enter_context(closing(IOLoop(make_current=False, backend="selector:epoll")))
    theirs, ours = Counter(bare.stop), Counter(io_loop.stop)
    for sock in sockets:
        bare.add(sock, getattr(theirs, kind))
        io_loop.add_handler(sock, getattr(ours, kind), READ)
    name = f"selector / bare epoll: {count} ready, {kind} handler"
    return Comparison(name, EVENTS, _round(ours, io_loop.start), _round(theirs, bare.run), limit)


def adapting(backend: str, count: int, kind: str, stack: ExitStack) -> Comparison:
    """Compare a backend over an asyncio loop with ``add_reader`` of such a loop."""
    sockets = Descriptors(count, stack).sockets
    io_loop = stack.enter_context(closing(IOLoop(make_current=False, backend=backend)))
    bare = stack.enter_context(closing(_new_loop(backend)))
    theirs, ours = Counter(bare.stop), Counter(io_loop.stop)
    for sock in sockets:
        bare.add_reader(sock, getattr(theirs, kind), sock, READ)
        io_loop.add_handler(sock, getattr(ours, kind), READ)
    name = f"{backend} / its add_reader: {count} ready, {kind} handler"
    return Comparison(name, EVENTS, _round(ours, io_loop.start), _round(theirs, bare.run_forever), 1.05)


def calling(stack: ExitStack) -> Comparison:
    """Compare ``add_callback`` on the selector backend with asyncio's ``call_soon``."""
    io_loop = stack.enter_context(closing(IOLoop(make_current=False, backend="selector")))
    bare = stack.enter_context(closing(asyncio.SelectorEventLoop()))

    def ours() -> None:
        add = io_loop.add_callback
        for _ in range(CALLBACKS):
            add(_nothing)
        add(io_loop.stop)
        io_loop.start()

    def theirs() -> None:
        add = bare.call_soon
        for _ in range(CALLBACKS):
            add(_nothing)
        add(bare.stop)
        bare.run_forever()

    return Comparison("selector: add_callback / asyncio: call_soon", CALLBACKS, ours, theirs, 0.5)


def chained(stack: ExitStack) -> Comparison:
    """Compare a callback that adds the next one, so that each is a turn of its own."""
    io_loop = stack.enter_context(closing(IOLoop(make_current=False, backend="selector")))
    bare = stack.enter_context(closing(asyncio.SelectorEventLoop()))
    ours = _Chain(io_loop.add_callback, io_loop.stop)
    theirs = _Chain(bare.call_soon, bare.stop)
    name = "selector / asyncio: each callback adds the next"
    return Comparison(name, CALLBACKS, _chain(ours, io_loop.start), _chain(theirs, bare.run_forever), 0.5)


class _Chain:
    def __init__(self, add: Callable[[Callable[[], object]], object], stop: Callable[[], object]) -> None:
        self.left = 0
        self.add = add
        self._stop = stop

    def call(self) -> None:
        self.left -= 1
        if self.left:
            self.add(self.call)
        else:
            self._stop()


def _chain(chain: _Chain, run: Callable[[], object]) -> Callable[[], None]:
    def one_round() -> None:
        chain.left = CALLBACKS
        chain.add(chain.call)
        run()

    return one_round


def _round(counter: Counter, run: Callable[[], object]) -> Callable[[], None]:
    def one_round() -> None:
        counter.left = EVENTS
        run()

    return one_round


def _new_loop(backend: str) -> asyncio.AbstractEventLoop:
    if backend == "asyncio":
        return asyncio.SelectorEventLoop()
    import uvloop

    return uvloop.new_event_loop()


def _nothing() -> None:
    """Do nothing."""


def measure(comparison: Comparison, rounds: int) -> tuple[float, float, float]:
    """Give the nanoseconds of one operation, ours and theirs, and their ratio: the medians of the rounds."""
    pairs = [(_time(comparison.ours), _time(comparison.theirs)) for _ in range(rounds)]
    ours = median(ours for ours, _ in pairs) / comparison.number
    theirs = median(theirs for _, theirs in pairs) / comparison.number
    return ours, theirs, median(ours / theirs for ours, theirs in pairs)


def _time(one_round: Callable[[], object]) -> int:
    begun = time.perf_counter_ns()
    one_round()
    return time.perf_counter_ns() - begun


def comparisons(stack: ExitStack) -> Iterator[Comparison]:
    """Give all that is compared."""
    yield dispatching(1, "empty", 2.0, stack)
    for count in (16, 64):
        yield dispatching(count, "reading", 1.15, stack)
    yield calling(stack)
    yield chained(stack)
    for backend in ("asyncio", "uvloop"):
        if backend == "asyncio" or importlib.util.find_spec(backend):
            yield adapting(backend, 1, "empty", stack)
            yield adapting(backend, 16, "reading", stack)


def main() -> int:
    """Print the table; the exit status is 1 where a ratio is above its limit."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.loop", description=__doc__)
    parser.add_argument("--rounds", type=int, default=300, help="rounds of each (default: 300)")
    parser.add_argument("--only", default="", metavar="TEXT", help="the comparisons whose names hold this")
    chosen = parser.parse_args()
    missed = 0
    print(f"{'':58}{'ours':>8}{'theirs':>9}{'ratio':>8}{'limit':>8}")
    with ExitStack() as stack:
        for comparison in comparisons(stack):
            if chosen.only not in comparison.name:
                continue
            gc.collect()
            ours, theirs, ratio = measure(comparison, chosen.rounds)
            missed += ratio > comparison.limit
            over = "  over" if ratio > comparison.limit else ""
            print(f"{comparison.name:58}{ours:6.0f}ns{theirs:7.0f}ns{ratio:8.2f}{comparison.limit:8.2f}{over}")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
