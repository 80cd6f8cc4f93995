"""Lets a plain function serve requests: the adapter from a request callback to the delegates."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ._request import HTTPServerRequest
from ._start_line import RequestStartLine

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from ._headers import HTTPHeaders
    from ._start_line import ResponseStartLine
    from .protocols import HTTPConnection, HTTPMessageDelegate


class CallbackDelegate:
    """Gathers each request and calls a function with it; satisfies HTTPServerConnectionDelegate."""

    __slots__ = ("_callback",)

    def __init__(self, callback: Callable[[HTTPServerRequest], Awaitable[object] | None]) -> None:
        self._callback = callback

    def start_request(self, server_conn: object, request_conn: HTTPConnection, /) -> HTTPMessageDelegate:
        """Give the delegate that gathers a request: what a server calls."""
        return _Gatherer(self._callback, server_conn, request_conn)

    def on_close(self, server_conn: object, /) -> None:
        """A function is not told."""


class _Gatherer:
    __slots__ = ("_body", "_callback", "_request", "_request_conn", "_server_conn")

    def __init__(
        self,
        callback: Callable[[HTTPServerRequest], Awaitable[object] | None],
        server_conn: object,
        request_conn: HTTPConnection,
    ) -> None:
        self._callback = callback
        self._server_conn = server_conn
        self._request_conn = request_conn
        self._request: HTTPServerRequest | None = None
        # Mostly one piece. Of many it is one buffer: small ones would be ten times as large as objects of their own.
        self._body: bytes | bytearray = b""

    def headers_received(
        self, start_line: RequestStartLine | ResponseStartLine, headers: HTTPHeaders, /
    ) -> Awaitable[object] | None:
        if isinstance(start_line, RequestStartLine):
            self._request = HTTPServerRequest.received(start_line, headers, self._request_conn, self._server_conn)
        return None

    def data_received(self, chunk: bytes, /) -> Awaitable[object] | None:
        if not self._body:
            self._body = chunk
            return None
        if isinstance(self._body, bytes):
            self._body = bytearray(self._body)
        self._body += chunk
        return None

    def finish(self) -> Awaitable[object] | None:
        request = self._request
        if request is None:
            return None
        if self._body:
            request.body = bytes(self._body)
            self._body = b""
        return self._callback(request)

    def on_connection_close(self) -> None:
        self._body = b""
