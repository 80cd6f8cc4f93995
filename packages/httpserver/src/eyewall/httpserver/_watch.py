"""What a connection's deadlines are, and whether one of them is over: looked at now and then, noted by nobody else."""

from __future__ import annotations

import math
from enum import Enum
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from eyewall.ioloop import Future

    from ._connection import HTTP1Connection
    from ._parameters import Deadlines

# What was accepted just before a drain, and mostly has its first request on its way.
_LATE_SECONDS: Final = 1.0


class State(Enum):
    """What a connection is doing, as far as its deadlines are concerned."""

    HANDSHAKE = "handshake_timeout"
    NEW = "the first byte"
    LATE = "its time for a first request while the server drains"
    IDLE = "idle_connection_timeout"
    HEAD = "header_timeout"
    BODY = "body_timeout"
    HELD = "the delegate holds its peer back"
    HANDLER = "handler_timeout"
    GONE = "nobody need be there"
    SENDING = "the answer goes out"
    LINGERING = "linger_seconds"
    DETACHED = "no business of HTTP's"


STATUS: Final = {State.HEAD: 408, State.BODY: 408, State.HANDLER: 503}
"""What a request is answered that takes too long in a state."""
EVERYDAY: Final = frozenset({State.NEW, State.LATE, State.IDLE, State.GONE, State.LINGERING})
"""In which nobody says anything, as it happens every day."""

# A handler's time goes on where its client goes.
_AT_WORK: Final = frozenset({State.HANDLER, State.GONE})
_NAMES: Final = {State.NEW: "header_timeout", State.GONE: "idle_connection_timeout"}


def state_of(exchange: HTTP1Connection, gone: bool) -> State:
    """Say what a connection is doing in an exchange, whose client may count as gone."""
    if gone:
        return State.GONE
    if not exchange.head_seen:
        return State.HEAD
    if exchange.waits_for_request:
        return State.BODY if exchange.reads else State.HELD
    return State.SENDING if exchange.finished else State.HANDLER


class Seen(NamedTuple):
    """What one look sees of a connection."""

    state: State
    exchange: HTTP1Connection | None
    unsent: int
    """Bytes that its peer has not taken yet."""


class Watch:
    """Compares what is seen of a request at one look with what was seen at the last.

    So a connection notes no times. A state counts from the first look that sees it: a deadline is
    never early, and late by up to two looks. Of a body, the time between two looks that both see it waited for.
    """

    __slots__ = (
        "_held_since",
        "_looked",
        "_received",
        "_sends_since",
        "_since",
        "_state",
        "_unsent",
        "_window",
        "_works_since",
        "_written",
    )

    def __init__(self) -> None:
        self._state: State | None = None
        self._since = 0.0
        self._looked = 0.0
        # From which look on its body is held back, where it was waited for before.
        self._held_since: float | None = None
        self._unsent = 0
        self._written: Future[None] | None = None
        self._sends_since = 0.0
        self._window = 0.0
        self._works_since = 0.0
        self._received = 0

    def look(self, now: float, seen: Seen, deadlines: Deadlines) -> str | None:
        """Return what is overdue, in words for the log, or None."""
        if self._is_stalled(now, seen, deadlines):
            return f"it takes nothing for longer than write_timeout, {deadlines.write_timeout:g} seconds"
        state = seen.state
        looked, self._looked = self._looked, now
        if state is not self._state:
            self._change(now, looked, seen)
            return None
        if state is State.BODY and seen.exchange is not None:
            deadlines = deadlines._replace(body_timeout=seen.exchange.body_timeout)
        most = deadlines.handler_timeout
        if most is not None and state in _AT_WORK and now - self._works_since >= most:
            return f"it takes longer than handler_timeout, {most:g} seconds"
        if (why := overdue(state, self._since, now, deadlines)) is not None:
            return why
        if state is State.BODY and seen.exchange is not None and self._is_slow(now, seen.exchange, deadlines):
            return f"it sends fewer bytes a second than min_body_rate, {deadlines.min_body_rate:g}"
        return None

    def _change(self, now: float, looked: float, seen: Seen) -> None:
        """Begin to count for what is seen now; go on with a body that was held back, where it was left."""
        before, self._state = self._state, seen.state
        if not (before in _AT_WORK and seen.state in _AT_WORK):
            self._works_since = now
        if before is State.BODY and seen.state is State.HELD:
            self._held_since = looked
        elif before is State.HELD and seen.state is State.BODY and self._held_since is not None:
            self._since += now - self._held_since
            self._window += now - self._held_since
        else:
            self._held_since = None
            self._since = self._window = now
            self._received = seen.exchange.bytes_received if seen.exchange is not None else 0

    def _is_stalled(self, now: float, seen: Seen, deadlines: Deadlines) -> bool:
        """A peer that takes something makes what is unsent less, or what was written last is gone by the next look."""
        took = self._written is not None and self._written.done()
        stalls = seen.unsent >= self._unsent > 0 and not took and seen.state is not State.DETACHED
        self._unsent = seen.unsent
        self._written = seen.exchange.written if seen.unsent and seen.exchange is not None else None
        if not stalls:
            self._sends_since = now
        return now - self._sends_since >= deadlines.write_timeout

    def _is_slow(self, now: float, exchange: HTTP1Connection, deadlines: Deadlines) -> bool:
        if now - self._window < deadlines.rate_window:
            return False
        received = exchange.bytes_received
        rate = (received - self._received) / (now - self._window)
        self._window, self._received = now, received
        return rate < deadlines.min_body_rate


def overdue(state: State, since: float, now: float, deadlines: Deadlines) -> str | None:
    """Say, for the log, that a state has lasted too long; None if it has not."""
    timeout = _timeout(state, deadlines)
    if now - since < timeout:
        return None
    return f"it takes longer than {_NAMES.get(state, state.value)}, {timeout:g} seconds"


def _timeout(state: State, deadlines: Deadlines) -> float:
    """How long a state may last."""
    timeouts: dict[State, float | None] = {
        State.HANDSHAKE: deadlines.handshake_timeout,
        State.NEW: min(deadlines.header_timeout, deadlines.idle_connection_timeout),
        State.LATE: _LATE_SECONDS,
        State.IDLE: deadlines.idle_connection_timeout,
        State.HEAD: deadlines.header_timeout,
        State.BODY: deadlines.body_timeout,
        State.GONE: deadlines.idle_connection_timeout,
        State.LINGERING: deadlines.linger_seconds,
    }
    timeout = timeouts.get(state)
    return math.inf if timeout is None else timeout
