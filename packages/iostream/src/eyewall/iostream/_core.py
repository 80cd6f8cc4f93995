"""StreamCore: what a stream is made of, the events it waits for, and its end."""

from __future__ import annotations

import contextlib
import logging
import sys
from typing import TYPE_CHECKING, Any, Final

from eyewall.ioloop import READ, WRITE, CompletedFuture, IOLoop

from ._info import StreamInfo
from ._limits import DEFAULT_MAX_BUFFER_SIZE, DEFAULT_READ_CHUNK_SIZE
from .errors import StreamClosedError, StreamTimeoutError

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

    from eyewall.ioloop import EventLoop, Future, Promise

    from ._reads import PendingRead
    from ._transport import Transport
    from ._writes import UnsentBytes
    from .protocols import StreamOwner

    ExcInfo = bool | BaseException | tuple[type[BaseException] | None, BaseException | None, TracebackType | None]

logger: Final = logging.getLogger("eyewall.iostream")


class StreamCore:
    """The state of a stream over a :class:`Transport`; reading and writing build on it."""

    __slots__ = (
        "__weakref__",
        "_buffer",
        "_bulk",
        "_close_callback",
        "_closed",
        "_done",
        "_end_unsent",
        "_ended",
        "_eof_callback",
        "_events",
        "_owner",
        "_read",
        "_readable",
        "_shutting_down",
        "_taker",
        "_transport",
        "_unsent",
        "error",
        "io_loop",
        "max_buffer_size",
        "max_write_buffer_size",
        "read_chunk_size",
    )

    def __init__(
        self,
        transport: Transport | None = None,
        *,
        io_loop: EventLoop | None = None,
        max_buffer_size: int | None = None,
        read_chunk_size: int | None = None,
        max_write_buffer_size: int | None = None,
    ) -> None:
        self.io_loop: EventLoop = IOLoop.current() if io_loop is None else io_loop
        """The loop on which the stream runs."""
        self.max_buffer_size: int = max_buffer_size or DEFAULT_MAX_BUFFER_SIZE
        """Bytes that one read may gather."""
        chunk = read_chunk_size or DEFAULT_READ_CHUNK_SIZE
        self.read_chunk_size: int = chunk if 2 * chunk <= self.max_buffer_size else max(self.max_buffer_size // 2, 1)
        """Bytes requested from the kernel at a time (four times as many in bulk), and the limit up to which bytes are
        read ahead.
        """
        self.max_write_buffer_size: int | None = max_write_buffer_size
        """Unsent bytes that the stream may hold; None for no limit."""
        self.error: BaseException | None = None
        """The error that closed the stream; None if it is open or ended in good order."""
        self._transport = self._own_transport() if transport is None else transport
        self._events = 0
        self._buffer: bytes | bytearray = b""
        # True where the last receive gave all that it was asked for.
        self._bulk = False
        self._read: PendingRead[Any] | None = None
        self._readable: Promise[None] | None = None
        # Who takes what comes, while somebody waits in _readable.
        self._taker: Callable[[bytes], bool] | None = None
        self._ended = False
        self._closed = False
        self._shutting_down = False
        self._end_unsent = False
        # None where nothing waits to be sent, be it here or in the transport.
        self._unsent: UnsentBytes | None = None
        self._close_callback: Callable[[], object] | None = None
        self._eof_callback: Callable[[], object] | None = None
        self._owner: StreamOwner | None = None
        self._done: CompletedFuture[None] = CompletedFuture(self.io_loop, None)

    def _own_transport(self) -> Transport:
        """What carries the bytes where no transport was given."""
        raise NotImplementedError

    def close(self, exc_info: ExcInfo | None = None) -> None:
        """Close the connection now, and discard what waits to be sent. Never waits, never raises, idempotent.

        ``exc_info`` gives the reason: an exception, ``True`` for the one currently being handled, or the result of
        ``sys.exc_info()``. It becomes :attr:`error`. Whoever waits on the stream gets a :class:`StreamClosedError`
        with it as ``real_error``. Only a :meth:`read_until_close` returns what has arrived, unless there is an error.
        """
        if self._closed:
            return
        self._closed = True
        self.error = error = _exception(exc_info)
        unsent, self._unsent = self._unsent, None
        # Bytes that are dropped are no end in good order, whoever dropped them: TLS peers shall see a truncation.
        cut_short = unsent is not None and unsent.size > 0
        try:
            self._transport.close(self.io_loop, StreamClosedError() if cut_short and error is None else error)
        except Exception:  # whoever waits shall be woken all the same
            logger.exception("a transport failed while it was closed, which none should")
        self._events = 0
        self._eof_callback = None
        if error is None:
            self._ended = True
            if self._read is not None:
                with contextlib.suppress(RuntimeError):  # as in _fail
                    self._satisfy()
        if self._read is not None or self._readable is not None:
            self._fail_readers()
        if unsent is not None:
            for promise in unsent.abandon():
                self._fail(promise)
        self._fail_others()
        if self._close_callback is not None:
            self._schedule_close_callback()
        owner, self._owner = self._owner, None
        if owner is not None:
            owner.stream_closed()

    def closed(self) -> bool:
        """True after :meth:`close`, or once the stream has ended by itself."""
        return self._closed

    def set_close_callback(self, callback: Callable[[], object] | None, /) -> None:
        """Call a function once, in a turn of the loop, after the stream has closed, or soon if it already has."""
        self._close_callback = callback
        if self._closed:
            self._schedule_close_callback()
        elif callback is not None and not self._events & READ:
            self._update_events()

    def set_eof_callback(self, callback: Callable[[], object] | None, /) -> None:
        """Call a function once when the peer has ended its side, and leave this side open for writing.

        Without such a callback, the end of input closes the stream; if you set one, you have to close the stream. It
        is called in the next turn of the loop if the end has already been seen.
        """
        if self._ended and callback is not None and not self._closed:
            self.io_loop.add_callback(callback)
            return
        if not self._closed:
            self._eof_callback = callback
            if not self._events & READ:
                self._update_events()

    def set_nodelay(self, value: bool, /) -> None:
        """Send small writes immediately (True), or let the kernel combine them. Ignored if it does not apply."""

    @property
    def info(self) -> StreamInfo:
        """What is known about the peer."""
        return StreamInfo()

    # The end of those who wait

    def _schedule_close_callback(self) -> None:
        callback, self._close_callback = self._close_callback, None
        if callback is not None:
            self.io_loop.add_callback(callback)

    def _fail_readers(self) -> None:
        read, waiter = self._read, self._readable
        self._read = self._readable = self._taker = None
        if read is not None:
            read.give_up()
            self._fail(read.promise)
        if waiter is not None:
            self._fail(waiter)

    def _fail_others(self) -> None:
        """Fail those who wait for what only a certain kind of stream has, such as a connection."""

    def _fail(self, promise: Promise[Any], error: Exception | None = None) -> None:
        if promise.done():
            return
        try:
            promise.set_exception(error or StreamClosedError(self.error))
        except RuntimeError:
            # The loop has been closed: it has no turn left in which the waiter could be told.
            if not promise.done():
                return
        # Looked at once, so that no loop complains of an end that nobody awaits.
        promise.exception()

    def _limit(self, promise: Promise[Any], deadline: float, operation: str) -> None:
        """Fail the promise at the deadline: the only timer of a stream, there while it is needed."""
        timer = self.io_loop.call_at(deadline, self._on_deadline, promise, operation)
        promise.add_done_callback(lambda _: timer.cancel())

    def _on_deadline(self, promise: Promise[Any], operation: str) -> None:
        if promise.done():
            return
        if (read := self._read) is not None and read.promise is promise:
            self._read = None
            read.give_up()
        self._fail(promise, StreamTimeoutError(operation))

    def _close_at(self, deadline: float, future: Future[Any], operation: str) -> None:
        """Close the stream at the deadline, unless the future is done by then."""

        def close() -> None:
            if not future.done():
                self.close(StreamTimeoutError(operation))

        timer = self.io_loop.call_at(deadline, close)
        future.add_done_callback(lambda _: timer.cancel())

    # Events

    def _connecting(self) -> bool:
        """True while the transport cannot take or give bytes yet."""
        return False

    def _wanted_events(self) -> int:
        wants_read = not self._ended and (self._read is not None or len(self._buffer) < self.read_chunk_size)
        unsent = self._unsent
        wants_write = self._transport.unsent or (unsent is not None and not unsent.stalled)
        return (READ if wants_read else 0) | (WRITE if wants_write else 0)

    def _update_events(self) -> None:
        if self._closed:
            return
        events = self._wanted_events()
        if events != self._events:
            self._watch(events)

    def _watch(self, events: int) -> None:
        self._events = events
        self._transport.watch(self.io_loop, self._event_handler(), events)
        if events & READ and self._transport.buffered:
            self.io_loop.add_callback(self._on_buffered)

    def _event_handler(self) -> Callable[[object, int], None]:
        """What the loop calls in the present state: chosen when that changes, not at every event."""
        return self._on_events

    def _on_buffered(self) -> None:
        if not self._closed and self._events & READ:
            self._on_events(None, READ)

    # What the classes that build on this one do

    def _on_events(self, fd: object, events: int) -> None:
        """Take what the transport has, and give it to whoever reads; or send, or both."""

    def _on_writable(self) -> None:
        """Send what waits to be sent."""

    def _satisfy(self) -> None:
        """Answer the read that waits, if the buffer holds what it wants."""


def _exception(exc_info: ExcInfo | None) -> BaseException | None:
    if exc_info is None or isinstance(exc_info, BaseException):
        return exc_info
    if isinstance(exc_info, tuple):
        return exc_info[1]
    return sys.exc_info()[1] if exc_info else None
