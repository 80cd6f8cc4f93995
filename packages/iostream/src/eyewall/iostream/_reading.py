"""The reading half of a stream."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from eyewall.ioloop import READ, WRITE, CompletedFuture

from ._core import StreamCore, logger
from ._limits import BULK_CHUNKS
from ._reads import NOT_YET, PendingFill, PendingRead, WantAll, WantBytes, WantDelimiter, WantFill, WantPattern, cut
from .errors import StreamBufferFullError, StreamClosedError, UnsatisfiableReadError

if TYPE_CHECKING:
    import re
    from collections.abc import Callable

    from eyewall.ioloop import Future, Promise

    from ._reads import Want

T = TypeVar("T")


class ReadingStream(StreamCore):
    """Reads begin at the call, one at a time; bytes nobody asked for yet are read ahead, up to a bound."""

    __slots__ = ()

    def read_bytes(self, num_bytes: int, /, partial: bool = False, *, deadline: float | None = None) -> Future[bytes]:
        """Return exactly ``num_bytes`` bytes; with ``partial``, any number from 1 to that.

        Fails with :class:`StreamClosedError` if the stream ends first, and raises it immediately if that is already
        known. Raises ``ValueError`` for a negative number, and ``RuntimeError`` while another read is in progress.

        Like every read, it fails with :class:`StreamTimeoutError` at ``deadline``, a time of ``io_loop.time()``, and
        leaves what has arrived for the next read.
        """
        if num_bytes < 0:
            raise ValueError(f"cannot read {num_bytes} bytes: ask for 0 or more")
        return self._start_read(WantBytes(num_bytes, partial), deadline)

    def read_until(
        self, delimiter: bytes, /, max_bytes: int | None = None, *, deadline: float | None = None
    ) -> Future[bytes]:
        """Return all bytes up to and including ``delimiter``.

        If it is not found within ``max_bytes``, the stream is closed and the read fails with
        :class:`UnsatisfiableReadError` as its ``real_error``. Raises ``ValueError`` for an empty delimiter.
        """
        if not delimiter:
            raise ValueError("cannot read until an empty delimiter: give one byte or more")
        return self._start_read(WantDelimiter(delimiter, max_bytes), deadline)

    def read_until_regex(
        self, regex: bytes | re.Pattern[bytes], /, max_bytes: int | None = None, *, deadline: float | None = None
    ) -> Future[bytes]:
        """Return all bytes up to and including the first match of ``regex``.

        A match is taken as soon as there is one, so let the expression end in something that further input cannot
        extend. ``max_bytes`` is as in :meth:`read_until`; here it also limits the work, because everything is
        searched again each time bytes arrive.
        """
        import re

        return self._start_read(WantPattern(re.compile(regex), max_bytes), deadline)

    def read_until_close(self, *, deadline: float | None = None) -> Future[bytes]:
        """Return everything that arrives until the peer ends its side, up to ``max_buffer_size`` bytes.

        If the connection breaks instead, it fails with :class:`StreamClosedError`.
        """
        return self._start_read(WantAll(), deadline)

    def read_into(
        self, buf: bytearray | memoryview, /, partial: bool = False, *, deadline: float | None = None
    ) -> Future[int]:
        """Fill ``buf`` and return its size; with ``partial``, put 1 byte or more into it and return their number.

        The buffer belongs to the stream until the read is done: it cannot be resized, and its contents are undefined.
        If the read fails or is cancelled, the bytes that have arrived are left for the next read. Raises
        ``TypeError`` for a buffer that cannot be written to.
        """
        if self._read is not None or self._readable is not None:
            self._check_no_read()
        want = WantFill(buf, partial)
        if (length := self._length(want)) != NOT_YET:
            return CompletedFuture(self.io_loop, want.finish(self._take(length)))
        if self._closed or self._ended:
            raise StreamClosedError(self.error)
        self._buffer = want.absorb(self._buffer)
        return self._wait_for_read(PendingFill(want, self.io_loop.create_future(), self.unread), deadline)

    def read_nowait(self) -> bytes:
        """Take what is buffered; ``b""`` if there is nothing. Never waits, never raises.

        While a read is waiting, what is buffered belongs to that read, and this returns ``b""``.
        """
        if self._read is not None and not self._read.done():
            return b""
        data, self._buffer = self._buffer, b""
        # It has been full, or somebody waits for more by asking now and then.
        if not self._events & READ and (not data or len(data) >= self.read_chunk_size):
            self._update_events()
        return data if type(data) is bytes else bytes(data)

    def readable(self, deadline: float | None = None, *, take: Callable[[bytes], bool] | None = None) -> Future[None]:
        """Wait until :meth:`read_nowait` has something to return.

        Fails with :class:`StreamClosedError` if the stream ends instead.

        With ``take``, incoming data is not buffered but passed to that function, from the loop. While the function
        returns True, the wait goes on and nobody is woken; False ends it. During the call no read is pending, so that
        the code that is called may start one. The function must not raise. A server that handles requests in this way
        saves a future and a buffer for each and, with ``EventLoop.lend_task``, the turns of its task.
        """
        if self._read is not None or self._readable is not None:
            self._check_no_read()
        if not self._buffer and not self._events and not self._ended:
            self._look_at_once()
        if self._buffer:
            return self._done
        promise: Promise[None] = self.io_loop.create_future()
        if self._closed or self._ended:
            self._fail(promise)
        else:
            self._readable, self._taker = promise, take
            if not self._events & READ:
                self._update_events()
            if deadline is not None:
                self._limit(promise, deadline, "readable")
        return promise

    def unread(self, data: bytes, /) -> None:
        """Put bytes back at the front: the waiting read, or the next one, begins with them."""
        if self._read is not None and (taken := self._read.want.restart()):
            self._buffer = taken + self._buffer
        self._buffer = data + self._buffer if self._buffer else data
        if self._readable is not None and data:
            self._wake_reader()
        elif self._read is not None:
            self._satisfy()

    def reading(self) -> bool:
        """True while a read is waiting."""
        return any(waiter is not None and not waiter.done() for waiter in (self._read, self._readable))

    def _check_no_read(self) -> None:
        if self.reading():
            raise RuntimeError("the stream is being read already: one read at a time; await the first")
        self._read = self._readable = self._taker = None

    def _start_read(self, want: Want, deadline: float | None) -> Future[bytes]:
        if self._read is not None or self._readable is not None:
            self._check_no_read()
        if (length := self._length(want)) != NOT_YET:
            return CompletedFuture(self.io_loop, self._take(length))
        if self._closed or self._ended:
            raise StreamClosedError(self.error)
        return self._wait_for_read(PendingRead(want, self.io_loop.create_future(), self.unread), deadline)

    def _wait_for_read(self, read: PendingRead[T], deadline: float | None) -> PendingRead[T]:
        self._read = read
        if not self._events & READ:
            self._begin_reading()
        if deadline is not None and not read.done():
            self._limit(read.promise, deadline, read.want.operation)
        return read

    def _length(self, want: Want) -> int:
        """How much of the buffer a read gets now, or NOT_YET."""
        try:
            return want.length_at_end(self._buffer) if self._ended else want.length(self._buffer)
        except UnsatisfiableReadError as error:
            logger.info("closed a stream: %s", error)
            self.close(error)
            return NOT_YET

    def _begin_reading(self) -> None:
        if not self._events:
            self._look_at_once()
        # Who has what it asked for may be done with the stream: it is watched when somebody has to wait.
        if not self._closed and self._read is not None:
            self._update_events()

    def _look_at_once(self) -> None:
        """Try to read where nothing is watched yet: on a new connection the first bytes are mostly there."""
        if not self._closed and not self._connecting():
            self._on_events(None, READ)

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
        elif isinstance(read, PendingFill):
            self._buffer = read.absorb(self._buffer)
        elif len(self._buffer) > self.max_buffer_size and not self._closed:
            error = StreamBufferFullError(f"a read has gathered max_buffer_size, {self.max_buffer_size} bytes")
            logger.warning("closed a stream: %s", error)
            self.close(error)

    def _take(self, length: int) -> bytes:
        data, self._buffer = cut(self._buffer, length)
        if not self._events & READ and not self._closed:
            self._update_events()
        return data

    def _on_events(self, fd: object, events: int) -> None:
        """Read, which is mostly all: so the loop itself calls what does it, with no function in between."""
        if events != READ:
            if events & READ:
                self._on_events(fd, READ)
            if events & WRITE and not self._closed:
                self._on_writable()
            return
        if self._buffer and self._read is None and len(self._buffer) >= self.read_chunk_size:
            self._update_events()
            return
        chunk = self.read_chunk_size
        try:
            data = self._transport.receive(self._bulk_size() if self._bulk else chunk)
        except (BlockingIOError, InterruptedError):
            return
        except Exception as error:  # noqa: BLE001 - a mistake in a transport ends its stream, and nothing else
            self._on_failure(error)
            return
        if not data:
            self._on_end()
            return
        if len(data) >= chunk:
            self._bulk = True
        elif self._bulk:
            self._bulk = False
        if self._taker is not None and self._readable is not None:
            self._offer(data, self._taker, self._readable)
        else:
            self._keep(data)
        if self._transport.buffered and not self._closed:
            self.io_loop.add_callback(self._on_buffered)

    def _bulk_size(self) -> int:
        """How much to ask for after a chunk that came in full: a turn of the loop costs as much as some 64 KiB."""
        if self._read is None and self._readable is None:
            return self.read_chunk_size
        return max(self.read_chunk_size, min(BULK_CHUNKS * self.read_chunk_size, self.max_buffer_size // 2))

    def _take_last_words(self) -> None:
        """Buffer what has arrived on a connection that can no more be written to."""
        while not self._ended and len(self._buffer) < self.read_chunk_size:
            try:
                data = self._transport.receive(self.read_chunk_size)
            except Exception:  # noqa: BLE001 - the first error is the one that counts
                break
            if not data:
                break
            self._buffer = bytes(self._buffer) + data
        self._satisfy()

    def _on_failure(self, error: Exception) -> None:
        """The transport has failed: by its nature or, where that is no OSError, by a mistake in it."""
        if not isinstance(error, OSError):
            logger.error("closed a stream whose transport failed as none should", exc_info=error)
        self.close(error)

    def _keep(self, data: bytes) -> None:
        """Buffer what has come, and tell whoever waits for it."""
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

    def _offer(self, data: bytes, take: Callable[[bytes], bool], waiter: Promise[None]) -> None:
        """Let whoever waits take what has come, and go on waiting if it likes."""
        self._readable = self._taker = None
        if waiter.done():  # cancelled
            self._buffer = data
        elif not take(data):
            if not waiter.done():
                waiter.set_result(None)
        elif self._closed:
            self._fail(waiter)
        else:
            self._readable, self._taker = waiter, take

    def _wake_reader(self) -> None:
        waiter, self._readable = self._readable, None
        self._taker = None
        if waiter is not None and not waiter.done():
            waiter.set_result(None)

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
