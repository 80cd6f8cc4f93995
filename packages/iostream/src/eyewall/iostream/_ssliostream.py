"""SSLIOStream: a stream over a socket that speaks TLS."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from eyewall.ioloop import READ, WRITE

from ._info import StreamInfo
from ._iostream import IOStream
from ._ssl_options import ssl_options_to_context

if TYPE_CHECKING:
    import socket as sockets
    import ssl
    from collections.abc import Callable
    from typing import Self

    from eyewall.ioloop import EventLoop, Future, Promise

    from ._info import Address
    from ._ssl_options import SSLOptions
    from ._tls import TLSTransport


class SSLIOStream(IOStream):
    """A stream over a socket that speaks TLS.

    ::

        stream = SSLIOStream(socket.socket())
        await stream.connect(("93.184.215.14", 443), server_hostname="example.org")

    The handshake begins in the next turn of the loop, or once :meth:`connect` has connected, and needs
    no call of its own; bytes that are written before it has ended wait. A failed one closes the stream,
    with its ``ssl.SSLError`` as :attr:`error`.

    A ``socket`` that is an ``ssl.SSLSocket`` already, as Tornado's users make one with
    ``do_handshake_on_connect=False``, is taken apart: the stream speaks TLS with its context. It must
    not have begun to shake hands; ``ValueError`` otherwise.
    """

    __slots__ = ("_context", "_handshakes", "_server_hostname", "_server_side", "_tls")

    def __init__(
        self,
        socket: sockets.socket,
        *,
        ssl_options: SSLOptions | None = None,
        server_side: bool = False,
        server_hostname: str | None = None,
        io_loop: EventLoop | None = None,
        max_buffer_size: int | None = None,
        read_chunk_size: int | None = None,
        max_write_buffer_size: int | None = None,
    ) -> None:
        if hasattr(socket, "do_handshake"):
            socket, ssl_options, server_side, server_hostname = _unwrapped(socket)
        self._server_side = server_side
        self._server_hostname = server_hostname
        self._context: ssl.SSLContext = ssl_options_to_context(ssl_options or {}, server_side)
        # Any is Self, which no attribute can be a promise of.
        self._handshakes: list[Promise[Any]] = []
        self._tls: TLSTransport | None = None
        super().__init__(
            socket,
            io_loop=io_loop,
            max_buffer_size=max_buffer_size,
            read_chunk_size=read_chunk_size,
            max_write_buffer_size=max_write_buffer_size,
        )
        if server_side or self._peer() is not None:
            self._begin_tls()
            self._update_events()

    def connect(
        self, address: Address, server_hostname: str | None = None, *, deadline: float | None = None
    ) -> Future[Self]:
        """Connect and shake hands, and give this stream once both are done.

        ``server_hostname`` is sent to the server and must be in its certificate, unless the
        options say otherwise; by default it is the address. Fails with :class:`StreamClosedError`, at
        ``deadline`` too; raises ``RuntimeError`` on a stream that is connecting already.
        """
        host = address[0] if isinstance(address, tuple) else None
        self._server_hostname = server_hostname or self._server_hostname or host
        if not self._connecting():  # or the session that is under way would be lost; it is refused below
            self._begin_tls()
        connected = super().connect(address)
        if self._closed:
            return connected
        handshake = self.wait_for_handshake()
        if deadline is not None:
            self._close_at(deadline, handshake, "connect")
        return handshake

    def wait_for_handshake(self) -> Future[Self]:
        """Give this stream once the handshake is done; fails with :class:`StreamClosedError`."""
        promise: Promise[Self] = self.io_loop.create_future()
        if self._tls is not None and self._tls.handshaken:
            promise.set_result(self)
        elif self._closed:
            self._fail(promise)
        else:
            self._handshakes.append(promise)
            self._update_events()
        return promise

    @property
    def info(self) -> StreamInfo:
        """Who is at the other end, and what TLS settled."""
        tls = self._tls.info() if self._tls is not None and self._tls.handshaken else None
        return StreamInfo(self._client(), tls, self.proxy)

    def _fail_others(self) -> None:
        super()._fail_others()
        handshakes, self._handshakes = self._handshakes, []
        for promise in handshakes:
            self._fail(promise)

    def _begin_tls(self) -> None:
        from ._tls import TLSTransport

        self._tls = TLSTransport(
            self._transport, self._context, server_side=self._server_side, server_hostname=self._server_hostname
        )
        self._transport = self._tls

    def _is_shaking_hands(self) -> bool:
        return self._tls is not None and not self._tls.handshaken

    def _begin_reading(self) -> None:
        if self._is_shaking_hands() and not self._connecting():
            self._shake_hands()
        else:
            super()._begin_reading()

    def _wanted_events(self) -> int:
        if self._is_shaking_hands() and not self._connecting():
            return READ | (WRITE if self._transport.unsent else 0)
        return super()._wanted_events()

    def _event_handler(self) -> Callable[[object, int], None]:
        if self._is_shaking_hands() and not self._connecting():
            return self._on_handshake_event
        return super()._event_handler()

    def _on_handshake_event(self, fd: object, events: int) -> None:
        self._shake_hands()

    def _on_readable(self) -> None:
        super()._on_readable()
        # Decrypting can make records to send, such as a key update's.
        if self._transport.unsent:
            self._update_events()

    def _on_connected(self) -> None:
        super()._on_connected()
        if not self._closed:
            self._shake_hands()

    def _shake_hands(self) -> None:
        if self._tls is None:
            return
        try:
            self._tls.handshake()
        except BlockingIOError:
            self._update_events()
            return
        except OSError as error:
            self.close(error)
            return
        handshakes, self._handshakes = self._handshakes, []
        for promise in handshakes:
            if not promise.done():
                promise.set_result(self)
        self._watch(self._wanted_events())
        self._on_writable()
        if not self._closed and self._wanted_events() & READ:
            self._on_readable()
        self._update_events()


def _unwrapped(wrapped: Any) -> tuple[sockets.socket, ssl.SSLContext, bool, str | None]:
    """Give the bare socket of an ``ssl.SSLSocket``, and what it was to speak TLS with."""
    import socket

    if wrapped.version() is not None:
        raise ValueError(f"{wrapped!r} has shaken hands: wrap it with do_handshake_on_connect=False, or not at all")
    parts = wrapped.context, wrapped.server_side, wrapped.server_hostname
    return (socket.socket(fileno=wrapped.detach()), *parts)
