"""What was written and has not gone yet, and who waits for it to go."""

from __future__ import annotations

import errno
from collections import deque
from typing import TYPE_CHECKING, Any, Final

from ._files import FileSlice
from ._transport import FileTransport

if TYPE_CHECKING:
    from eyewall.ioloop import Promise

    from ._transport import Transport
    from .protocols import Buffer

# Far below IOV_MAX, far above what one write brings.
_MOST_BUFFERS: Final = 64
# Bytes. A peer that reads as fast as we write shall not keep the loop from others.
_MOST_A_TURN: Final = 1024 * 1024
# What the kernel says of a file, or of a descriptor, that it cannot copy by itself.
_NO_SENDFILE: Final = (errno.EINVAL, errno.ENOSYS, errno.ENOTSOCK, errno.EOPNOTSUPP, errno.EOVERFLOW)


class UnsentBytes:
    """A queue of bytes. A stream has one only while something waits, be it here or in its transport."""

    __slots__ = ("_chunks", "_in_files", "_sent", "_waiters", "size", "stalled")

    def __init__(self) -> None:
        self.size: int = 0
        """Bytes that have not gone, in memory and in files."""
        self.stalled: bool = False
        """True while it is not the transport that is waited for, but a file or the kernel."""
        self._chunks: deque[memoryview | FileSlice] = deque()
        self._in_files = 0
        self._sent = 0
        # Each with the number of bytes that must have gone, of all that went through this queue.
        self._waiters: list[tuple[int, Promise[Any], FileSlice | None]] = []

    @property
    def in_memory(self) -> int:
        """Bytes that this queue holds itself."""
        return self.size - self._in_files

    def put(self, data: Buffer, start: int = 0) -> None:
        """Add what stands in ``data`` from ``start`` on."""
        if rest := memoryview(data)[start:]:
            # Whoever wrote a mutable buffer may change it later, so what stays behind of it is copied.
            self._chunks.append(rest if isinstance(rest.obj, bytes) else memoryview(bytes(rest)))
            self.size += len(rest)

    def put_file(self, part: FileSlice) -> None:
        """Add a part of a file, which is this queue's from now on."""
        self._chunks.append(part)
        self._in_files += part.left
        self.size += part.left

    def send_to(self, transport: Transport) -> None:
        """Send much of it; the rest is for another turn. Raises BlockingIOError where the transport takes no more."""
        chunks = self._chunks
        enough = self._sent + _MOST_A_TURN
        while chunks and self._sent < enough and not self.stalled:
            first = chunks[0]
            if isinstance(first, FileSlice):
                self._send_part(first, transport)
            elif len(chunks) == 1:
                self._drop(transport.send(first))
            else:
                self._drop(transport.send_many(self._first_views()))

    def _first_views(self) -> list[memoryview]:
        views: list[memoryview] = []
        for chunk in self._chunks:
            if isinstance(chunk, FileSlice) or len(views) == _MOST_BUFFERS:
                break
            views.append(chunk)
        return views

    def _drop(self, count: int) -> None:
        self._sent += count
        self.size -= count
        chunks = self._chunks
        while count and isinstance(chunk := chunks[0], memoryview):
            if count < len(chunk):
                chunks[0] = chunk[count:]
                return
            count -= len(chunk)
            chunks.popleft()

    def _send_part(self, part: FileSlice, transport: Transport) -> None:
        """Let the kernel copy from the file. Where it cannot, stall until the stream has read some of it."""
        if part.to_be_read or not isinstance(transport, FileTransport):
            part.to_be_read = self.stalled = True
            return
        try:
            sent = transport.send_file(part.fd, part.offset, min(part.left, _MOST_A_TURN))
        except OSError as error:
            if error.errno not in _NO_SENDFILE:
                raise
            part.to_be_read = self.stalled = True
            return
        self._advance(part, sent)
        self._sent += sent
        self.size -= sent

    def part_to_read(self) -> FileSlice | None:
        """The part of a file that has to be read before anything can go, unless it is being read already."""
        first = self._chunks[0] if self._chunks else None
        return first if isinstance(first, FileSlice) and first.to_be_read and not first.busy else None

    def put_read(self, part: FileSlice, data: bytes) -> None:
        """Go on with what was read of the part at the front."""
        self.stalled = False
        self._advance(part, len(data))
        if data:
            self._chunks.appendleft(memoryview(data))

    def _advance(self, part: FileSlice, count: int) -> None:
        """Take bytes out of the part at the front. None at all is the end of a file that was cut meanwhile."""
        part.take(count)
        self._in_files -= count
        if not count:
            self._in_files -= part.left
            self.size -= part.left
            # Whoever waits for a later byte counts those that will never come.
            self._sent += part.left
        if not count or not part.left:
            self._chunks.popleft()
            part.close()

    def wait(self, promise: Promise[Any], most: int = 0, part: FileSlice | None = None) -> None:
        """Answer the promise when no more than ``most`` of what is here now are left; with what went of ``part``."""
        self._waiters.append((self._sent + self.size - most, promise, part))

    def answer(self, *, held_back: bool) -> None:
        """Answer those whose bytes have gone; the last byte has not while the transport holds something back."""
        if not self._waiters:
            return
        sent = self._sent - held_back
        for position, promise, part in self._waiters:
            if position <= sent and not promise.done():
                promise.set_result(None if part is None else part.sent)
        self._waiters = [waiter for waiter in self._waiters if waiter[0] > sent]

    def abandon(self) -> list[Promise[Any]]:
        """Let go of the files; give those who wait."""
        for chunk in self._chunks:
            if isinstance(chunk, FileSlice):
                chunk.close()
        return [promise for _, promise, _ in self._waiters]
