"""PipeIOStream: a stream over pipes, and over whatever else is read and written by descriptor."""

from __future__ import annotations

import errno
import io
import os
from contextlib import suppress
from typing import TYPE_CHECKING

from eyewall.ioloop import READ, WRITE

from ._base import BaseIOStream
from ._transport import Watch

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from eyewall.ioloop import EventLoop

    from .protocols import Buffer


class PipeTransport:
    """One descriptor, or one for each direction; -1 where it is closed."""

    __slots__ = ("_io_loop", "_read_watch", "_write_watch", "read_fd", "write_fd")

    buffered = False
    unsent = False

    def __init__(self, read_fd: int, write_fd: int) -> None:
        self.read_fd: int = read_fd
        self.write_fd: int = write_fd
        self._io_loop: EventLoop | None = None
        self._read_watch = Watch()
        # One descriptor has one handler.
        self._write_watch = self._read_watch if read_fd == write_fd else Watch()

    def receive(self, num_bytes: int, /) -> bytes:
        try:
            return os.read(self.read_fd, num_bytes)
        except OSError as error:
            # The writing end of a pipe is called readable once nobody is left who reads.
            if error.errno == errno.EBADF and _is_hung_up(self.read_fd):
                raise BrokenPipeError(errno.EPIPE, "nobody reads the pipe any more") from None
            raise

    def send(self, data: Buffer, /) -> int:
        return os.write(self.write_fd, data)

    def send_many(self, buffers: Sequence[Buffer], /) -> int:
        return os.writev(self.write_fd, buffers)

    def send_file(self, fd: int, offset: int, count: int, /) -> int:
        """Let the kernel copy from a file; see :meth:`FileTransport.send_file`."""
        return os.sendfile(self.write_fd, fd, offset, count)

    def flush(self) -> None:
        """Nothing is ever held back here."""

    def watch(self, io_loop: EventLoop, handler: Callable[[object, int], None], events: int, /) -> None:
        self._io_loop = io_loop
        if self._read_watch is self._write_watch:
            self._read_watch.watch_descriptor(io_loop, self.read_fd, handler, events)
            return
        self._read_watch.watch_descriptor(io_loop, self.read_fd, handler, events & READ)
        if self.write_fd >= 0:
            self._write_watch.watch_descriptor(io_loop, self.write_fd, handler, events & WRITE)

    def shutdown_write(self) -> None:
        if self.read_fd == self.write_fd:
            raise io.UnsupportedOperation(f"descriptor {self.write_fd} has no half to close: close the stream")
        self._close_writing()

    def close(self, io_loop: EventLoop, error: BaseException | None, /) -> None:
        if self.read_fd != self.write_fd:
            self._close_writing()
        self._read_watch.forget_descriptor(io_loop, self.read_fd)
        with suppress(OSError):
            os.close(self.read_fd)
        self.read_fd = self.write_fd = -1

    def _close_writing(self) -> None:
        if self.write_fd >= 0:
            if self._io_loop is not None:
                self._write_watch.forget_descriptor(self._io_loop, self.write_fd)
            with suppress(OSError):
                os.close(self.write_fd)
            self.write_fd = -1


class PipeIOStream(BaseIOStream):
    """A stream over a descriptor: one end of a pipe, a FIFO, a serial line; or a process's two standard streams.

    A pipe goes one way: one end is for reading, the other for writing. With ``write_fd``, a descriptor for reading
    and one for writing form a stream for both directions::

        process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        stream = PipeIOStream(os.dup(process.stdout.fileno()), os.dup(process.stdin.fileno()))

    The descriptors are made non-blocking, for every process that shares them, and belong to the stream, which closes
    them. A descriptor that cannot be watched, such as that of a regular file, fails at the first wait.
    """

    __slots__ = ("_pipe",)

    def __init__(
        self,
        fd: int,
        write_fd: int | None = None,
        *,
        io_loop: EventLoop | None = None,
        max_buffer_size: int | None = None,
        read_chunk_size: int | None = None,
        max_write_buffer_size: int | None = None,
    ) -> None:
        self._pipe = PipeTransport(fd, fd if write_fd is None else write_fd)
        for number in {self._pipe.read_fd, self._pipe.write_fd}:
            os.set_blocking(number, False)
        super().__init__(
            self._pipe,
            io_loop=io_loop,
            max_buffer_size=max_buffer_size,
            read_chunk_size=read_chunk_size,
            max_write_buffer_size=max_write_buffer_size,
        )

    @property
    def fd(self) -> int:
        """The descriptor, or the one for reading; -1 once it is closed."""
        return self._pipe.read_fd

    def fileno(self) -> int:
        """The descriptor, or the one for reading; -1 once it is closed."""
        return self._pipe.read_fd

    def _end_writing(self) -> None:
        if _is_write_only(self._pipe):
            self._end_unsent = False
            self.close()  # the peer's end is all that there was
        else:
            super()._end_writing()


def _is_write_only(pipe: PipeTransport) -> bool:
    import fcntl

    return pipe.read_fd == pipe.write_fd and fcntl.fcntl(pipe.write_fd, fcntl.F_GETFL) & os.O_ACCMODE == os.O_WRONLY


def _is_hung_up(fd: int) -> bool:
    import select

    poll = select.poll()
    poll.register(fd, 0)
    return any(events & select.POLLERR for _, events in poll.poll(0))
