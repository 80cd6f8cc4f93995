"""What a server tells whoever observes it: one record for every request, however it ended."""

from __future__ import annotations

from typing import Final, Literal, NamedTuple

Cause = Literal["answered", "refused", "failed", "timed out", "aborted", "drained", "detached"]
"""How a request ended.

``answered``: its response is complete. ``refused``: by the parser, a limit, or an ``HTTPInputError`` of its delegate.
``failed``: its delegate raised an exception, or left its response incomplete. ``timed out``: a deadline passed.
``aborted``: its client disconnected, or the connection was closed. ``drained``: the grace period of a drain was over.
``detached``: the stream was taken over.
"""


class RequestRecord(NamedTuple):
    """What happened to one request. It may be kept, since it does not refer to the connection."""

    remote_ip: str
    """The client: ``remote_ip`` of the context."""
    method: str
    """The method; empty if the request could not be read that far."""
    target: str
    """The request target as it was received; empty if it could not be read."""
    status: int
    """The status with which the response began; 0 if it never began."""
    bytes_received: int
    """Bytes of the request's body that were read."""
    bytes_sent: int
    """Bytes of the response that were written, including its head and framing."""
    seconds: float
    """The time from the first byte of the request to its end."""
    cause: Cause
    """How it ended."""
    reason: str
    """The reason, as it is logged; empty for a request that was answered."""


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
