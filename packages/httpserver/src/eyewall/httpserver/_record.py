"""What a server tells whoever observes it: one record for every request, however it ended."""

from __future__ import annotations

from typing import Final, Literal, NamedTuple

Cause = Literal["answered", "refused", "failed", "timed out", "aborted", "drained", "detached"]
"""How a request ended.

``answered``: its answer is complete. ``refused``: by the parser, a limit, or an ``HTTPInputError``
of its delegate. ``failed``: its delegate raised, or broke its answer off. ``timed out``: by one of
the deadlines. ``aborted``: its client went away, or the connection was closed under it.
``drained``: the grace of a drain was over. ``detached``: somebody took the stream over.
"""


class RequestRecord(NamedTuple):
    """One request, when it is over. It can be kept: it holds on to no connection."""

    remote_ip: str
    """Who asked: the context's ``remote_ip``."""
    method: str
    """The method; empty if the request could not be read so far."""
    target: str
    """The request target as it came; empty if it could not be read."""
    status: int
    """The status that the answer began with; 0 where it never began."""
    bytes_received: int
    """Bytes of the request's body, as far as it was read."""
    bytes_sent: int
    """Bytes of the answer, with its head and its framing, as far as it was written."""
    seconds: float
    """From the first byte of the request to its end."""
    cause: Cause
    """How it ended."""
    reason: str
    """Why, in the words of the log; empty for a request that was answered."""


class Account:
    """What is counted of one request while it goes on; there is none where nobody observes the server."""

    __slots__ = ("began", "cause", "reason", "sent", "status")

    def __init__(self, began: float) -> None:
        self.began: Final = began
        self.cause: Cause | None = None
        self.reason: str = ""
        self.sent: int = 0
        self.status: int = 0

    def end(self, cause: Cause, reason: object = "") -> None:
        """Note how it ends; what was noted first stays."""
        if self.cause is None:
            self.cause = cause
            self.reason = str(reason)

    def record(self, remote_ip: str, method: str, target: str, received: int, seconds: float) -> RequestRecord:
        """Return it all, in one piece."""
        cause = self.cause or "aborted"
        return RequestRecord(remote_ip, method, target, self.status, received, self.sent, seconds, cause, self.reason)
