"""By when a client has to be sent more of an answer: its deadlines, and the rate of its body."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

from .errors import HTTPInputError

if TYPE_CHECKING:
    from ._exchange import Exchange


class Pace:
    """Watches over one answer. How long to wait for its first byte is the caller's business.

    A server's end notes no times (see ``Watch``); a client has one connection, and may.
    """

    __slots__ = ("_connection", "_held", "_over", "_phase", "_received", "_window")

    def __init__(self, connection: Exchange) -> None:
        self._connection: Final = connection
        self._phase = ""
        self._over = math.inf
        self._window = 0.0
        self._received = 0
        self._held = 0.0

    def until(self, phase: str, received: int) -> float:
        """Return by when to look again, at the latest, in this phase (``"head"``, ``"body"``, or neither as yet).

        ``received`` are the bytes of the body so far. Raises :class:`HTTPInputError` if its peer is late.
        """
        now = self._connection.io_loop.time()
        deadlines = self._connection.params.deadlines
        if phase != self._phase:
            self._phase, self._window, self._received = phase, now, received
            self._over = math.inf if (seconds := self._seconds()) is None else now + seconds
        if now >= self._over:
            limit = f"{'header' if phase == 'head' else phase}_timeout, {self._seconds():g} seconds"
            raise HTTPInputError(f"the {phase} of an answer takes longer than {limit}")
        if phase != "body" or not deadlines.min_body_rate:
            return self._over
        if (passed := now - self._window) >= deadlines.rate_window:
            if received - self._received < deadlines.min_body_rate * passed:
                rate = f"min_body_rate, {deadlines.min_body_rate:g}"
                raise HTTPInputError(f"the body of an answer comes with fewer bytes a second than {rate}")
            self._window, self._received = now, received
        return min(self._over, self._window + deadlines.rate_window)

    def hold(self) -> None:
        """The delegate holds its peer back from now on."""
        self._held = self._connection.io_loop.time()

    def go_on(self) -> None:
        """The peer may send again: what passed since :meth:`hold` is not its time."""
        held = self._connection.io_loop.time() - self._held
        self._over += held
        self._window += held

    def _seconds(self) -> float | None:
        timeouts = {"head": self._connection.params.deadlines.header_timeout, "body": self._connection.body_timeout}
        return timeouts.get(self._phase)
