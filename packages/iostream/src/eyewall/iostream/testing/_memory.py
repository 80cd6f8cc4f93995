"""A connected pair of streams in memory, whose chunks, short writes and breaks a test can choose."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Final

from eyewall.ioloop import READ, WRITE, IOLoop

from .._base import BaseIOStream
from .._info import StreamInfo
from ._faults import Faults, Script

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from eyewall.ioloop import EventLoop

    from .._facts import TLSInfo
    from .._info import Address
    from ..protocols import Buffer


_NO_FAULTS: Final = Faults()


class _Pipe:
    """One direction: what a sender has put in and a receiver has not taken yet."""

    def __init__(self, chunk_size: int, capacity: int) -> None:
        self.chunk_size = chunk_size
        self.capacity = capacity
        self.chunks: deque[bytes] = deque()
        self.size: int = 0
        self.ended: bool = False
        self.broken: bool = False
        self.abandoned: bool = False
        self.reader: MemoryTransport | None = None
        self.writer: MemoryTransport | None = None

    def put(self, data: Buffer) -> int:
        if self.broken:
            raise ConnectionResetError("the peer has reset the connection")
        if self.abandoned:
            raise BrokenPipeError("the peer has closed the connection")
        taken = bytes(data[: self.capacity - self.size])
        if not taken:
            raise BlockingIOError
        self.chunks.append(taken)
        self.size += len(taken)
        self._wake(self.reader)
        return len(taken)

    def take(self, num_bytes: int) -> bytes:
        if self.broken:
            raise ConnectionResetError("the peer has reset the connection")
        if not self.chunks:
            if self.ended:
                return b""
            raise BlockingIOError
        chunk = self.chunks.popleft()
        size = min(num_bytes, self.chunk_size, len(chunk))
        if size < len(chunk):
            self.chunks.appendleft(chunk[size:])
        self.size -= size
        self._wake(self.writer)
        return chunk[:size]

    def end(self) -> None:
        self.ended = True
        self._wake(self.reader)

    def abandon(self) -> None:
        self.abandoned = True
        self._wake(self.writer)

    def break_(self) -> None:
        self.broken = True
        self.chunks.clear()
        self.size = 0
        self._wake(self.reader)
        self._wake(self.writer)

    @property
    def can_take(self) -> bool:
        return bool(self.chunks) or self.ended or self.broken

    @property
    def can_put(self) -> bool:
        return self.size < self.capacity or self.abandoned or self.broken

    @staticmethod
    def _wake(transport: MemoryTransport | None) -> None:
        if transport is not None:
            transport.wake()


class MemoryTransport:
    """One end of two pipes. Its readiness is level-triggered, as a descriptor's is."""

    buffered = False
    unsent = False

    def __init__(self, io_loop: EventLoop, incoming: _Pipe, outgoing: _Pipe, faults: Faults) -> None:
        self.incoming = incoming
        self.outgoing = outgoing
        self._receiving = Script(faults.receive, io_loop.time, self._wake_at)
        self._sending = Script(faults.send, io_loop.time, self._wake_at)
        incoming.reader = self
        outgoing.writer = self
        self._io_loop = io_loop
        self._handler: Callable[[object, int], None] | None = None
        self._events = 0
        self._scheduled = False

    def receive(self, num_bytes: int, /) -> bytes:
        return self.incoming.take(self._receiving.next(num_bytes) if self.incoming.can_take else num_bytes)

    def send(self, data: Buffer, /) -> int:
        return self.outgoing.put(data[: self._sending.next(len(data))] if data and self.outgoing.can_put else data)

    def send_many(self, buffers: Sequence[Buffer], /) -> int:
        return self.send(buffers[0])

    def flush(self) -> None:
        """Nothing is ever held back here."""

    def watch(self, io_loop: EventLoop, handler: Callable[[object, int], None], events: int, /) -> None:
        self._handler = handler
        self._events = events
        self.wake()

    def shutdown_write(self) -> None:
        self.outgoing.end()

    def close(self, io_loop: EventLoop, error: BaseException | None, /) -> None:
        self._events = 0
        self._handler = None
        self.outgoing.end()
        self.incoming.abandon()

    def wake(self) -> None:
        if not self._scheduled and self._ready():
            self._scheduled = True
            self._io_loop.add_callback(self._fire)

    def _wake_at(self, when: float) -> None:
        self._io_loop.call_at(when, self.wake)

    def _ready(self) -> int:
        readable = self.incoming.can_take and not self._receiving.silent()
        writable = self.outgoing.can_put and not self._sending.silent()
        return ((READ if readable else 0) | (WRITE if writable else 0)) & self._events

    def _fire(self) -> None:
        self._scheduled = False
        ready = self._ready()
        if ready and self._handler is not None:
            self._handler(self, ready)
        self.wake()


class MemoryStream(BaseIOStream):
    """One end of :func:`memory_streams`: a real stream, with its buffers, limits and waiters, but without a socket."""

    __slots__ = ("_ends", "_info")

    def __init__(
        self,
        transport: MemoryTransport,
        info: StreamInfo,
        *,
        io_loop: EventLoop | None = None,
        max_buffer_size: int | None = None,
        read_chunk_size: int | None = None,
        max_write_buffer_size: int | None = None,
    ) -> None:
        self._ends = transport
        self._info = info
        super().__init__(
            transport,
            io_loop=io_loop,
            max_buffer_size=max_buffer_size,
            read_chunk_size=read_chunk_size,
            max_write_buffer_size=max_write_buffer_size,
        )

    @property
    def info(self) -> StreamInfo:
        """What :func:`memory_streams` was given about the peer of this end."""
        return self._info

    def reset(self) -> None:
        """Break the connection as a TCP reset does: this end closes, and data in transit is lost.

        The other end sees a ``ConnectionResetError`` the next time it reads or writes.
        """
        self._ends.outgoing.break_()
        self._ends.incoming.break_()
        self.close()


def memory_streams(
    io_loop: EventLoop | None = None,
    *,
    chunk_size: int = 65536,
    capacity: int = 65536,
    address: Address | None = ("192.0.2.1", 49152),
    tls: TLSInfo | None = None,
    max_buffer_size: int | None = None,
    read_chunk_size: int | None = None,
    max_write_buffer_size: int | None = None,
    near_faults: Faults = _NO_FAULTS,
    far_faults: Faults = _NO_FAULTS,
) -> tuple[MemoryStream, MemoryStream]:
    r"""Create a connected pair ``(near, far)``.

    ``chunk_size`` is the most that either end receives at a time: 1 splits every message at every byte. ``capacity``
    is how many bytes each direction holds before a write has to wait. ``address`` and ``tls`` are what the *far* end,
    usually the server's, is told about its peer. The limits are those of a stream, and apply to both ends. The faults
    are scripts, one for each end, of short reads and writes, delays and errors. Raises ``ValueError`` for a size
    below 1.

    ::

        near, far = memory_streams(io_loop, chunk_size=1)
        near.write_nowait(b"hello\n")
        assert await far.read_until(b"\n") == b"hello\n"
    """
    if chunk_size < 1 or capacity < 1:
        raise ValueError(f"chunk_size {chunk_size} and capacity {capacity} must be 1 or more")
    io_loop = IOLoop.current() if io_loop is None else io_loop
    to_far, to_near = _Pipe(chunk_size, capacity), _Pipe(chunk_size, capacity)

    def end(incoming: _Pipe, outgoing: _Pipe, info: StreamInfo, faults: Faults) -> MemoryStream:
        return MemoryStream(
            MemoryTransport(io_loop, incoming, outgoing, faults),
            info,
            io_loop=io_loop,
            max_buffer_size=max_buffer_size,
            read_chunk_size=read_chunk_size,
            max_write_buffer_size=max_write_buffer_size,
        )

    far_info = StreamInfo(address, tls)
    return end(to_near, to_far, StreamInfo(), near_faults), end(to_far, to_near, far_info, far_faults)
