"""What the layers above ask of a byte stream.

A server for some protocol takes any :class:`Stream`: a socket's, a TLS session's, or one end of
:func:`eyewall.iostream.testing.memory_streams`. Each docstring is the promise; the conformance
suite in :mod:`eyewall.iostream.testing` checks it on every kind of stream.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable

    from eyewall.ioloop import EventLoop, Future

    from ._base import BaseIOStream
    from ._info import StreamInfo

Buffer = bytes | bytearray | memoryview
"""What can be written. It may be changed as soon as the call has returned."""


class Stream(Protocol):
    """One connected byte pipe. Order is kept; chunk boundaries mean nothing.

    Reads begin at the call, whether or not their future is awaited, and there is one at a time.
    A second one raises ``RuntimeError``. A ``read_…`` raises ``StreamClosedError`` at the call where
    the stream has ended and too little is buffered. A read whose waiter was cancelled loses no bytes:
    the next read gets them.
    """

    @property
    def io_loop(self) -> EventLoop:
        """The loop that the stream runs on."""
        ...

    def read_bytes(self, num_bytes: int, /, partial: bool = False) -> Future[bytes]:
        """Give exactly ``num_bytes`` bytes; with ``partial``, any number from 1 to that.

        Fails with ``StreamClosedError`` where the stream ends first.
        """
        ...

    def read_until(self, delimiter: bytes, /, max_bytes: int | None = None) -> Future[bytes]:
        """Give all up to and including ``delimiter``.

        Where it is not within ``max_bytes`` the stream is closed with ``UnsatisfiableReadError``.
        """
        ...

    def read_until_close(self) -> Future[bytes]:
        """Give all that comes until the peer ends its side."""
        ...

    def read_nowait(self) -> bytes:
        """Take what is buffered; ``b""`` where that is nothing, or a read waits. Never waits, never raises."""
        ...

    def readable(self) -> Future[None]:
        """Wait until :meth:`read_nowait` has something to give.

        Fails with ``StreamClosedError`` where the stream ends instead.
        """
        ...

    def unread(self, data: bytes, /) -> None:
        """Put bytes back at the front: the read that waits, or the next, begins with them.

        Works on a closed stream too.
        """
        ...

    def write(self, *buffers: Buffer) -> Future[None]:
        """Send the buffers, in order; done when the kernel (or the other end) has taken all of them.

        Raises ``StreamClosedError`` at once where the stream is closed, and ``StreamBufferFullError``
        where more than ``max_write_buffer_size`` bytes would wait: then nothing of it is sent.
        """
        ...

    def write_nowait(self, *buffers: Buffer) -> None:
        """Like :meth:`write`, for whoever waits with :meth:`drained` instead."""
        ...

    def drained(self) -> Future[None]:
        """Wait until no more than ``LOW_WATER_MARK`` bytes wait to be sent; fails where the stream closes."""
        ...

    @property
    def unsent(self) -> int:
        """How many bytes that were written the kernel has not taken yet; more than 0 while any wait."""
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

    @property
    def info(self) -> StreamInfo:
        """Who is at the other end."""
        ...


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
