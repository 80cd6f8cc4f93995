"""BaseIOStream: what every kind of stream has in common, whole."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, NoReturn

from ._descriptor import DescriptorTransport
from ._limits import DEFAULT_HANDSHAKE_TIMEOUT
from ._writing import WritingStream
from .errors import StreamClosedError

if TYPE_CHECKING:
    import ssl
    from types import TracebackType
    from typing import Self

    from eyewall.ioloop import Future

    from ._ssl_options import SSLOptions
    from ._tlsstream import BaseTLSStream
    from ._transport import Transport
    from .protocols import Stream, StreamOwner


class BaseIOStream(WritingStream):
    """A stream over any :class:`Transport`; satisfies :class:`~eyewall.iostream.Stream`.

    The limits are ``max_buffer_size`` (100 MiB), the bytes that one read may gather; ``read_chunk_size`` (64 KiB),
    the bytes taken from the transport at a time; and ``max_write_buffer_size`` (none), the bytes that may wait to be
    sent.

    Once a read has had to wait, or a callback has been set, up to about ``read_chunk_size`` bytes are read ahead, so
    that the peer's end is noticed while nobody reads. The descriptor stays registered from one read to the next. A
    write is attempted at once, before anything is registered.

    A stream is an asynchronous iterator over incoming data, in pieces as they arrive, until the peer ends its side.
    As a context manager it sends everything that waits and then closes; an exception closes it at once::

        async with stream:
            async for data in stream:
                await stream.write(data)

    A subclass without a transport overrides, as in Tornado, :meth:`fileno`, :meth:`read_from_fd`, :meth:`write_to_fd`
    and :meth:`close_fd`.
    """

    __slots__ = ()

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> bytes:
        try:
            await self.readable()
        except StreamClosedError as error:
            if error.real_error is None:
                raise StopAsyncIteration from None
            raise
        return self.read_nowait()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None, /
    ) -> None:
        try:
            if error is None and not self._closed and self.writing():
                await self._wait_until_unsent(0)
        finally:
            self.close(error)

    def set_owner(self, owner: StreamOwner, /) -> None:
        """Set the owner of the stream, who is told when it ends, whatever its user does; for servers and pools."""
        self._owner = owner
        owner.stream_opened(self)
        if self._closed:
            self._owner = None
            owner.stream_closed()

    def start_tls(
        self,
        server_side: bool,
        ssl_options: SSLOptions | None = None,
        server_hostname: str | None = None,
        *,
        handshake_timeout: float | None = DEFAULT_HANDSHAKE_TIMEOUT,
        session: ssl.SSLSession | None = None,
    ) -> Future[BaseTLSStream]:
        """Switch to TLS: return the stream that speaks it, once its handshake is done.

        This stream must not be used any more. Unread bytes are treated as TLS records, never as data that the peer
        sent within TLS: plaintext that somebody has slipped in makes the handshake fail. The other arguments are
        those of :class:`TLSStream`. Giving up waiting closes the stream.

        Fails like :meth:`BaseTLSStream.wait_for_handshake`. Raises :class:`StreamClosedError` on a closed stream, and
        ``ValueError`` while a read is waiting or bytes are waiting to be sent.
        """
        from ._tlsstream import TLSStream

        self._check_idle("start TLS")
        stream = TLSStream(
            self,
            ssl_options=ssl_options,
            server_side=server_side,
            server_hostname=server_hostname,
            handshake_timeout=handshake_timeout,
            session=session,
            max_buffer_size=self.max_buffer_size,
            read_chunk_size=self.read_chunk_size,
            max_write_buffer_size=self.max_write_buffer_size,
        )
        return stream._begun()  # pyright: ignore[reportPrivateUsage] # the two are one

    def _check_idle(self, what: str, *, unsent_too: bool = True) -> None:
        """Raise where the bytes before and behind a change of protocol could not be told apart."""
        if self._closed:
            raise StreamClosedError(self.error)
        if self._connecting() or self._shutting_down:
            raise ValueError(f"cannot {what} on a stream that is connecting or has ended its side")
        if self.reading():
            raise ValueError(f"cannot {what} while a read waits: await it first")
        if unsent_too and self.writing():
            raise ValueError(f"cannot {what} while {self.unsent} bytes wait to be sent: await the write first")

    def _hand_over(self, stream: Stream) -> None:
        """Be over, without closing the connection, with which another stream goes on."""
        self._closed = True
        self._events = 0
        self._eof_callback = None
        self._fail_readers()
        callback, self._close_callback = self._close_callback, None
        if callback is not None:
            stream.set_close_callback(callback)
        owner, self._owner = self._owner, None
        if owner is not None and isinstance(stream, BaseIOStream):
            stream.set_owner(owner)

    # What a descriptor does, for subclasses without a transport

    def _own_transport(self) -> Transport:
        return DescriptorTransport(self)

    def fileno(self) -> int:
        """The descriptor; -1 once it is closed."""
        self._lacks("fileno")

    def read_from_fd(self, buf: bytearray | memoryview, /) -> int | None:
        """Read at most ``len(buf)`` bytes into ``buf`` and return their number: 0 at the end.

        Returns None if there is nothing to read now. An ``OSError`` closes the stream.
        """
        self._lacks("read_from_fd")

    def write_to_fd(self, data: memoryview, /) -> int:
        """Write some of ``data`` and return the number of bytes; 0, or ``BlockingIOError``, if none fits now."""
        self._lacks("write_to_fd")

    def close_fd(self) -> None:
        """Close the descriptor. Called once, by :meth:`close`."""
        self._lacks("close_fd")

    def _lacks(self, method: str) -> NoReturn:
        raise io.UnsupportedOperation(f"{type(self).__name__} has no descriptor, and does not override {method}()")
