"""The connections of a server, and one coarse timer for the deadlines of all, so that a request arms none."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from eyewall.ioloop import EventLoop, Timer

    from ._server_connection import HTTP1ServerConnection


class Sweeper:
    """Knows its connections, and looks at them twice in ``tick`` seconds from when one waits until there is none.

    A state of theirs counts from the first look that sees it. So a deadline is never early, and
    noticed within a tick; and a connection need not note when something began. It is a look that notices that there
    is none: a timer for each who comes alone and waits would be a twentieth of what the connection takes.
    """

    __slots__ = ("_connections", "_pause", "_timer", "io_loop")

    def __init__(self, io_loop: EventLoop, tick: float) -> None:
        self.io_loop: EventLoop = io_loop
        """The loop that the timer runs on."""
        # A dict: a set of ten thousand takes twice the memory.
        self._connections: dict[HTTP1ServerConnection, None] = {}
        self._timer: Timer | None = None
        self._pause = tick / 2

    def __iter__(self) -> Iterator[HTTP1ServerConnection]:
        """Go through those that are there now; they may end meanwhile."""
        return iter(list(self._connections))

    def add(self, connection: HTTP1ServerConnection) -> None:
        """Know this one from now on; no timer runs for one that never waits."""
        self._connections[connection] = None

    def begin(self) -> None:
        """Look at all of them from now on."""
        if self._timer is None:
            self._timer = self.io_loop.call_later(self._pause, self._sweep)

    def discard(self, connection: HTTP1ServerConnection) -> None:
        """Know this one no more."""
        self._connections.pop(connection, None)

    def _sweep(self) -> None:
        if not self._connections:
            self._timer = None
            return
        now = self.io_loop.time()
        self._timer = self.io_loop.call_later(self._pause, self._sweep)
        for connection in self:
            connection.sweep(now)
