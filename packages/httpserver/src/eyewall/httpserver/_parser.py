"""RequestParser: bytes in, calls on a delegate out. It does no I/O and knows no connection."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from ._chunked import ChunkedDecoder
from ._head import CHUNKED, parse_request_head
from .errors import HTTPInputError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from ._head import RequestHead
    from ._headers import HTTPHeaders
    from ._limiter import Limiter
    from ._start_line import RequestStartLine, ResponseStartLine
    from .protocols import HTTPMessageDelegate

_END_OF_HEAD: Final = b"\r\n\r\n"
# What an unfinished head may look like, from its beginning and from a later line: a client that
# speaks something else is told so at once, and not when it has sent an empty line, which may be never.
_REST_OF_HEAD: Final = rb"(?:[^\r\n]|\r\n|\r\Z)*+"
_may_begin_head = re.compile(rb"(?:\r\n?)?(?:[!#$%&'*+\-.^_`|~0-9A-Za-z]" + _REST_OF_HEAD + rb")?").fullmatch
_may_go_on = re.compile(_REST_OF_HEAD).fullmatch


class RequestParser:
    """Reads one request.

    :meth:`feed` it bytes as they come. It calls ``on_head``, then its delegate, and stops at the
    end of the request: what follows is left in :attr:`rest`. Where a call on the delegate gives an
    awaitable, ``feed`` stops as well and hands it over: await it, then feed on, with ``b""`` if
    there is nothing new. It stops, too, behind a head with ``Expect``, so that whoever feeds it can
    tell the client to go on.
    """

    __slots__ = (
        "_body",
        "_delegate",
        "_head_seen",
        "_limiter",
        "_on_head",
        "_searched",
        "complete",
        "max_body_size",
        "rest",
        "waits",
    )

    def __init__(
        self,
        delegate: HTTPMessageDelegate,
        on_head: Callable[[RequestHead], object],
        limiter: Limiter,
    ) -> None:
        self._delegate = delegate
        self._on_head = on_head
        self._limiter = limiter
        self.max_body_size: int = limiter.limits.max_body_size
        """Bytes of the body, at most: else 413. May be changed from the delegate's ``headers_received``."""
        self.rest: bytes = b""
        """What has been fed and not used."""
        self.complete: bool = False
        """True once the whole request has been read; set before the delegate's ``finish``."""
        self.waits: bool = True
        """True while bytes of the request are still to come."""
        self._head_seen = False
        self._searched = 0
        self._body: _Body | None = None

    def stop(self) -> None:
        """Call the delegate no more; what is still to come of the request is only checked."""
        self._delegate = _NOBODY

    def feed(self, data: bytes) -> Awaitable[object] | None:
        """Read on. Raises :class:`HTTPInputError`, after which the request is over."""
        if self.rest:
            data = self.rest + data
        if self._head_seen:
            self.rest = data
            return self._finish() if self._body is None else self._read_body(self._body)
        # One empty line before a request is what old clients send behind a form (RFC 9112 section 2.2).
        start = 2 if data[:2] == b"\r\n" else 0
        end = data.find(_END_OF_HEAD, self._searched or start)
        if end < 0:
            self._keep_head(data, start)
            return None
        if end - start > self._limiter.short:
            self._limiter.check_head(data[start:end])
        self.rest = data[end + 4 :]
        return self._take_head(data[start : end + 2].decode("latin-1"))

    def _take_head(self, text: str) -> Awaitable[object] | None:
        self._head_seen = True
        head = parse_request_head(text)
        start_line, headers, length, _, holds_body = head
        body = self._body = _Body(length, self._limiter) if length else None
        self.waits = body is not None
        self._on_head(head)
        waiting = self._delegate.headers_received(start_line, headers)
        if waiting is not None:
            return waiting
        if body is None:
            return self._finish()
        if holds_body:
            self._limiter.check_body(body.length, self.max_body_size)
            return None
        return self._read_body(body)

    def _keep_head(self, data: bytes, start: int) -> None:
        # Three bytes of its end may be here already: a limit holds however the bytes are cut.
        if len(data) - start - 3 > self._limiter.short:
            self._limiter.check_head(data[start:-3], complete=False)
        if not (_may_go_on(data, self._searched) if self._searched else _may_begin_head(data)):
            raise HTTPInputError(f"no HTTP request, or a bare CR or LF: {data[:80]!r}")
        self.rest = data
        # From here the next search begins: before a line's end of which a part may be here already.
        self._searched = len(data[:-3].rstrip(b"\r\n")) if len(data) > 8 else 0

    def _read_body(self, body: _Body) -> Awaitable[object] | None:
        self._limiter.check_body(body.announced, self.max_body_size)
        content, self.rest = body.read(self.rest)
        self._limiter.check_body(body.announced, self.max_body_size)
        if content and (waiting := self._delegate.data_received(content)) is not None:
            return waiting
        return self._finish() if body.done else None

    def _finish(self) -> Awaitable[object] | None:
        self.complete = True
        self.waits = False
        return self._delegate.finish()


class _Body:
    """How far the body has been read."""

    __slots__ = ("_chunks", "length", "received")

    def __init__(self, length: int, limiter: Limiter) -> None:
        self.length = length
        self.received = 0
        self._chunks = ChunkedDecoder(limiter) if length == CHUNKED else None

    @property
    def announced(self) -> int:
        """How long it is at least, by what has been read of it."""
        return self.length if self._chunks is None else self.received + self._chunks.remaining

    @property
    def done(self) -> bool:
        return self.received == self.length if self._chunks is None else self._chunks.done

    def read(self, data: bytes) -> tuple[bytes, bytes]:
        """Give the content of the bytes, and those that are not used."""
        if self._chunks is not None:
            content, rest = self._chunks.decode(data)
        else:
            missing = self.length - self.received
            content, rest = (data, b"") if len(data) <= missing else (data[:missing], data[missing:])
        self.received += len(content)
        return content, rest


class _Nobody:
    """Takes in what is left of a request that has been answered."""

    def headers_received(self, start_line: RequestStartLine | ResponseStartLine, headers: HTTPHeaders, /) -> None:
        pass

    def data_received(self, chunk: bytes, /) -> None:
        pass

    def finish(self) -> None:
        pass

    def on_connection_close(self) -> None:
        pass


_NOBODY: Final = _Nobody()
