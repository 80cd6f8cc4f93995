"""The base of delegates that wrap another: whatever they do not change is passed on."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Awaitable

    from ._headers import HTTPHeaders
    from ._start_line import RequestStartLine, ResponseStartLine
    from .protocols import HTTPMessageDelegate


class WrappingDelegate:
    """Passes everything on to the delegate that it is given; satisfies HTTPMessageDelegate."""

    __slots__ = ("delegate",)

    def __init__(self, delegate: HTTPMessageDelegate) -> None:
        self.delegate: HTTPMessageDelegate = delegate
        """The delegate inside."""

    def headers_received(
        self, start_line: RequestStartLine | ResponseStartLine, headers: HTTPHeaders, /
    ) -> Awaitable[object] | None:
        """Pass the head on."""
        return self.delegate.headers_received(start_line, headers)

    def data_received(self, chunk: bytes, /) -> Awaitable[object] | None:
        """Pass a piece of the body on."""
        return self.delegate.data_received(chunk)

    def finish(self) -> Awaitable[object] | None:
        """Pass the end on."""
        return self.delegate.finish()

    def on_connection_close(self) -> None:
        """Pass on that the other end has gone."""
        self.delegate.on_connection_close()
