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
    """Looks at its connections twice in ``tick`` seconds, as long as it has any.

    A state of theirs counts from the first look that sees it. So a deadline is never early, and
    noticed within a tick; and a connection need not note when something began.
    """

    __slots__ = ("_connections", "_pause", "_timer", "io_loop")

    def __init__(self, io_loop: EventLoop, tick: float) -> None:
        self.io_loop: EventLoop = io_loop
        """The loop that the timer runs on."""
        self._connections: set[Swept] = set()
        self._timer: Timer | None = None
        self._pause = tick / 2

    def add(self, connection: Swept) -> None:
        """Look at this one from now on."""
        self._connections.add(connection)
        if self._timer is None:
            self._timer = self.io_loop.call_later(self._pause, self._sweep)

    def discard(self, connection: Swept) -> None:
        """Look at this one no more."""
        self._connections.discard(connection)
        if not self._connections and self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _sweep(self) -> None:
        now = self.io_loop.time()
        self._timer = self.io_loop.call_later(self._pause, self._sweep)
        for connection in list(self._connections):
            connection.sweep(now)
