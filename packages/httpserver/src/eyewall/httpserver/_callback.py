"""Lets a plain function serve requests: the adapter from a request callback to the delegates."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from ._request import HTTPServerRequest

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from ._headers import HTTPHeaders
    from ._start_line import RequestStartLine, ResponseStartLine
    from .protocols import HTTPConnection, HTTPMessageDelegate


class CallbackDelegate:
    """Collects each request and calls a function with it; satisfies HTTPServerConnectionDelegate."""

    __slots__ = ("_callback",)

    def __init__(self, callback: Callable[[HTTPServerRequest], Awaitable[object] | None]) -> None:
        self._callback = callback

    def start_request(self, server_conn: object, request_conn: HTTPConnection, /) -> HTTPMessageDelegate:
        """Return the delegate that collects a request; called by a server."""
        # Without a constructor: to call one that is written in Python costs as much as all of this.
        gatherer = _Gatherer()
        gatherer.callback = self._callback
        gatherer.server_conn = server_conn
        gatherer.request_conn = request_conn
        gatherer.body = b""
        return gatherer

    def on_close(self, server_conn: object, /) -> None:
        """Do nothing: a function is not told."""


# To look a class method up costs as much as some of what it does.
_received: Final = HTTPServerRequest.received


class _Gatherer:
    """Gathers one request; see :meth:`CallbackDelegate.start_request` for what it begins with."""

    __slots__ = ("body", "callback", "request", "request_conn", "server_conn")

    callback: Callable[[HTTPServerRequest], Awaitable[object] | None]
    server_conn: object
    request_conn: HTTPConnection
    request: HTTPServerRequest
    # Mostly one piece. Of many it is one buffer: small ones would be ten times as large as objects of their own.
    body: bytes | bytearray

    def headers_received(
        self, start_line: RequestStartLine | ResponseStartLine, headers: HTTPHeaders, /
    ) -> Awaitable[object] | None:
        # A server is sent requests: to ask isinstance each time would cost a fifth of a per cent.
        self.request = _received(start_line, headers, self.request_conn, self.server_conn)  # type: ignore[arg-type]
        return None

    def data_received(self, chunk: bytes, /) -> Awaitable[object] | None:
        if not self.body:
            self.body = chunk
            return None
        if isinstance(self.body, bytes):
            self.body = bytearray(self.body)
        self.body += chunk
        return None

    def finish(self) -> Awaitable[object] | None:
        if self.body:
            self.request.body = bytes(self.body)
            self.body = b""
        callback = self.callback
        return callback(self.request)

    def on_connection_close(self) -> None:
        self.body = b""
