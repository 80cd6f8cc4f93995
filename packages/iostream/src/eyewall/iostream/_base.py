"""BaseIOStream: the buffers, waiters and ends that every kind of stream has in common."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any, Final

from eyewall.ioloop import READ, WRITE, CompletedFuture, IOLoop

from ._info import StreamInfo
from ._limits import DEFAULT_MAX_BUFFER_SIZE, DEFAULT_READ_CHUNK_SIZE, LOW_WATER_MARK
from ._reads import NOT_YET, PendingRead, WantAll, WantBytes, WantDelimiter, cut
from ._writes import UnsentBytes
from .errors import StreamBufferFullError, StreamClosedError, UnsatisfiableReadError

if TYPE_CHECKING:
    from collections.abc import Callable

    from eyewall.ioloop import EventLoop, Future, Promise

    from ._reads import Want
    from ._transport import Transport
    from .protocols import Buffer, StreamOwner

# Buffers of one write that are together no longer than this are copied into one: a copy of them
# costs less than what the kernel charges for a second buffer.
_JOIN_BELOW: Final = 64 * 1024


class BaseIOStream:
    """A stream over any :class:`Transport`; satisfies :class:`~eyewall.iostream.Stream`.

    The limits: ``max_buffer_size`` (100 MiB) bytes that one read may gather, ``read_chunk_size``
    (64 KiB) bytes taken from the transport at a time, ``max_write_buffer_size`` (none) bytes that
    may wait to be sent.

    Bytes are read ahead, up to about ``read_chunk_size``, once a first read or a callback has shown
    that somebody cares: so the end of a peer is noticed while nobody reads. The descriptor stays
    registered from one read to the next. A write is tried at once, before anything is registered.
    """

    __slots__ = (
        "__weakref__",
        "_buffer",
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
        transport: Transport,
        *,
        io_loop: EventLoop | None = None,
        max_buffer_size: int | None = None,
        read_chunk_size: int | None = None,
        max_write_buffer_size: int | None = None,
    ) -> None:
        self.io_loop: EventLoop = IOLoop.current() if io_loop is None else io_loop
        """The loop that the stream runs on."""
        self.max_buffer_size: int = max_buffer_size or DEFAULT_MAX_BUFFER_SIZE
        """Bytes that one read may gather."""
        self.read_chunk_size: int = min(read_chunk_size or DEFAULT_READ_CHUNK_SIZE, max(self.max_buffer_size // 2, 1))
        """Bytes asked of the kernel at a time."""
        self.max_write_buffer_size: int | None = max_write_buffer_size
        """Unsent bytes that the stream may hold, or None for no bound."""
        self.error: BaseException | None = None
        """What closed the stream, or None where it is open or ended in good order."""
        self._transport = transport
        self._events = 0
        self._buffer: bytes | bytearray = b""
        self._read: PendingRead | None = None
        self._readable: Promise[None] | None = None
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

    # Reading

    def read_bytes(self, num_bytes: int, /, partial: bool = False) -> Future[bytes]:
        """Give exactly ``num_bytes`` bytes; with ``partial``, any number from 1 to that.

        Fails with :class:`StreamClosedError` where the stream ends first, and raises it at once where
        that is known. Raises ``ValueError`` for a number below 0, and ``RuntimeError`` while another
        read is under way.
        """
        if num_bytes < 0:
            raise ValueError(f"cannot read {num_bytes} bytes: ask for 0 or more")
        return self._start_read(WantBytes(num_bytes, partial))

    def read_until(self, delimiter: bytes, /, max_bytes: int | None = None) -> Future[bytes]:
        """Give all up to and including ``delimiter``.

        Where it does not stand within ``max_bytes``, the stream is closed and the read fails with
        :class:`UnsatisfiableReadError`. Raises ``ValueError`` for an empty delimiter.
        """
        if not delimiter:
            raise ValueError("cannot read until an empty delimiter: give one byte or more")
        return self._start_read(WantDelimiter(delimiter, max_bytes))

    def read_until_close(self) -> Future[bytes]:
        """Give all that comes until the peer ends its side, up to ``max_buffer_size`` bytes.

        A connection that breaks instead fails it with :class:`StreamClosedError`.
        """
        return self._start_read(WantAll())

    def read_nowait(self) -> bytes:
        """Take what is buffered; ``b""`` where that is nothing. Never waits, never raises.

        While a read waits, what is buffered is that read's, and this gives ``b""``.
        """
        if self._read is not None and not self._read.done():
            return b""
        data, self._buffer = self._buffer, b""
        if not self._events & READ:
            self._update_events()
        return data if type(data) is bytes else bytes(data)

    def readable(self) -> Future[None]:
        """Wait until :meth:`read_nowait` has something to give.

        Fails with :class:`StreamClosedError` where the stream ends instead.
        """
        if self._read is not None or self._readable is not None:
            self._check_no_read()
        if self._buffer:
            return self._done
        promise: Promise[None] = self.io_loop.create_future()
        if self._closed or self._ended:
            self._fail(promise)
        else:
            self._readable = promise
            if not self._events & READ:
                self._begin_reading()
        return promise

    def unread(self, data: bytes, /) -> None:
        """Put bytes back at the front: the read that waits, or the next one, begins with them."""
        self._buffer = data + self._buffer if self._buffer else data
        if self._readable is not None and data:
            self._wake_reader()
        elif self._read is not None:
            self._read.want.restart()
            self._satisfy()

    def reading(self) -> bool:
        """True while a read waits."""
        return any(waiter is not None and not waiter.done() for waiter in (self._read, self._readable))

    def _check_no_read(self) -> None:
        if self.reading():
            raise RuntimeError("the stream is being read already: one read at a time; await the first")
        self._read = self._readable = None

    def _start_read(self, want: Want) -> Future[bytes]:
        if self._read is not None or self._readable is not None:
            self._check_no_read()
        if (length := self._length(want)) != NOT_YET:
            return CompletedFuture(self.io_loop, self._take(length))
        if self._closed or self._ended:
            raise StreamClosedError(self.error)
        read = PendingRead(want, self.io_loop.create_future(), self.unread)
        self._read = read
        if not self._events & READ:
            self._begin_reading()
        return read

    def _length(self, want: Want) -> int:
        """How much of the buffer a read gets now, or NOT_YET."""
        try:
            return want.length_at_end(self._buffer) if self._ended else want.length(self._buffer)
        except UnsatisfiableReadError as error:
            self.close(error)
            return NOT_YET

    def _begin_reading(self) -> None:
        """Try at once where nothing is watched yet: on a new connection the first bytes are mostly there."""
        if not self._events and not self._connecting():
            self._on_readable()
        if not self._closed:
            self._update_events()

    def _connecting(self) -> bool:
        """True while the transport cannot take or give bytes yet."""
        return False

    def _satisfy(self) -> None:
        """Answer the read that waits, if the buffer holds what it wants."""
        read = self._read
        if read is None:
            return
        if read.done():
            self._read = None
            return
        if (length := self._length(read.want)) != NOT_YET:
            self._read = None
            read.resolve(self._take(length))
        elif len(self._buffer) > self.max_buffer_size:
            self.close(StreamBufferFullError(f"a read has gathered max_buffer_size, {self.max_buffer_size} bytes"))

    def _take(self, length: int) -> bytes:
        data, self._buffer = cut(self._buffer, length)
        if not self._events & READ and not self._closed:
            self._update_events()
        return data

    def _on_readable(self) -> None:
        if self._read is None and len(self._buffer) >= self.read_chunk_size:
            self._update_events()
            return
        try:
            data = self._transport.receive(self.read_chunk_size)
        except BlockingIOError:
            return
        except OSError as error:
            self.close(error)
            return
        if not data:
            self._on_end()
            return
        if not self._buffer:
            self._buffer = data
        elif isinstance(self._buffer, bytearray):
            self._buffer += data
        else:
            self._buffer = bytearray(self._buffer) + data
        if self._readable is not None:
            self._wake_reader()
        elif self._read is not None:
            self._satisfy()
        if self._transport.buffered and not self._closed:
            self.io_loop.add_callback(self._on_buffered)

    def _wake_reader(self) -> None:
        waiter, self._readable = self._readable, None
        if waiter is not None and not waiter.done():
            waiter.set_result(None)

    def _on_buffered(self) -> None:
        if not self._closed and self._events & READ:
            self._on_readable()

    def _on_end(self) -> None:
        """The peer has ended its side."""
        self._ended = True
        self._satisfy()
        if self._closed:
            return
        self._fail_readers()
        if (callback := self._eof_callback) is None:
            self.close()
        else:
            self._update_events()
            self._eof_callback = None
            callback()

    # Writing

    def write(self, *buffers: Buffer) -> Future[None]:
        """Send the buffers, in order; done when the kernel has taken all of them.

        Raises :class:`StreamClosedError` where the stream is closed, and
        :class:`StreamBufferFullError` where more than ``max_write_buffer_size`` bytes would wait:
        then nothing of it is sent.
        """
        self._write(buffers)
        if self._unsent is None and not self._closed:
            return self._done
        return self._wait_until_unsent(0)

    def write_nowait(self, *buffers: Buffer) -> None:
        """Like :meth:`write`, for whoever waits with :meth:`drained` instead."""
        self._write(buffers)

    def _write(self, buffers: tuple[Buffer, ...]) -> None:
        if self._closed or self._shutting_down:
            raise StreamClosedError(self.error)
        if len(buffers) == 1 and self._unsent is None and self.max_write_buffer_size is None:
            self._send(buffers[0])
        else:
            self._send_many(buffers)

    def drained(self) -> Future[None]:
        """Wait until no more than :data:`LOW_WATER_MARK` bytes wait to be sent; fails where the stream closes."""
        if (self._unsent is None or self._unsent.size <= LOW_WATER_MARK) and not self._closed:
            return self._done
        return self._wait_until_unsent(LOW_WATER_MARK)

    def writing(self) -> bool:
        """True while bytes wait to be sent."""
        return self._unsent is not None or self._transport.unsent

    def shutdown_write(self) -> None:
        """End this side once all that was written has gone; the peer reads an end, and may still send."""
        if not self._closed and not self._shutting_down:
            self._shutting_down = self._end_unsent = True
            if self._unsent is None:
                self._end_writing()
            self._update_events()

    def _send(self, data: Buffer) -> None:
        """Send one buffer at once, and keep what the transport does not take."""
        if type(data) is memoryview:
            data = data.cast("B")
        try:
            sent = self._transport.send(data)
        except BlockingIOError:
            sent = 0
        except OSError as error:
            self.close(error)
            return
        if sent != len(data) or self._transport.unsent:
            self._unsent_queue().put(data, sent)
            self._update_events()

    def _send_many(self, buffers: tuple[Buffer, ...]) -> None:
        views = [memoryview(buffer).cast("B") for buffer in buffers if buffer]
        size = sum(map(len, views))
        idle = self._unsent is None
        waiting = 0 if self._unsent is None else self._unsent.size
        if self.max_write_buffer_size is not None and waiting + size > self.max_write_buffer_size:
            raise StreamBufferFullError(
                f"{waiting + size} bytes would wait to be sent, and max_write_buffer_size is "
                f"{self.max_write_buffer_size}: await each write, or write less at a time"
            )
        if idle and 0 < size <= _JOIN_BELOW:
            self._send(b"".join(views))
            return
        for view in views:
            self._unsent_queue().put(view)
        if size and idle:
            self._on_writable()

    def _unsent_queue(self) -> UnsentBytes:
        if self._unsent is None:
            self._unsent = UnsentBytes()
        return self._unsent

    def _on_writable(self) -> None:
        unsent = self._unsent
        try:
            self._transport.flush()
            if unsent is not None:
                unsent.send_to(self._transport)
        except BlockingIOError:
            pass
        except OSError as error:
            self.close(error)
            return
        if unsent is not None:
            held_back = self._transport.unsent
            unsent.answer(held_back=held_back)
            if not unsent.size and not held_back:
                self._unsent = None
        if self._end_unsent and self._unsent is None:
            self._end_writing()
        self._update_events()

    def _wait_until_unsent(self, most: int) -> Promise[None]:
        promise: Promise[None] = self.io_loop.create_future()
        if self._closed:
            self._fail(promise)
        else:
            self._unsent_queue().wait(promise, most)
        return promise

    def _end_writing(self) -> None:
        try:
            self._transport.shutdown_write()
        except BlockingIOError:
            return
        except OSError as error:
            self.close(error)
        self._end_unsent = False

    # The end

    def close(self, error: BaseException | None = None, /) -> None:
        """Drop the connection now, with all that waits to be sent. Never waits, never raises, idempotent.

        Whoever waits on the stream gets :class:`StreamClosedError` with ``error`` as its ``real_error``;
        only a :meth:`read_until_close` gets what came, unless there is an error.
        """
        if self._closed:
            return
        self._closed = True
        self.error = error
        unsent, self._unsent = self._unsent, None
        # Bytes that are dropped are no end in good order, whoever dropped them: TLS peers shall see a truncation.
        cut_short = unsent is not None and unsent.size > 0
        self._transport.close(self.io_loop, StreamClosedError() if cut_short and error is None else error)
        self._events = 0
        self._eof_callback = None
        if error is None:
            self._ended = True
            with contextlib.suppress(RuntimeError):  # as in _fail
                self._satisfy()
        self._fail_readers()
        if unsent is not None:
            for promise in unsent.waiting():
                self._fail(promise)
        self._schedule_close_callback()
        owner, self._owner = self._owner, None
        if owner is not None:
            owner.stream_closed()

    def closed(self) -> bool:
        """True after :meth:`close`, or after the stream has ended by itself."""
        return self._closed

    def set_close_callback(self, callback: Callable[[], object] | None, /) -> None:
        """Call once, in a turn of the loop, after the stream has closed, or soon if it has already."""
        self._close_callback = callback
        if self._closed:
            self._schedule_close_callback()
        elif callback is not None:
            self._update_events()

    def set_owner(self, owner: StreamOwner, /) -> None:
        """Give the stream to an owner, who is told of its end whatever its user does; for servers and pools."""
        self._owner = owner
        owner.stream_opened(self)
        if self._closed:
            self._owner = None
            owner.stream_closed()

    def set_eof_callback(self, callback: Callable[[], object] | None, /) -> None:
        """Call once when the peer has ended its side, and leave this side open for writing.

        Without such a callback the end of input closes the stream. Whoever sets one closes the
        stream. Called in the next turn of the loop if the end has been seen already.
        """
        if self._ended and callback is not None and not self._closed:
            self.io_loop.add_callback(callback)
            return
        if not self._closed:
            self._eof_callback = callback
            self._update_events()

    def set_nodelay(self, value: bool, /) -> None:
        """Send small writes at once (True), or let the kernel join them. Ignored where it means nothing."""

    @property
    def info(self) -> StreamInfo:
        """Who is at the other end."""
        return StreamInfo()

    def _schedule_close_callback(self) -> None:
        callback, self._close_callback = self._close_callback, None
        if callback is not None:
            self.io_loop.add_callback(callback)

    def _fail_readers(self) -> None:
        read, waiter = self._read, self._readable
        self._read = self._readable = None
        if read is not None:
            self._fail(read.promise)
        if waiter is not None:
            self._fail(waiter)

    def _fail(self, promise: Promise[Any]) -> None:
        if promise.done():
            return
        try:
            promise.set_exception(StreamClosedError(self.error))
        except RuntimeError:
            # The loop has been closed: it has no turn left in which the waiter could be told.
            if not promise.done():
                return
        # Looked at once, so that no loop complains of an end that nobody awaits.
        promise.exception()

    def _wanted_events(self) -> int:
        wants_read = not self._ended and (self._read is not None or len(self._buffer) < self.read_chunk_size)
        return (READ if wants_read else 0) | (WRITE if self.writing() else 0)

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

    def _on_events(self, fd: object, events: int) -> None:
        if events & READ:
            self._on_readable()
        if events & WRITE and not self._closed:
            self._on_writable()
