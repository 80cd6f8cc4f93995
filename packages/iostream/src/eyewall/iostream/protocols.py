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
"""What can be written. It may be changed as soon as the call has returned."""


class Stream(Protocol):
    """One connected byte pipe. Order is kept; chunk boundaries mean nothing.

    Reads begin at the call, whether or not their future is awaited, and there is one at a time.
    A second one raises ``RuntimeError``. A ``read_…`` raises ``StreamClosedError`` at the call where
    the stream has ended and too little is buffered. A read whose waiter was cancelled loses no bytes:
    the next read gets them.

    A ``deadline`` is a time of ``io_loop.time()``. There the operation fails with ``StreamTimeoutError``,
    and the stream is fit for the next: bytes that came are left for the next read, bytes that were written
    still wait to be sent.

    Iterating over a stream gives what comes, in pieces as they come, until the peer ends its side; a stream
    that breaks raises. ``async with`` sends what waits to be sent, then closes; an exception closes at once.
    """

    @property
    def io_loop(self) -> EventLoop:
        """The loop that the stream runs on."""
        ...

    def read_bytes(self, num_bytes: int, /, partial: bool = False, *, deadline: float | None = None) -> Future[bytes]:
        """Return exactly ``num_bytes`` bytes; with ``partial``, any number from 1 to that.

        Fails with ``StreamClosedError`` where the stream ends first.
        """
        ...

    def read_until(
        self, delimiter: bytes, /, max_bytes: int | None = None, *, deadline: float | None = None
    ) -> Future[bytes]:
        """Return all up to and including ``delimiter``.

        Where it is not within ``max_bytes`` the stream is closed with ``UnsatisfiableReadError``.
        """
        ...

    def read_until_regex(
        self, regex: bytes | re.Pattern[bytes], /, max_bytes: int | None = None, *, deadline: float | None = None
    ) -> Future[bytes]:
        """Return all up to and including the first match, taken as soon as there is one.

        Where it is not within ``max_bytes`` the stream is closed with ``UnsatisfiableReadError``.
        """
        ...

    def read_until_close(self, *, deadline: float | None = None) -> Future[bytes]:
        """Return all that comes until the peer ends its side."""
        ...

    def read_into(
        self, buf: bytearray | memoryview, /, partial: bool = False, *, deadline: float | None = None
    ) -> Future[int]:
        """Fill ``buf``, and give its size; with ``partial``, put 1 byte or more into it and give their number.

        Until it is done the buffer cannot be resized, and what stands in it is uncertain.
        """
        ...

    def read_nowait(self) -> bytes:
        """Take what is buffered; ``b""`` where that is nothing, or a read waits. Never waits, never raises."""
        ...

    def readable(self, deadline: float | None = None, *, take: Callable[[bytes], bool] | None = None) -> Future[None]:
        """Wait until :meth:`read_nowait` has something to give.

        Fails with ``StreamClosedError`` where the stream ends instead.

        With ``take``, what comes is not buffered: it is given to that function, from the loop, and is its own
        from then on. While it returns True, the wait goes on, and nobody is woken; with False it ends. During
        the call nobody reads, so that what is called may begin to. It must not raise.
        """
        ...

    def unread(self, data: bytes, /) -> None:
        """Put bytes back at the front: the read that waits, or the next, begins with them.

        Works on a closed stream too.
        """
        ...

    def reading(self) -> bool:
        """True while a read waits."""
        ...

    def write(self, *buffers: Buffer, deadline: float | None = None) -> Future[None]:
        """Send the buffers, in order; done when the kernel (or the other end) has taken all of them.

        Raises ``StreamClosedError`` at once where the stream is closed, and ``StreamBufferFullError``
        where more than ``max_write_buffer_size`` bytes would wait: then nothing of it is sent.
        """
        ...

    def write_nowait(self, *buffers: Buffer) -> None:
        """Like :meth:`write`, for whoever waits with :meth:`drained` instead."""
        ...

    def drained(self, *, deadline: float | None = None) -> Future[None]:
        """Let a writer go on once the peer has caught up: the backpressure of :meth:`write_nowait`.

        Where more than ``HIGH_WATER_MARK`` bytes wait to be sent, waits until ``LOW_WATER_MARK`` do. Fails
        where the stream closes.
        """
        ...

    @property
    def unsent(self) -> int:
        """How many bytes that were written the kernel has not taken yet; more than 0 while any wait."""
        ...

    def writing(self) -> bool:
        """True while bytes wait to be sent."""
        ...

    def send_file(
        self, file: int | HasFileno, /, offset: int = 0, count: int | None = None, *, deadline: float | None = None
    ) -> Future[int]:
        """Send ``count`` bytes of a regular file from ``offset`` on (None: to its end), behind what was written before.

        Gives the number of bytes sent: fewer than ``count`` where the file is shorter. What is written
        meanwhile follows them, and the file may be closed meanwhile. Never holds more than a bounded part of the
        file in memory. Raises ``ValueError`` for what is no regular file.
        """
        ...

    def shutdown_write(self) -> None:
        """End this side once all that was written has gone; the peer reads an end, and may still send."""
        ...

    def close(self, error: BaseException | None = None, /) -> None:
        """Drop the connection now. Never waits, never raises, idempotent.

        Whoever waits on the stream gets ``StreamClosedError`` with ``error`` as its ``real_error``; only
        a ``read_until_close`` gets what came, unless there is an error.
        """
        ...

    def closed(self) -> bool:
        """True after :meth:`close`, or after the stream has ended by itself."""
        ...

    def set_close_callback(self, callback: Callable[[], object] | None, /) -> None:
        """Call once, in a turn of the loop, after the stream has closed, or soon if it has already."""
        ...

    def set_eof_callback(self, callback: Callable[[], object] | None, /) -> None:
        """Call once when the peer has ended its side, and leave this side open for writing.

        Without such a callback the end of input closes the stream. Whoever sets one closes the
        stream. Called soon, in a turn of the loop, if the end has been seen already.
        """
        ...

    def set_nodelay(self, value: bool, /) -> None:
        """Send small writes at once (True), or let the kernel join them. Ignored where it means nothing."""
        ...

    def start_tls(
        self, server_side: bool, ssl_options: SSLOptions | None = None, server_hostname: str | None = None
    ) -> Future[Stream]:
        """Speak TLS from here on: give the stream that does, once its handshake is done; this one is over.

        Unread bytes are taken for TLS records. Raises ``ValueError`` while a read waits or bytes wait to be
        sent. ``TLSStream`` does it for any stream.
        """
        ...

    @property
    def info(self) -> StreamInfo:
        """Who is at the other end, as far as is known by now: what TLS says, from the end of its handshake on."""
        ...

    def __aiter__(self) -> Self: ...

    async def __anext__(self) -> bytes: ...

    async def __aenter__(self) -> Self: ...

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None, /
    ) -> None: ...


class StreamOwner(Protocol):
    """Whoever counts streams and may end them, while others use them: a server, a pool of connections.

    The stream holds its owner, and not the other way round: a stream that everybody has forgotten goes.
    """

    def stream_opened(self, stream: BaseIOStream, /) -> None:
        """The stream carries the connection from now on; called again where another one takes it over."""
        ...

    def stream_closed(self) -> None:
        """The connection has been closed, by whomever; called at once, and once. Must not raise."""
        ...
