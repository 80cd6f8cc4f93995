"""One coarse timer for the deadlines of all connections, so that a request arms none."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from eyewall.ioloop import EventLoop, Timer


class Swept(Protocol):
    """Something with deadlines."""

    def sweep(self, now: float, /) -> None:
        """Close what is overdue at ``now``."""
        ...


class Sweeper:
    """Looks at its connections once in ``tick`` seconds, as long as it has any.

    :attr:`now` is a clock that is read for nothing: it lags by up to a tick, so that a deadline
    counted from it may be early by that much; whoever sets one adds a :attr:`tick`.
    """

    __slots__ = ("_connections", "_timer", "io_loop", "now", "tick")

    def __init__(self, io_loop: EventLoop, tick: float) -> None:
        self.io_loop: EventLoop = io_loop
        """The loop that the timer runs on."""
        self._connections: set[Swept] = set()
        self._timer: Timer | None = None
        self.tick: float = tick
        """Seconds between two looks."""
        self.now: float = io_loop.time()
        """The loop's time at the last look."""

    def add(self, connection: Swept) -> None:
        """Look at this one from now on."""
        self._connections.add(connection)
        if self._timer is None:
            self.now = self.io_loop.time()
            self._timer = self.io_loop.call_later(self.tick, self._sweep)

    def discard(self, connection: Swept) -> None:
        """Look at this one no more."""
        self._connections.discard(connection)
        if not self._connections and self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _sweep(self) -> None:
        self.now = self.io_loop.time()
        self._timer = self.io_loop.call_later(self.tick, self._sweep)
        for connection in list(self._connections):
            connection.sweep(self.now)
