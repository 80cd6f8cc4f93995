"""The errors of WebSocket connections."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from eyewall.httpserver import HTTPHeaders


class WebSocketError(Exception):
    """The base class of the errors of a WebSocket connection."""


class WebSocketClosedError(WebSocketError):
    """Raised when something is sent on a connection that has closed or is closing."""

    def __init__(self, message: str = "the connection has closed, or is closing") -> None:
        super().__init__(message)


class HTTPClientError(WebSocketError):
    """The server did not switch to WebSocket, but answered with an HTTP status."""

    def __init__(self, code: int, message: str, headers: HTTPHeaders) -> None:
        super().__init__(f"HTTP {code}: {message}; one that switches to WebSocket answers 101")
        self.code: Final = code
        """The status."""
        self.message: Final = message
        """The reason phrase."""
        self.headers: Final = headers
        """The header fields of the answer."""
