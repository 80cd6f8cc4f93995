"""The end of a server: the states it goes through, and what it reports of its connections."""

from __future__ import annotations

import enum
from typing import TYPE_CHECKING, Final, NamedTuple

from eyewall.iostream import Address

from ._log import logger, readable
from .errors import DrainedError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from eyewall.ioloop import EventLoop

    from ._connections import Connections

DEFAULT_GRACE: Final = 30.0
"""Seconds that connections get to end by themselves."""
CUT_SECONDS: Final = 1.0
"""How long a task that was cancelled may take to end, before the server goes without it."""
_NAMED: Final = 5


class ServerState(enum.Enum):
    """What a server is currently doing."""

    STOPPED = "stopped"
    """It is not listening: not yet, or no longer."""
    SERVING = "serving"
    """It is listening."""
    DRAINING = "draining"
    """It is no longer listening, and lets its connections end."""


class DrainReport(NamedTuple):
    """What happened to the connections of a server that was drained."""

    ended: int
    """Connections that ended by themselves."""
    cut: tuple[Address, ...]
    """The clients whose connections had to be cut when the grace period was over."""
    stuck: tuple[Address, ...]
    """Those among them whose tasks did not end within a second, although they were cancelled."""
    seconds: float
    """How long it took."""


class Drain:
    """One draining of a server. Several may wait for it; the least grace counts."""

    def __init__(self, connections: Connections, io_loop: EventLoop) -> None:
        self._connections = connections
        self._io_loop = io_loop
        self._began = io_loop.time()
        self._count = len(connections)
        self._cut: tuple[Address, ...] = ()
        self.waiting = 0
        """How many wait for the end."""

    async def wait(self, grace: float, cut: Callable[[DrainedError], Awaitable[object]]) -> DrainReport:
        """Wait until all connections have ended, and cut what is left after ``grace`` seconds."""
        with self._io_loop.cancel_scope(deadline=self._io_loop.time() + grace):
            await self._connections.wait_until_none(self._io_loop)
        if left := list(self._connections):
            self._cut += tuple(connection.address for connection in left)
            with self._io_loop.cancel_scope(deadline=self._io_loop.time() + CUT_SECONDS):
                await cut(DrainedError(f"the server was drained, and the connection not over after {grace:g} s"))
                await self._connections.wait_until_none(self._io_loop)
        stuck = tuple(connection.address for connection in self._connections)
        return DrainReport(self._count - len(self._cut), self._cut, stuck, self._io_loop.time() - self._began)


def log_report(report: DrainReport) -> None:
    """Tell an operator how it went."""
    if not report.cut:
        logger.info("drained in %.1f s: all %d connections have ended", report.seconds, report.ended)
        return
    logger.warning(
        "drained in %.1f s: %d connections have ended, %d had to be cut: %s",
        report.seconds,
        report.ended,
        len(report.cut),
        _some(report.cut),
    )
    if report.stuck:
        logger.error(
            "%d tasks do not end although they were cancelled; they served %s", len(report.stuck), _some(report.stuck)
        )


def _some(addresses: tuple[Address, ...]) -> str:
    named = ", ".join(map(readable, addresses[:_NAMED]))
    return named if len(addresses) <= _NAMED else f"{named} …"
