"""The writing half of a stream."""

from __future__ import annotations

import errno
from typing import TYPE_CHECKING, Final

from eyewall.ioloop import CompletedFuture

from ._files import FileSlice
from ._limits import HIGH_WATER_MARK, LOW_WATER_MARK
from ._reading import ReadingStream
from ._writes import UnsentBytes
from .errors import StreamBufferFullError, StreamClosedError

if TYPE_CHECKING:
    from eyewall.ioloop import Future, HasFileno, Promise

    from .protocols import Buffer

# Buffers of one write that are together no longer than this are copied into one: a copy of them
# costs less than what the kernel charges for a second buffer.
_JOIN_BELOW: Final = 64 * 1024
# Seconds. A socket that lacks a kernel's buffer is called writable all the same: try again, but not at once.
_KERNEL_PAUSE: Final = 0.05


class WritingStream(ReadingStream):
    """A write is tried at once; what the kernel does not take waits in a queue, in order."""

    __slots__ = ()

    def write(self, *buffers: Buffer, deadline: float | None = None) -> Future[None]:
        """Send the buffers, in order; done when the kernel has taken all of them.

        Raises :class:`StreamClosedError` if the stream is closed, and :class:`StreamBufferFullError` if more than
        ``max_write_buffer_size`` bytes would have to wait: nothing is sent in that case.

        At ``deadline``, a time of ``io_loop.time()``, the wait fails with :class:`StreamTimeoutError`. The bytes that
        have not been sent still wait to be sent; only :meth:`close` discards them.
        """
        self._write(buffers)
        if self._unsent is None and not self._closed:
            return self._done
        return self._wait_until_unsent(0, deadline, "write")

    def write_nowait(self, *buffers: Buffer) -> None:
        """Like :meth:`write`, for code that waits with :meth:`drained` instead."""
        self._write(buffers)

    def send_file(
        self, file: int | HasFileno, /, offset: int = 0, count: int | None = None, *, deadline: float | None = None
    ) -> Future[int]:
        """Send ``count`` bytes of a file from ``offset`` on (None: to its end), after what was written before.

        Returns the number of bytes sent, once the kernel has taken all of them: fewer than ``count`` if the file is
        shorter. What is written in the meantime follows them. The position of the file is neither used nor changed,
        and the file may be closed as soon as the call has returned. It must be a regular file; ``ValueError``
        otherwise.

        On plain sockets, the kernel copies the file (``sendfile``). On other streams, a thread reads it, 128 KiB at a
        time. A file that cannot be read closes the stream with its error. ``deadline`` is as in :meth:`write`, and
        the bytes do not count towards ``max_write_buffer_size``.
        """
        if self._closed or self._shutting_down:
            raise StreamClosedError(self.error)
        part = FileSlice(file, offset, count)
        if not part.left:
            part.close()
            return CompletedFuture(self.io_loop, 0)
        idle = self._unsent is None
        self._unsent_queue().put_file(part)
        promise: Promise[int] = self.io_loop.create_future()
        self._unsent_queue().wait(promise, 0, part)
        if idle:
            self._on_writable()
        if deadline is not None and not promise.done():
            self._limit(promise, deadline, "send_file")
        return promise

    def drained(self, *, deadline: float | None = None) -> Future[None]:
        """Wait until the peer has caught up: the backpressure for :meth:`write_nowait`.

        If more than :data:`HIGH_WATER_MARK` bytes are waiting to be sent, waits until only :data:`LOW_WATER_MARK`
        are. Fails if the stream closes.
        """
        if (self._unsent is None or self._unsent.size <= HIGH_WATER_MARK) and not self._closed:
            return self._done
        return self._wait_until_unsent(LOW_WATER_MARK, deadline, "drained")

    def writing(self) -> bool:
        """True while bytes are waiting to be sent."""
        return self._unsent is not None or self._transport.unsent

    @property
    def unsent(self) -> int:
        """How many of the written bytes the kernel has not taken yet; above 0 while any wait."""
        return self._unsent.size if self._unsent is not None and self._unsent.size else int(self._transport.unsent)

    def shutdown_write(self) -> None:
        """End this side once everything written has been sent; the peer sees the end, and may still send."""
        if not self._closed and not self._shutting_down:
            self._shutting_down = self._end_unsent = True
            if self._unsent is None:
                self._end_writing()
            self._update_events()

    def _write(self, buffers: tuple[Buffer, ...]) -> None:
        """Send at once, and keep what the transport does not take."""
        if self._closed or self._shutting_down:
            raise StreamClosedError(self.error)
        if len(buffers) == 1 and self._unsent is None and self.max_write_buffer_size is None:
            data = buffers[0]
            if type(data) is memoryview:
                data = data.cast("B")
        elif not (data := self._join(buffers)):
            return
        try:
            sent = self._transport.send(data)
        except (BlockingIOError, InterruptedError):
            sent = 0
        except Exception as error:  # noqa: BLE001 - as in _on_events
            if isinstance(error, TypeError):
                _check_bytes(data)
            if self._is_final(error):
                return
            sent = 0
        if sent != len(data) or self._transport.unsent:
            self._unsent_queue().put(data, sent)
            self._update_events()

    def _join(self, buffers: tuple[Buffer, ...]) -> bytes:
        """Return what can be sent as one buffer, or nothing: then it was queued, or there is none of it."""
        views = [memoryview(buffer).cast("B") for buffer in buffers if buffer]
        size = sum(map(len, views))
        idle = self._unsent is None
        waiting = 0 if self._unsent is None else self._unsent.in_memory
        if self.max_write_buffer_size is not None and waiting + size > self.max_write_buffer_size:
            raise StreamBufferFullError(
                f"{waiting + size} bytes would wait to be sent, and max_write_buffer_size is "
                f"{self.max_write_buffer_size}: await each write, or write less at a time"
            )
        if idle and size <= _JOIN_BELOW:
            return b"".join(views)
        for view in views:
            self._unsent_queue().put(view)
        if size and idle:
            self._on_writable()
        return b""

    def _unsent_queue(self) -> UnsentBytes:
        if self._unsent is None:
            self._unsent = UnsentBytes()
        return self._unsent

    def _on_writable(self) -> None:
        unsent = self._unsent
        try:
            self._transport.flush()
            if unsent is not None and not unsent.stalled:
                unsent.send_to(self._transport)
        except (BlockingIOError, InterruptedError):
            pass
        except Exception as error:  # noqa: BLE001 - as in _on_events
            if self._is_final(error):
                return
        if unsent is not None:
            held_back = self._transport.unsent
            unsent.answer(held_back=held_back)
            if not unsent.size and not held_back:
                self._unsent = None
            elif (part := unsent.part_to_read()) is not None:
                self._read_file(unsent, part)
        if self._end_unsent and self._unsent is None:
            self._end_writing()
        self._update_events()

    def _read_file(self, unsent: UnsentBytes, part: FileSlice) -> None:
        try:
            reading = self.io_loop.run_in_executor(None, part.read)
        except RuntimeError as error:  # a loop that shuts down has no threads any more
            self.close(error)
            return
        part.busy = True
        reading.add_done_callback(lambda reading: self._on_file_read(unsent, part, reading))

    def _on_file_read(self, unsent: UnsentBytes, part: FileSlice, reading: Future[bytes]) -> None:
        part.busy = False
        if self._unsent is not unsent:
            part.close()  # the stream has closed meanwhile
            return
        try:
            data = reading.result()
        except BaseException as error:  # noqa: BLE001 - a loop that is shut down cancels what it waits for
            self.close(error)
            return
        unsent.put_read(part, data)
        self._on_writable()

    def _is_final(self, error: Exception) -> bool:
        """Close the stream, unless the kernel merely has no buffer for the moment; then wait a while."""
        if isinstance(error, OSError) and error.errno == errno.ENOBUFS:
            self._pause_writing()
            return False
        # The peer may have said before it went why it goes, such as that the request is too large.
        self._take_last_words()
        self._on_failure(error)
        return True

    def _pause_writing(self) -> None:
        self._unsent_queue().stalled = True
        self.io_loop.call_later(_KERNEL_PAUSE, self._go_on_writing)
        self._update_events()

    def _go_on_writing(self) -> None:
        if self._unsent is not None and not self._closed:
            self._unsent.stalled = False
            self._on_writable()

    def get_fd_error(self) -> Exception | None:
        """Return the error that the descriptor holds, or None if it has or knows none."""
        return None

    def _wait_until_unsent(self, most: int, deadline: float | None = None, operation: str = "write") -> Promise[None]:
        promise: Promise[None] = self.io_loop.create_future()
        if self._closed:
            self._fail(promise)
        else:
            self._unsent_queue().wait(promise, most)
            if deadline is not None:
                self._limit(promise, deadline, operation)
        return promise

    def _end_writing(self) -> None:
        try:
            self._transport.shutdown_write()
        except (BlockingIOError, InterruptedError):
            return
        except OSError as error:
            # Of a connection that is gone, shutdown says no more than that there is none.
            self.close(self.get_fd_error() or error)
        self._end_unsent = False


def _check_bytes(data: object) -> None:
    """Tell a mistake of whoever writes from one of the transport, which ends the stream."""
    try:
        memoryview(data)  # type: ignore[arg-type] # pyright: ignore[reportArgumentType] - that is what is asked
    except TypeError:
        raise TypeError(f"cannot write {type(data).__name__}: give bytes, or encode() a text first") from None
