"""What both roles of an HTTP1Connection share: the message that it writes, and who waits for it."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, Final

from eyewall.iostream import StreamClosedError

from ._context import HTTPConnectionContext
from ._framing import (
    DETACHED,
    FINISHED,
    IN_CHUNKS,
    NO_REQUEST,
    NOT_BEGUN,
    NOT_SENT,
    frame_chunk,
    frame_end,
    frame_piece,
)
from ._headers import HTTPHeaders
from ._parameters import HTTP1ConnectionParameters
from .errors import HTTPOutputError

if TYPE_CHECKING:
    from collections.abc import Callable

    from eyewall.ioloop import EventLoop, Future, HasFileno, Promise
    from eyewall.iostream import Buffer, Stream

    from ._outbox import Outbox
    from ._parser import MessageParser
    from ._record import Account
    from ._start_line import RequestStartLine
    from .protocols import HTTPMessageDelegate

_DEFAULTS: Final = HTTP1ConnectionParameters()


class Exchange:
    """The state of one request and its answer, and the body that this end writes."""

    __slots__ = (
        "_body_timeout",
        "_close_callback",
        "_delegate",
        "_finish_waiter",
        "_left",
        "_left_early",
        "_outbox",
        "_parser",
        "_peer_ended",
        "_request",
        "account",
        "context",
        "is_client",
        "is_last",
        "keep_alive",
        "params",
        "reads",
        "stream",
        "written",
    )

    def __init__(
        self,
        stream: Stream,
        is_client: bool = False,
        params: HTTP1ConnectionParameters | None = None,
        context: HTTPConnectionContext | None = None,
        # By position, as a server gives them: names cost a dict, and that 0.2 µs.
        parser: MessageParser[Any] | None = None,
        outbox: Outbox | None = None,
    ) -> None:
        self.is_client: Final = is_client
        """Whether this end sends the request and reads the answer."""
        self.stream: Stream = stream
        """What the request comes from and the answer goes to; see :meth:`detach`."""
        if params is None:
            params = _DEFAULTS
        self.params: HTTP1ConnectionParameters = params
        """The limits of this connection."""
        self.context: HTTPConnectionContext = (
            HTTPConnectionContext(stream, stream.info.address) if context is None else context
        )
        """Who asks."""
        self.keep_alive: bool = False
        """Whether another request may follow this one; settled when the answer begins."""
        self.is_last: bool = params.no_keep_alive
        """True where no other request may follow, whatever the client wants."""
        self.account: Account | None = None
        """What is counted of this request, if anybody wants to know."""
        self.written: Future[None] | None = None
        """Done when the kernel has taken all that was written; None where that is nothing."""
        self.reads: bool = False
        """True while it waits for its peer to send more."""
        self._outbox = outbox
        # Of requests at a server's end, of answers at a client's.
        self._parser: MessageParser[Any] | None = parser
        self._delegate: HTTPMessageDelegate | None = None
        # What is answered, or has been asked by a client.
        self._request: RequestStartLine = NO_REQUEST
        # Whether the request was left before it had been read as a whole.
        self._left_early = False
        self._peer_ended = False
        # Bytes of the body that are still to be written, or one of the values in _framing.
        self._left = NOT_BEGUN
        self._close_callback: Callable[[], object] | None = None
        self._finish_waiter: Promise[None] | None = None

    @property
    def io_loop(self) -> EventLoop:
        """The loop on which the connection runs."""
        return self.stream.io_loop

    @property
    def trailers(self) -> HTTPHeaders:
        """The trailer fields of a chunked body, available from the delegate's ``finish`` on; usually empty."""
        return (self._parser and self._parser.trailers) or HTTPHeaders()

    @property
    def finished(self) -> bool:
        """True once the answer is complete."""
        return self._left <= FINISHED

    @property
    def detached(self) -> bool:
        """True once :meth:`detach` has given the stream away."""
        return self._left == DETACHED

    @property
    def max_body_size(self) -> int:
        """The limit for the body that is read, in bytes: the connection's, or that of :meth:`set_max_body_size`."""
        return self.params.limits.max_body_size if self._parser is None else self._parser.max_body_size

    def set_max_body_size(self, max_body_size: int, /) -> None:
        """Set the limit for this request's body, in bytes; call it from ``headers_received``."""
        if self._parser is not None:
            self._parser.max_body_size = max_body_size

    @property
    def body_timeout(self) -> float | None:
        """Seconds that the body may take: as in the connection's deadlines, or as set by :meth:`set_body_timeout`."""
        # Not set in __init__: hardly a request has one of its own.
        timeout: float | None = getattr(self, "_body_timeout", self.params.deadlines.body_timeout)
        return timeout

    def set_body_timeout(self, timeout: float, /) -> None:
        """Set how long this message's body may take, in seconds; call it from ``headers_received``.

        A server checks it together with its other deadlines, so it may act up to two of their ticks late.
        """
        self._body_timeout = timeout

    def write(self, chunk: Buffer, /) -> Future[None]:
        """Send a piece of the body; await the result, so that a slow peer slows you down as well.

        Raises :class:`HTTPOutputError` before the headers, after :meth:`finish`, and for more bytes than
        ``Content-Length`` promised.
        """
        self._check_body_is_open()
        buffers, self._left = frame_chunk(chunk, self._left)
        return self._send_all(buffers)

    async def write_file(self, file: int | HasFileno, /, offset: int = 0, count: int | None = None) -> None:
        """Send ``count`` bytes of a file from ``offset`` on (None: to its end) as a piece of the body.

        The kernel copies them if it can: see ``Stream.send_file``. Await it before you write anything else. Raises
        :class:`HTTPOutputError` like :meth:`write`, and if the file turns out to be shorter, which cuts off the
        response; ``StreamClosedError`` if the peer disconnects; and ``ValueError`` if it is not a regular file.
        """
        self._check_body_is_open()
        if count is None:
            count = max(os.fstat(file if isinstance(file, int) else file.fileno()).st_size - offset, 0)
        before, after, self._left = frame_piece(count, self._left)
        if not count or self._left == NOT_SENT:
            return
        self._send_all(before)
        self.release()
        sent = await self.stream.send_file(file, offset, count)
        if self.account is not None:
            self.account.sent += sent
        if sent < count:
            self._cut()
            raise HTTPOutputError(f"{count} bytes of {file!r} were to be sent, and there were only {sent}")
        if after:
            await self._send_all(after)

    def finish(self, trailers: HTTPHeaders | None = None) -> None:
        """Complete the response.

        ``trailers`` follow a body that was sent in chunks; for HTTP/1.0, which has no trailers, they are dropped.
        Raises :class:`HTTPOutputError` for trailers that are not allowed; and if the body is shorter than promised,
        in which case the connection is closed, so that the peer notices.
        """
        if self._left or trailers:
            self._end_body(trailers)
        self._left = FINISHED
        if self.account is not None:
            self.account.end("answered")
        if self._close_callback is not None and not self.is_client:
            self._close_callback = None
        if self._finish_waiter is not None:
            self._wake(None)
        elif (parser := self._parser) is not None and not parser.complete and not self.is_client:
            parser.stop()

    def _end_body(self, trailers: HTTPHeaders | None) -> None:
        left = self._left
        if left <= NOT_BEGUN:
            raise HTTPOutputError("an answer is finished once, after write_headers")
        if left > 0:
            self._cut()
            raise HTTPOutputError(f"Content-Length promised {left} bytes more than were written")
        if (left == IN_CHUNKS or trailers) and (end := frame_end(left, trailers)):
            self._send(end)

    def set_close_callback(self, callback: Callable[[], object] | None, /) -> None:
        """Call a function when the peer disconnects before the response is complete, or soon if it already has.

        For a request without a body, that may happen before its delegate's ``finish``, which is still called.
        """
        if callback is not None and self._peer_ended and self._delegate is None and not self.finished:
            self.io_loop.add_callback(callback)
        else:
            self._close_callback = callback

    def close(self) -> None:
        """Close the stream: everything in progress here ends, and the delegate is told."""
        self.stream.close()

    def detach(self) -> Stream:
        """Take over the stream from HTTP; what has been read beyond this request is still there to be read.

        The connection is then over for HTTP: nothing more is read or written here, and you have to close the stream.
        """
        self.release()
        if self._parser is not None:
            self.stream.unread(self._parser.take_rest())
            self._parser.stop()
        self.keep_alive = False
        self._left = DETACHED
        self._close_callback = None
        self.stream.set_close_callback(None)
        self.stream.set_eof_callback(None)
        if self.account is not None:
            self.account.end("detached")
        self._wake(None)
        return self.stream

    def release(self) -> None:
        """Send the answers that are held back."""
        if self._outbox is not None and (sent := self._outbox.release()) is not None:
            self.written = sent

    def _check_body_is_open(self) -> None:
        if self._left <= NOT_BEGUN:
            raise HTTPOutputError("a body is written after write_headers and before finish")

    async def _wait_until_finished(self) -> None:
        if self.stream.closed():
            # It closed while the delegate was busy: there is nobody left who would wake us.
            raise StreamClosedError
        self._finish_waiter = self.io_loop.create_future()
        try:
            await self._finish_waiter
        finally:
            self._finish_waiter = None

    def _send(self, data: Buffer) -> Future[None]:
        """Send one piece, as most answers are; to have it in a tuple would take 300 instructions more."""
        if self.account is not None:
            self.account.sent += len(data)
        outbox = self._outbox
        try:
            written = (self.stream if outbox is None or not outbox.holding else outbox).write(data)
        except StreamClosedError as error:
            written = self._not_sent(error)
        self.written = written
        return written

    def _send_all(self, buffers: tuple[Buffer, ...]) -> Future[None]:
        if self.account is not None:
            self.account.sent += sum([memoryview(buffer).nbytes for buffer in buffers])
        outbox = self._outbox
        try:
            written = (self.stream if outbox is None or not outbox.holding else outbox).write(*buffers)
        except StreamClosedError as error:
            written = self._not_sent(error)
        self.written = written
        return written

    def _not_sent(self, error: StreamClosedError) -> Future[None]:
        """Tell it through the future: who does not wait for it writes into the void, as in Tornado."""
        self.keep_alive = False
        failed: Promise[None] = self.io_loop.create_future()
        failed.set_exception(error)
        failed.exception()
        return failed

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
