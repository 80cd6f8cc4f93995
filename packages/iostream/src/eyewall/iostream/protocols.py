"""What the layers above ask of a byte stream.

A server for some protocol takes any :class:`Stream`: a socket's, a TLS session's, or one end of
:func:`eyewall.iostream.testing.memory_streams`. Each docstring is the promise; the conformance
suite in :mod:`eyewall.iostream.testing` checks it on every kind of stream.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    import re
    from collections.abc import Callable
    from types import TracebackType
    from typing import Self

    from eyewall.ioloop import EventLoop, Future, HasFileno

    from ._base import BaseIOStream
    from ._info import StreamInfo
    from ._ssl_options import SSLOptions

Buffer = bytes | bytearray | memoryview
"""What can be written. It may be modified as soon as the call has returned."""


class Stream(Protocol):
    """A connected, bidirectional stream of bytes. Order is preserved; the boundaries of chunks have no meaning.

    A read begins at the call, whether or not its future is awaited, and there is only one at a time: a second one
    raises ``RuntimeError``. A ``read_…`` raises ``StreamClosedError`` at the call if the stream has ended and too
    little is buffered. A read whose waiter is cancelled loses no bytes: the next read gets them.

    A ``deadline`` is a time of ``io_loop.time()``. When it passes, the operation fails with ``StreamTimeoutError``,
    and the stream can be used again: bytes that have arrived are left for the next read, and bytes that were written
    still wait to be sent.

    Iterating over a stream yields data in pieces as they arrive, until the peer ends its side; if the stream breaks,
    that raises. ``async with`` sends everything that waits and then closes; an exception closes at once.
    """

    @property
    def io_loop(self) -> EventLoop:
        """The loop on which the stream runs."""
        ...

    def read_bytes(self, num_bytes: int, /, partial: bool = False, *, deadline: float | None = None) -> Future[bytes]:
        """Return exactly ``num_bytes`` bytes; with ``partial``, any number from 1 to that.

        Fails with ``StreamClosedError`` if the stream ends first.
        """
        ...

    def read_until(
        self, delimiter: bytes, /, max_bytes: int | None = None, *, deadline: float | None = None
    ) -> Future[bytes]:
        """Return all bytes up to and including ``delimiter``.

        If it is not within ``max_bytes``, the stream is closed with ``UnsatisfiableReadError``.
        """
        ...

    def read_until_regex(
        self, regex: bytes | re.Pattern[bytes], /, max_bytes: int | None = None, *, deadline: float | None = None
    ) -> Future[bytes]:
        """Return all bytes up to and including the first match, which is taken as soon as there is one.

        If it is not within ``max_bytes``, the stream is closed with ``UnsatisfiableReadError``.
        """
        ...

    def read_until_close(self, *, deadline: float | None = None) -> Future[bytes]:
        """Return everything that arrives until the peer ends its side."""
        ...

    def read_into(
        self, buf: bytearray | memoryview, /, partial: bool = False, *, deadline: float | None = None
    ) -> Future[int]:
        """Fill ``buf`` and return its size; with ``partial``, put 1 byte or more into it and return their number.

        Until that is done, the buffer cannot be resized, and its contents are undefined.
        """
        ...

    def read_nowait(self) -> bytes:
        """Take what is buffered; ``b""`` if there is nothing, or if a read is waiting. Never waits, never raises."""
        ...

    def readable(self, deadline: float | None = None, *, take: Callable[[bytes], bool] | None = None) -> Future[None]:
        """Wait until :meth:`read_nowait` has something to return.

        Fails with ``StreamClosedError`` if the stream ends instead.

        With ``take``, incoming data is not buffered but passed to that function, from the loop. While the function
        returns True, the wait goes on and nobody is woken; False ends it. During the call no read is pending, so that
        the code that is called may start one. The function must not raise.
        """
        ...

    def unread(self, data: bytes, /) -> None:
        """Put bytes back at the front: the waiting read, or the next one, begins with them.

        This also works on a closed stream.
        """
        ...

    def reading(self) -> bool:
        """True while a read is waiting."""
        ...

    def write(self, *buffers: Buffer, deadline: float | None = None) -> Future[None]:
        """Send the buffers, in order; done when the kernel (or the other end) has taken all of them.

        Raises ``StreamClosedError`` immediately if the stream is closed, and ``StreamBufferFullError`` if more than
        ``max_write_buffer_size`` bytes would have to wait: nothing is sent in that case.
        """
        ...

    def write_nowait(self, *buffers: Buffer) -> None:
        """Like :meth:`write`, for code that waits with :meth:`drained` instead."""
        ...

    def drained(self, *, deadline: float | None = None) -> Future[None]:
        """Wait until the peer has caught up: the backpressure for :meth:`write_nowait`.

        If more than ``HIGH_WATER_MARK`` bytes are waiting to be sent, waits until only ``LOW_WATER_MARK`` are. Fails
        if the stream closes.
        """
        ...

    @property
    def unsent(self) -> int:
        """How many of the written bytes the kernel has not taken yet; above 0 while any wait."""
        ...

    def writing(self) -> bool:
        """True while bytes are waiting to be sent."""
        ...

    def send_file(
        self, file: int | HasFileno, /, offset: int = 0, count: int | None = None, *, deadline: float | None = None
    ) -> Future[int]:
        """Send ``count`` bytes of a file from ``offset`` on (None: to its end), after what was written before.

        Returns the number of bytes sent: fewer than ``count`` if the file is shorter. What is written in the meantime
        follows them, and the file may be closed in the meantime. Only a limited part of the file is held in memory.
        Raises ``ValueError`` if it is not a regular file.
        """
        ...

    def shutdown_write(self) -> None:
        """End this side once everything written has been sent; the peer sees the end, and may still send."""
        ...

    def close(self, error: BaseException | None = None, /) -> None:
        """Close the connection now. Never waits, never raises, idempotent.

        Whoever waits on the stream gets a ``StreamClosedError`` with ``error`` as its ``real_error``. Only a
        ``read_until_close`` returns what has arrived, unless there is an error.
        """
        ...

    def closed(self) -> bool:
        """True after :meth:`close`, or once the stream has ended by itself."""
        ...

    def set_close_callback(self, callback: Callable[[], object] | None, /) -> None:
        """Call a function once, in a turn of the loop, after the stream has closed, or soon if it already has."""
        ...

    def set_eof_callback(self, callback: Callable[[], object] | None, /) -> None:
        """Call a function once when the peer has ended its side, and leave this side open for writing.

        Without such a callback, the end of input closes the stream; if you set one, you have to close the stream. It
        is called soon, in a turn of the loop, if the end has already been seen.
        """
        ...

    def set_nodelay(self, value: bool, /) -> None:
        """Send small writes immediately (True), or let the kernel combine them. Ignored if it does not apply."""
        ...

    def start_tls(
        self, server_side: bool, ssl_options: SSLOptions | None = None, server_hostname: str | None = None
    ) -> Future[Stream]:
        """Switch to TLS: return the stream that speaks it, once its handshake is done; do not use this one any more.

        Unread bytes are treated as TLS records. Raises ``ValueError`` while a read is waiting or bytes are waiting to
        be sent. ``TLSStream`` does this for any stream.
        """
        ...

    @property
    def info(self) -> StreamInfo:
        """What is known about the peer so far; the facts about TLS are added at the end of its handshake."""
        ...

    def __aiter__(self) -> Self: ...

    async def __anext__(self) -> bytes: ...

    async def __aenter__(self) -> Self: ...

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None, /
    ) -> None: ...


class StreamOwner(Protocol):
    """Keeps track of streams, and may end them, while others use them: a server, or a pool of connections.

    A stream refers to its owner, and not the other way round, so that a forgotten stream can be collected.
    """

    def stream_opened(self, stream: BaseIOStream, /) -> None:
        """The stream carries the connection from now on; called again when another stream takes it over."""
        ...

    def stream_closed(self) -> None:
        """The connection has been closed, by anyone; called immediately, and once. Must not raise."""
        ...
