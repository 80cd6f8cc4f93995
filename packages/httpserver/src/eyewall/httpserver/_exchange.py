"""What both roles of an HTTP1Connection share: the message that it writes, and who waits for it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from eyewall.iostream import StreamClosedError

from ._context import HTTPConnectionContext
from ._parameters import HTTP1ConnectionParameters
from .errors import HTTPOutputError

if TYPE_CHECKING:
    from collections.abc import Callable

    from eyewall.ioloop import EventLoop, Future, Promise
    from eyewall.iostream import Buffer, Stream

    from ._head import RequestHead
    from ._outbox import Outbox
    from ._parser import RequestParser
    from .protocols import HTTPMessageDelegate

_DEFAULTS: Final = HTTP1ConnectionParameters()
OK: Final = 200


class Exchange:
    """The state of one request and its answer, and the body that this end writes."""

    __slots__ = (
        "_body_left",
        "_chunked",
        "_close_callback",
        "_delegate",
        "_finish_waiter",
        "_finished",
        "_head",
        "_holds",
        "_outbox",
        "_parser",
        "_peer_ended",
        "_started",
        "_waits_for_request",
        "_without_body",
        "context",
        "detached",
        "io_loop",
        "is_client",
        "keep_alive",
        "params",
        "stream",
        "written",
    )

    def __init__(
        self,
        stream: Stream,
        is_client: bool = False,
        params: HTTP1ConnectionParameters | None = None,
        context: HTTPConnectionContext | None = None,
        *,
        outbox: Outbox | None = None,
    ) -> None:
        self.is_client: Final = is_client
        """Whether this end sends the request and reads the answer."""
        self.stream: Stream = stream
        """What the request comes from and the answer goes to; see :meth:`detach`."""
        self.io_loop: EventLoop = stream.io_loop
        """The loop that the connection runs on."""
        self.params: HTTP1ConnectionParameters = params or _DEFAULTS
        """The limits of this connection."""
        self.context: HTTPConnectionContext = context or HTTPConnectionContext(stream, stream.info.address)
        """Who asks."""
        self.keep_alive: bool = False
        """Whether another request may follow this one; settled when the answer begins."""
        self._outbox = outbox
        # Whether answers are held back: while a request waits behind this one, or an answer before it.
        self._holds = outbox is not None and outbox.holds
        self._delegate: HTTPMessageDelegate | None = None
        self._parser: RequestParser | None = None
        self._waits_for_request = True
        self._head: RequestHead | None = None
        self._close_callback: Callable[[], object] | None = None
        self._started = False
        self._finished = False
        self._peer_ended = False
        self._chunked = False
        # Bytes that Content-Length has promised and that are still to be written; None without it.
        self._body_left: int | None = None
        self.written: Future[None] | None = None
        """Done when the kernel has taken all that was written; None where that is nothing."""
        self._finish_waiter: Promise[None] | None = None
        # 0, or the status (200 stands for the answer to a HEAD) on account of which there is no body.
        self._without_body = 0
        self.detached: bool = False
        """True once :meth:`detach` has given the stream away."""

    @property
    def max_body_size(self) -> int:
        """Bytes of the body that is read, at most: by the connection's limits, or :meth:`set_max_body_size`."""
        return self.params.limits.max_body_size if self._parser is None else self._parser.max_body_size

    def set_max_body_size(self, max_body_size: int, /) -> None:
        """Set the limit for this request's body, in bytes; to be called from ``headers_received``."""
        if self._parser is not None:
            self._parser.max_body_size = max_body_size

    def write(self, chunk: Buffer, /) -> Future[None]:
        """Send a piece of the body; await the result, so that a slow peer holds you back.

        Raises :class:`HTTPOutputError` before the headers, after :meth:`finish`, and beyond the
        length that was promised.
        """
        if not self._started or self._finished:
            raise HTTPOutputError("a body is written after write_headers and before finish")
        return self._send(*self._framed(chunk))

    def finish(self) -> None:
        """The answer is complete.

        Raises :class:`HTTPOutputError` where it is shorter than it promised, and closes the
        connection: that is how the peer learns of it.
        """
        if not self._started or self._finished:
            raise HTTPOutputError("an answer is finished once, after write_headers")
        if self._body_left:
            self._cut()
            raise HTTPOutputError(f"Content-Length promised {self._body_left} bytes more than were written")
        if self._chunked:
            self._send(b"0\r\n\r\n")
        self._finished = True
        self._close_callback = None
        if self._finish_waiter is not None:
            self._wake(None)
        elif self._parser is not None and not self._parser.complete:
            self._parser.stop()

    def set_close_callback(self, callback: Callable[[], object] | None, /) -> None:
        """Call when the peer goes away before the answer is complete, or soon if it has already."""
        if callback is not None and self._peer_ended and self._delegate is None and not self._finished:
            self.io_loop.add_callback(callback)
        else:
            self._close_callback = callback

    def detach(self) -> Stream:
        """Take the stream over from HTTP, with what has been read beyond this request left unread.

        The connection is over for HTTP then: nothing more is read or written here, and whoever
        detaches closes the stream.
        """
        self.release()
        if self._parser is not None:
            self._unread(self._parser)
            self._parser.stop()
        self.keep_alive = False
        self._started = self._finished = True
        self.stream.set_close_callback(None)
        self.stream.set_eof_callback(None)
        self.detached = True
        self._wake(None)
        return self.stream

    def release(self) -> None:
        """Send what is held back: something is to be waited for."""
        if self._outbox is not None and self._outbox.holds:
            self._send()
        # And from here nothing more is: the next wait would not be noticed.
        self._holds = False

    def _unread(self, parser: RequestParser) -> None:
        self.stream.unread(parser.rest)
        parser.rest = b""

    async def _wait_until_finished(self) -> None:
        if self.stream.closed():
            # It closed while the delegate was busy: there is nobody left who would wake us.
            raise StreamClosedError
        self.release()
        self._finish_waiter = self.io_loop.create_future()
        try:
            await self._finish_waiter
        finally:
            self._finish_waiter = None

    def _framed(self, chunk: Buffer) -> tuple[Buffer, ...]:
        """The chunk as it goes on the wire."""
        size = chunk.nbytes if isinstance(chunk, memoryview) else len(chunk)
        if self._without_body:
            if size and self._without_body != OK:
                raise HTTPOutputError(
                    f"an answer with status {self._without_body} has no body (RFC 9110 section 6.4.1)"
                )
            return ()
        if self._chunked:
            return (b"%x\r\n" % size, chunk, b"\r\n") if size else ()
        if self._body_left is not None:
            if size > self._body_left:
                raise HTTPOutputError(f"{size - self._body_left} bytes more than Content-Length promised")
            self._body_left -= size
        return (chunk,)

    def _send(self, *buffers: Buffer) -> Future[None]:
        try:
            if not self._holds or self._outbox is None:
                self.written = self.stream.write(*buffers)
            else:
                self.written = self._outbox.write(*buffers) if buffers else self._outbox.release()
        except StreamClosedError as error:
            # Told through the future: who does not wait for it writes into the void, as in Tornado.
            self.keep_alive = False
            failed: Promise[None] = self.io_loop.create_future()
            failed.set_exception(error)
            failed.exception()
            self.written = failed
        return self.written

    def _cut(self) -> None:
        self.keep_alive = False
        # The answers before it, if any are held back, are whole.
        self.release()
        self.stream.close()

    def _wake(self, error: Exception | None) -> None:
        if (waiter := self._finish_waiter) is not None and not waiter.done():
            if error is None:
                waiter.set_result(None)
            else:
                waiter.set_exception(error)
