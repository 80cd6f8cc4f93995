"""RequestParser: bytes in, calls on a delegate out. It does no I/O and knows no connection."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, Generic, Protocol, TypeVar

from ._chunked import ChunkedDecoder
from ._head import CHUNKED, parse_request_head
from ._start_line import RequestStartLine, parse_request_start_line
from .errors import HTTPInputError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from ._headers import HTTPHeaders
    from ._limiter import Limiter
    from ._start_line import ResponseStartLine
    from .protocols import HTTPMessageDelegate

L = TypeVar("L", bound="RequestStartLine | ResponseStartLine")
L_contra = TypeVar("L_contra", contravariant=True)

_END_OF_HEAD: Final = b"\r\n\r\n"
# One before a request is what old clients send behind a form (RFC 9112 section 2.2).
_EMPTY_LINE: Final = b"\r\n"
# What is no longer is cut in two: to search it from a position costs twice as much as to copy what is behind.
_SHORT: Final = 4096
_NOT_CUT: Final = b"", b"", b""
# What an unfinished head may look like, from its beginning and from a later line: a client that
# speaks something else is told so at once, and not when it has sent an empty line, which may be never.
_REST_OF_HEAD: Final = rb"(?:[^\r\n]|\r\n|\r\Z)*+"
_may_begin_head = re.compile(rb"(?:\r\n?)?(?:[!#$%&'*+\-.^_`|~0-9A-Za-z]" + _REST_OF_HEAD + rb")?").fullmatch
_may_go_on = re.compile(_REST_OF_HEAD).fullmatch


class HeadListener(Protocol[L_contra]):
    """Whoever has to know of a head before the delegate does."""

    def head_read(self, start_line: L_contra, keep_alive: bool, /) -> None:
        """A head has been read; its sender would go on with this connection, or not."""
        ...


class MessageParser(Generic[L]):
    """Reads the messages of one connection, one after the other, with a function that takes their heads apart.

    For each, :meth:`begin`, then :meth:`feed` it bytes as they come. It calls the listener, then the
    delegate, and stops at the end of the message: what follows is kept for the next. Where a call on
    the delegate gives an awaitable, either stops as well and hands it over: await it, then feed on,
    with ``b""`` if there is nothing new. It stops, too, behind a head with ``Expect``, so that
    whoever feeds it can tell the client to go on.
    """

    __slots__ = (
        "_at",
        "_body",
        "_chunk_size",
        "_delegate",
        "_limiter",
        "_listener",
        "_parse_head",
        "_searched",
        "buffered",
        "complete",
        "waits",
    )

    def __init__(
        self,
        limiter: Limiter,
        parse_head: Callable[[bytes], tuple[L, HTTPHeaders, int, bool, bool]],
        chunk_size: int | None = None,
    ) -> None:
        self._limiter = limiter
        self._parse_head = parse_head
        self._chunk_size = chunk_size
        self._at = 0
        self._searched = 0
        self._delegate: HTTPMessageDelegate = _NOBODY
        # None once it has heard of the head.
        self._listener: HeadListener[L] | None = None
        self._body: _Body | None = None
        self.buffered: bytes = b""
        """What has been fed and not used, behind ``_at``; empty where that is nothing."""
        self.complete: bool = False
        """True once the whole request has been read; set before the delegate's ``finish``."""
        self.waits: bool = True
        """True while bytes of the request are still to come."""

    def begin(
        self, delegate: HTTPMessageDelegate, listener: HeadListener[L], data: bytes = b""
    ) -> Awaitable[object] | None:
        """Go on to the next message, with the first bytes of it that were not fed before: as :meth:`feed`."""
        self._delegate = delegate
        self._listener = listener
        self._body = None
        self.complete = False
        self.waits = True
        if data:
            self.buffered = self._joined(data) if self.buffered else data
        return self._read_head()

    def stop(self) -> None:
        """Call the delegate no more; what is still to come of the request is only checked."""
        self._delegate = _NOBODY
        if self._listener is not None:
            self._listener = _NOBODY

    def take_rest(self) -> bytes:
        """Give what has been fed and not used, and forget it."""
        rest, self.buffered = self.buffered[self._at :], b""
        self._at = self._searched = 0
        return rest

    def another_follows(self) -> bool:
        """True where what is buffered behind this head may hold another request, to be answered at once."""
        return self.buffered.find(_END_OF_HEAD, self._at) >= 0

    @property
    def max_body_size(self) -> int:
        """Bytes of the body, at most: else 413. It may be changed from the delegate's ``headers_received``."""
        return self._limiter.limits.max_body_size if self._body is None else self._body.max_size

    @max_body_size.setter
    def max_body_size(self, max_body_size: int) -> None:
        if self._body is not None:
            self._body.max_size = max_body_size
        else:
            self._limit_next(max_body_size)

    def _limit_next(self, max_body_size: int) -> None:
        """Take a limit while no body is known of: a message that has none needs none."""

    @property
    def holds_body(self) -> bool:
        """True where the sender holds the body back until it is told to send it (RFC 9110 section 10.1.1)."""
        return self._body is not None and self._body.held

    def told_to_continue(self) -> None:
        """The sender has been told."""
        if self._body is not None:
            self._body.held = False

    @property
    def bytes_received(self) -> int:
        """Bytes of the body that have been read."""
        return 0 if self._body is None else self._body.received

    @property
    def bytes_missing(self) -> int | None:
        """Bytes of the body that are still to come; None where that is not known, or the head is not there yet."""
        if not self.waits:
            return 0
        return None if self._body is None or self._body.length < 0 else self._body.length - self._body.received

    def may_end_with(self, data: bytes) -> bool:
        """Say whether these bytes, which follow those that were fed, may hold the rest of the message."""
        if self._body is not None and self._body.done:
            return True
        data = self.buffered[self._at :] + data
        missing = self.bytes_missing
        # Whatever else there is, chunks and heads, ends with a line.
        return b"\r\n" in data if missing is None else len(data) >= missing

    @property
    def trailers(self) -> HTTPHeaders | None:
        """The fields behind a body in chunks, once it is complete."""
        return None if self._body is None else self._body.trailers

    def feed(self, data: bytes) -> Awaitable[object] | None:
        """Read on. Raises :class:`HTTPInputError`, after which the request is over."""
        if data:
            self.buffered = self._joined(data) if self.buffered else data
        if self._listener is not None:
            return self._read_head()
        return self._finish() if self._body is None else self._read_body(self._body)

    def _joined(self, data: bytes) -> bytes:
        data = self.buffered[self._at :] + data
        self._at = 0
        return data

    def _read_head(self) -> Awaitable[object] | None:
        data = self.buffered
        head, end, rest = data.partition(_END_OF_HEAD) if len(data) <= _SHORT else _NOT_CUT
        if end:
            self.buffered = rest
        elif (found := self._find_head()) is None:
            return None
        else:
            head = found
        self._searched = 0
        if len(head) > self._limiter.short:
            self._limiter.check_head(head.removeprefix(_EMPTY_LINE))
        # By a local name: a function in an attribute is called as a method would be, after a look for one.
        parse_head = self._parse_head
        start_line, headers, length, keep_alive, holds_body = parse_head(head)
        if length:
            self._body = (_Body if length > 0 else _OpenBody)(length, self._limiter, holds_body)
        else:
            self.waits = False
        listener, self._listener = self._listener, None
        if listener is not None:
            listener.head_read(start_line, keep_alive)
        waiting = self._delegate.headers_received(start_line, headers)
        if waiting is not None:
            return waiting
        body = self._body
        if body is None:
            return self._finish()
        if holds_body:
            self._limiter.check_body(length, body.max_size)
            return None
        return self._read_body(body)

    def _find_head(self) -> bytes | None:
        """Take a head that is long, with the empty line before it; keep one whose end is missing."""
        data = self.buffered
        start = self._at + 2 if data.startswith(_EMPTY_LINE, self._at) else self._at
        end = data.find(_END_OF_HEAD, self._at + self._searched if self._searched else start)
        if end < 0:
            self._keep_head(data[self._at :], start - self._at)
            return None
        head = data[self._at : end]
        self._at = end + 4
        if len(data) - self._at <= _SHORT:
            self.buffered = data[self._at :]
            self._at = 0
        return head

    def _keep_head(self, data: bytes, start: int) -> None:
        # Three bytes of its end may be here already: a limit holds however the bytes are cut.
        if len(data) - start - 3 > self._limiter.short:
            self._limiter.check_head(data[start:-3], complete=False)
        if not (_may_go_on(data, self._searched) if self._searched else _may_begin_head(data)):
            raise HTTPInputError(f"no HTTP message, or a bare CR or LF: {data[:80]!r}")
        # From here the next search begins: before a line's end of which a part may be here already.
        self._searched = len(data[:-3].rstrip(b"\r\n")) if len(data) > 8 else 0

    def _read_body(self, body: _Body) -> Awaitable[object] | None:
        content, self.buffered = body.read(self.buffered[self._at :] if self._at else self.buffered)
        self._at = 0
        self._limiter.check_body(body.announced, body.max_size)
        if self._chunk_size is not None and len(content) > self._chunk_size:
            return self._deliver(content, self._chunk_size)
        if content and (waiting := self._delegate.data_received(content)) is not None:
            return waiting
        return self._finish() if body.done else None

    async def _deliver(self, content: bytes, chunk_size: int) -> None:
        for start in range(0, len(content), chunk_size):
            if (waiting := self._delegate.data_received(content[start : start + chunk_size])) is not None:
                await waiting

    def _finish(self) -> Awaitable[object] | None:
        self.complete = True
        self.waits = False
        # Whoever is idle keeps nothing of what it has asked.
        delegate, self._delegate = self._delegate, _NOBODY
        return delegate.finish()


class _UntilClose:
    """Decodes a body that ends with the connection: everything is content."""

    __slots__ = ()

    done = False
    remaining = 0
    trailers = None

    def decode(self, data: bytes) -> tuple[bytes, bytes]:
        """Give it all back."""
        return data, b""


class _Body:
    """How far a body has been read whose length is known."""

    __slots__ = ("announced", "done", "held", "length", "max_size", "received")

    def __init__(self, length: int, limiter: Limiter, held: bool) -> None:
        self.length = length
        self.max_size = limiter.limits.max_body_size
        self.held = held
        self.announced = length
        """How long it is at least, by what has been read of it."""
        self.received = 0
        self.done = False
        """True once all of it has been read."""

    @property
    def trailers(self) -> HTTPHeaders | None:
        """The fields behind it."""
        return None

    def read(self, data: bytes) -> tuple[bytes, bytes]:
        """Give the content of the bytes, and those that are not used."""
        missing = self.length - self.received
        if len(data) < missing:
            self.received += len(data)
            return data, b""
        self.received = self.length
        self.done = True
        return (data, b"") if len(data) == missing else (data[:missing], data[missing:])


class _OpenBody(_Body):
    """The same of one whose length shows in the end: in chunks, or until the connection closes."""

    __slots__ = ("_chunks",)

    def __init__(self, length: int, limiter: Limiter, held: bool) -> None:
        super().__init__(length, limiter, held)
        self.announced = 0
        self._chunks = ChunkedDecoder(limiter) if length == CHUNKED else _UntilClose()

    @property
    def trailers(self) -> HTTPHeaders | None:
        return self._chunks.trailers

    def read(self, data: bytes) -> tuple[bytes, bytes]:
        content, rest = self._chunks.decode(data)
        self.received += len(content)
        self.announced = self.received + self._chunks.remaining
        self.done = self._chunks.done
        return content, rest


class RequestParser(MessageParser[RequestStartLine]):
    """Reads the requests of one connection."""

    __slots__ = ()

    def __init__(self, limiter: Limiter, chunk_size: int | None = None) -> None:
        super().__init__(limiter, parse_request_head, chunk_size)

    def _keep_head(self, data: bytes, start: int) -> None:
        # Whoever speaks something else, as HTTP/0.9 or SMTP, waits for an answer to its first line.
        end = data.find(b"\r\n", max(start, self._searched))
        if end >= 0 and data.find(b"\r\n", start) == end:
            parse_request_start_line(data[start:end].decode("latin-1"))
        super()._keep_head(data, start)


class _Nobody:
    """Takes in what is left of a request that has been answered."""

    def head_read(self, start_line: RequestStartLine | ResponseStartLine, keep_alive: bool, /) -> None:
        pass

    def headers_received(self, start_line: RequestStartLine | ResponseStartLine, headers: HTTPHeaders, /) -> None:
        pass

    def data_received(self, chunk: bytes, /) -> None:
        pass

    def finish(self) -> None:
        pass

    def on_connection_close(self) -> None:
        pass


_NOBODY: Final = _Nobody()
