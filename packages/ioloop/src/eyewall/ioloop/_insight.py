"""Tells how late a loop is, and what keeps it: watched from a thread, so that a callback pays nothing for it."""

from __future__ import annotations

import heapq
import logging
import sys
import threading
import time
import weakref
from typing import TYPE_CHECKING, Final, NamedTuple

from ._capability import Capability

if TYPE_CHECKING:
    from types import FrameType, TracebackType
    from typing import Self

    from ._ioloop import IOLoop

logger: Final = logging.getLogger("eyewall.ioloop")


class Counts(NamedTuple):
    """How much a loop currently has to do."""

    handlers: int
    """Descriptors that are watched."""
    timers: int | None
    """Scheduled calls that are not cancelled, including those of asyncio's own ``sleep`` and the like; None: the
    underlying loop does not tell.
    """
    tasks: int
    """Tasks that have not ended."""


class Lag(NamedTuple):
    """How late callbacks ran, in seconds after they were added."""

    last: float
    mean: float
    worst: float
    beats: int
    """How many times it was measured."""


class Blockage(NamedTuple):
    """A period in which the loop could do nothing else."""

    seconds: float
    where: str
    """The innermost line of the code that was running, as ``name at file:line``."""
    stack: str
    """Its whole stack, as in a traceback."""


class Insight:
    """Watches a running loop; created by :meth:`IOLoop.watch <eyewall.ioloop.IOLoop.watch>`.

    A thread adds a callback every ``interval`` seconds and measures how late it runs. If that takes longer than
    ``interval``, the thread looks at the stack of the loop's thread. If it takes longer than ``threshold``, the
    thread logs that stack while the loop is still blocked, and again each time the delay has doubled. Anything
    shorter than ``interval`` may go unnoticed. Code in C that holds the interpreter lock stops this thread as well:
    its duration is reported correctly, but its place may be that of the code that ran next::

        with io_loop.watch(threshold=0.05) as insight:
            io_loop.run_sync(main)
        print(insight.lag.worst, insight.slowest[:3])
    """

    def __init__(
        self, io_loop: IOLoop, threshold: float = 0.1, *, interval: float | None = None, keep: int = 10
    ) -> None:
        """Raise ``ValueError`` unless 0 < interval <= threshold; ``RuntimeError`` on a backend without threads."""
        interval = threshold / 4 if interval is None else interval
        if not 0 < interval <= threshold:
            raise ValueError(
                f"threshold ({threshold!r}) and interval ({interval!r}) are seconds, the interval the shorter"
            )
        if Capability.THREADS not in io_loop.capabilities:
            raise RuntimeError(f"the backend {io_loop.backend_name!r} has no threads to watch it from")
        self.threshold: Final = threshold
        self.interval: Final = interval
        self._io_loop = io_loop
        self._keep = keep
        self._slowest: list[Blockage] = []  # a heap, the shortest first
        self._begun = self._last = self._sum = self._worst = 0.0
        self._beats = 0
        self._loop_thread = 0
        self._answered = threading.Event()
        self._stopped = threading.Event()
        self._thread: Final = threading.Thread(
            target=_watch, args=(weakref.ref(self), self._stopped, interval), name="eyewall.ioloop.Insight", daemon=True
        )
        self._thread.start()

    @property
    def lag(self) -> Lag:
        """How late callbacks have run so far."""
        return Lag(self._last, self._sum / (self._beats or 1), self._worst, self._beats)

    @property
    def slowest(self) -> list[Blockage]:
        """The longest periods in which the loop was blocked, the longest first."""
        return sorted(self._slowest, reverse=True)

    @property
    def counts(self) -> Counts:
        """The result of :meth:`IOLoop.counts <eyewall.ioloop.IOLoop.counts>`; call it in the loop's thread."""
        return self._io_loop.counts()

    def stop(self) -> None:
        """Stop watching; the measurements are kept. Closing the loop does this too. Idempotent."""
        self._stopped.set()
        self._answered.set()
        if self._thread is not threading.current_thread():
            self._thread.join()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def beat(self) -> None:
        """Measure once; called in the thread that watches."""
        if not self._io_loop.is_running():
            return
        self._begun = begun = time.perf_counter()
        self._answered.clear()
        self._io_loop.add_callback(self._answer, begun)
        if not self._answered.wait(self.interval):
            self._follow(begun)

    def _follow(self, begun: float) -> None:
        """Watch a loop that stands still until it goes on."""
        seen, due = self._look(begun), self.threshold
        while not self._answered.wait(min(self.interval, begun + due - time.perf_counter())):
            if not self._io_loop.is_running():
                self._begun = 0.0  # one that was stopped does not answer, and is no longer late
                return
            if time.perf_counter() - begun >= due:
                now = self._look(begun)
                logger.warning(
                    "the loop has stood still for %.3f s, in %s\n%s", now.seconds, now.where, now.stack.rstrip()
                )
                if due == self.threshold:  # a later look more likely sees what came after
                    seen = now
                due *= 2
        if not self._stopped.is_set():
            self._remember(seen._replace(seconds=self._last))

    def _answer(self, begun: float) -> None:
        if self._stopped.is_set() or begun != self._begun:
            return
        self._loop_thread = threading.get_ident()
        self._last = lag = time.perf_counter() - begun
        self._sum += lag
        self._worst = max(self._worst, lag)
        self._beats += 1
        self._answered.set()

    def _look(self, begun: float) -> Blockage:
        """Say where the loop's thread is now."""
        frame = sys._current_frames().get(self._loop_thread)  # pyright: ignore[reportPrivateUsage] - public, but for its name
        where, stack = ("an unknown place", "") if frame is None else _describe(frame)
        return Blockage(time.perf_counter() - begun, where, stack)

    def _remember(self, blockage: Blockage) -> None:
        heapq.heappush(self._slowest, blockage)
        if len(self._slowest) > self._keep:
            heapq.heappop(self._slowest)


def _watch(insight: weakref.ref[Insight], stopped: threading.Event, interval: float) -> None:
    # Where the loop is another's, nobody closes its IOLoop: this ends when the two have gone.
    while not stopped.wait(interval) and (watched := insight()) is not None:
        watched.beat()
        del watched


def _describe(frame: FrameType) -> tuple[str, str]:
    import traceback

    code = frame.f_code
    return f"{code.co_qualname} at {code.co_filename}:{frame.f_lineno}", "".join(traceback.format_stack(frame))
