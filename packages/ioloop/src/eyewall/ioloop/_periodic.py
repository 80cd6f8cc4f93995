"""PeriodicCallback: the same call again and again, on a schedule that does not drift."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from ._callbacks import log_failure
from ._ioloop import IOLoop

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import timedelta

    from .protocols import EventLoop, Timer


class PeriodicCallback:
    """Calls ``callback`` every ``callback_time`` milliseconds (or ``timedelta``) once started.

    The calls follow a grid of ``callback_time`` from the start, shifted at each step by up to half of ``jitter`` (a
    fraction of ``callback_time``) either way. If the callback returns an awaitable, as an ``async def`` does, it is
    run as a task, and the next call waits until it has ended; calls that fall due in the meantime are skipped.
    Exceptions are logged, and the calls continue.

    Raises ``ValueError`` for a ``callback_time`` that is not positive.
    """

    def __init__(
        self,
        callback: Callable[[], object],
        callback_time: timedelta | float,
        jitter: float = 0,
        *,
        io_loop: EventLoop | None = None,
    ) -> None:
        if not isinstance(callback_time, (int, float)):
            callback_time = callback_time.total_seconds() * 1000
        if callback_time <= 0:
            raise ValueError(f"callback_time is a positive number of milliseconds, not {callback_time!r}")
        self.callback: Callable[[], object] = callback
        self.callback_time: float = callback_time
        self.jitter: float = jitter
        self._given_loop = io_loop
        self.io_loop: EventLoop | None = io_loop
        """The loop that makes the calls: the given one, or the one that was current at the last start."""
        self._next = 0.0
        self._timer: Timer | None = None
        self._round: object = None  # one from a start to its stop; None: stopped

    def start(self) -> None:
        """Begin: the first call comes after one ``callback_time``. Does nothing if already started."""
        if self._round is not None:
            return
        self.io_loop = io_loop = self._given_loop or IOLoop.current()
        self._round = object()
        self._next = io_loop.time()
        self._schedule(io_loop)

    def stop(self) -> None:
        """Make no further calls. A coroutine that is running continues to its end. Idempotent."""
        self._round = None
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def is_running(self) -> bool:
        """True between start and stop."""
        return self._round is not None

    def _schedule(self, io_loop: EventLoop) -> None:
        step = self.callback_time / 1000
        if self.jitter:
            import random

            step *= 1 + self.jitter * (random.random() - 0.5)  # noqa: S311 - spreads load, keeps no secret
        late = max(0.0, io_loop.time() - self._next)
        self._next += (math.floor(late / step) + 1) * step
        self._timer = io_loop.call_at(self._next, self._call, io_loop)

    def _call(self, io_loop: EventLoop) -> None:
        begun = self._round
        try:
            result = self.callback()
        except Exception as error:  # noqa: BLE001 - whatever it is, the schedule goes on
            log_failure(self.callback, error)
        else:
            if hasattr(result, "__await__"):
                io_loop.spawn(self._await(io_loop, result, begun), name="PeriodicCallback")
                return
        self._go_on(io_loop, begun)

    async def _await(self, io_loop: EventLoop, result: Any, begun: object) -> None:
        try:
            await result
        except Exception as error:  # noqa: BLE001 - the same
            log_failure(self.callback, error)
        self._go_on(io_loop, begun)

    def _go_on(self, io_loop: EventLoop, begun: object) -> None:
        # Stopped and started anew meanwhile, it has its next call already.
        if self._round is not None and self._round is begun:
            self._schedule(io_loop)
