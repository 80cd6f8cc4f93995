"""SSLIOStream: a stream over a socket that speaks TLS."""

from __future__ import annotations

import socket as sockets
from typing import TYPE_CHECKING, Any

from ._iostream import IOStream
from ._limits import DEFAULT_HANDSHAKE_TIMEOUT
from ._ssl_options import ssl_options_to_context
from ._tlsstream import BaseTLSStream, TLSState

if TYPE_CHECKING:
    import ssl
    from typing import Self

    from eyewall.ioloop import EventLoop, Future

    from ._facts import ProxyInfo
    from ._info import Address
    from ._ssl_options import SSLOptions
    from ._tls import TLSSession
    from ._transport import Transport


class TLSSocket(sockets.socket):
    """The socket of an :class:`SSLIOStream`; answers what Tornado's users ask ``stream.socket`` about TLS.

    ``stream.info.tls`` has the same as one typed value, and has it after the end as well.
    """

    __slots__ = ("ssl_object",)

    ssl_object: ssl.SSLObject | None

    @classmethod
    def taking_over(cls, sock: sockets.socket) -> TLSSocket:
        """Take the descriptor out of a plain socket."""
        if isinstance(sock, TLSSocket):
            return sock
        taken = cls(sock.family, sock.type, sock.proto, sock.detach())
        taken.ssl_object = None
        return taken

    def version(self) -> str | None:
        """The protocol, such as ``"TLSv1.3"``; None before the handshake is done, as all of these."""
        return self.ssl_object.version() if self.ssl_object is not None else None

    def cipher(self) -> tuple[str, str, int] | None:
        """Name, protocol and secret bits of the cipher suite."""
        return self.ssl_object.cipher() if self.ssl_object is not None else None

    def getpeercert(self, binary_form: bool = False) -> Any:
        """The peer's certificate: a dict as :mod:`ssl` makes it, empty if it was not verified, or DER."""
        return self.ssl_object.getpeercert(binary_form) if self.ssl_object is not None else None

    def selected_alpn_protocol(self) -> str | None:
        """The application protocol that both sides agreed on."""
        return self.ssl_object.selected_alpn_protocol() if self.ssl_object is not None else None

    def get_channel_binding(self, cb_type: str = "tls-unique") -> bytes | None:
        """Bytes that name this very session (RFC 5929)."""
        return self.ssl_object.get_channel_binding(cb_type) if self.ssl_object is not None else None


class SSLIOStream(BaseTLSStream, IOStream):
    """A stream over a socket that speaks TLS.

    ::

        stream = SSLIOStream(socket.socket())
        await stream.connect(("93.184.215.14", 443), server_hostname="example.org")

    The handshake begins by itself, in the next turn of the loop or once :meth:`connect` has connected; bytes written
    before it has ended wait. If it fails, or takes longer than ``handshake_timeout`` seconds (30; None for no limit),
    the stream is closed with its error. ``session`` is that of an earlier stream to the same server, to be resumed.

    If ``socket`` is already an ``ssl.SSLSocket``, as Tornado's users create one with
    ``do_handshake_on_connect=False``, the stream takes the bare socket and speaks TLS with its context. Its handshake
    must not have begun; ``ValueError`` otherwise.
    """

    __slots__ = (
        "_begun_session",
        "_context",
        "_lower",
        "_resumed",
        "_server_hostname",
        "_server_side",
        "_state",
    )

    def __init__(
        self,
        socket: sockets.socket,
        *,
        ssl_options: SSLOptions | None = None,
        server_side: bool = False,
        server_hostname: str | None = None,
        handshake_timeout: float | None = DEFAULT_HANDSHAKE_TIMEOUT,
        session: ssl.SSLSession | None = None,
        io_loop: EventLoop | None = None,
        max_buffer_size: int | None = None,
        read_chunk_size: int | None = None,
        max_write_buffer_size: int | None = None,
    ) -> None:
        if hasattr(socket, "do_handshake"):
            socket, ssl_options, server_side, server_hostname = _unwrapped(socket)
        self._server_side = server_side
        self._server_hostname = server_hostname
        self._resumed = session
        self._context: ssl.SSLContext = ssl_options_to_context(ssl_options or {}, server_side)
        self._set_up(handshake_timeout)
        connected = server_side or _is_connected(socket)
        begun = self._new_session() if connected else None
        super().__init__(
            TLSSocket.taking_over(socket),
            io_loop=io_loop,
            max_buffer_size=max_buffer_size,
            read_chunk_size=read_chunk_size,
            max_write_buffer_size=max_write_buffer_size,
        )
        if begun is not None:
            # One without a transport yet.
            self._begun_session: TLSSession | None = begun
            self._begin()
            self._update_events()

    def connect(
        self, address: Address, server_hostname: str | None = None, *, deadline: float | None = None
    ) -> Future[Self]:
        """Connect and perform the handshake, and return this stream once both are done.

        ``server_hostname`` is sent to the server and must be in its certificate, unless the options say otherwise; by
        default it is the address. Fails like :meth:`wait_for_handshake`, and with :class:`StreamTimeoutError` at
        ``deadline``; raises ``RuntimeError`` on a stream that is already connecting.
        """
        if not self._connecting():  # or the session that is under way would be lost; it is refused below
            host = address[0] if isinstance(address, tuple) else None
            self._server_hostname = server_hostname or self._server_hostname or host
            self._begun_session = self._new_session()
        super().connect(address)
        handshake = self.wait_for_handshake()
        if deadline is not None and not handshake.done():
            self._close_at(deadline, handshake, "connect")
        return handshake

    def unwrap(self) -> Future[IOStream]:
        """End TLS, and return a plain stream over the same socket, which continues with what follows.

        See :meth:`TLSStream.unwrap`.
        """
        return self._unwrap()

    def _set_up(self, handshake_timeout: float | None) -> None:
        self._state: TLSState = TLSState(handshake_timeout)
        self._lower: SSLIOStream | None = None
        self._begun_session = None

    def _take_over(
        self, plain: IOStream, context: ssl.SSLContext, begun: TLSSession, handshake_timeout: float | None
    ) -> None:
        """Go on where a plain stream was; over one that speaks TLS itself, as what lies below."""
        from ._streamtransport import StreamTransport

        self._context, self._server_side, self._server_hostname, self._resumed = context, False, None, None
        self._set_up(handshake_timeout)
        self._lower = plain if isinstance(plain, SSLIOStream) else None
        if self._lower is None:
            plain._transport.watch(plain.io_loop, _nothing, 0)
            plain.io_loop.remove_handler(plain.fileno())
        super().__init__(
            TLSSocket.taking_over(plain.socket),
            io_loop=plain.io_loop,
            max_buffer_size=plain.max_buffer_size,
            read_chunk_size=plain.read_chunk_size,
            max_write_buffer_size=plain.max_write_buffer_size,
        )
        self.proxy: ProxyInfo | None = plain.proxy
        self.peer: Address | None = plain.peer
        self._credentials = plain._credentials
        self._begun_session = begun
        if self._lower is not None:
            self._begin(StreamTransport(self._lower))
            return
        unread, plain._buffer = plain._buffer, b""
        self._begin(None, unread)
        plain._hand_over(self)

    def _new_session(self) -> TLSSession:
        from ._tls import begin_session

        return begin_session(
            self._context,
            server_side=self._server_side,
            server_hostname=self._server_hostname,
            resumed=self._resumed,
        )

    def _begin(self, transport: Transport | None = None, unread: bytes | bytearray = b"") -> None:
        session, self._begun_session = self._begun_session, None
        if session is not None:
            if self._lower is None and isinstance(self.socket, TLSSocket):
                self.socket.ssl_object = session.ssl_object
            self._begin_tls(transport or self._transport, session, unread)

    def _on_connected(self) -> None:
        self._begin()
        super()._on_connected()

    def _below(self) -> IOStream:
        if self._lower is not None:
            self._lower.set_eof_callback(None)
            self._hand_over(self._lower)
            return self._lower
        self.io_loop.remove_handler(self.socket.fileno())
        plain = IOStream(
            self.socket,
            io_loop=self.io_loop,
            max_buffer_size=self.max_buffer_size,
            read_chunk_size=self.read_chunk_size,
            max_write_buffer_size=self.max_write_buffer_size,
        )
        plain.proxy = self.proxy
        plain.peer, plain._credentials = self.peer, self._credentials
        self._hand_over(plain)
        return plain


def start_tls(
    plain: IOStream,
    *,
    server_side: bool,
    ssl_options: SSLOptions | None,
    server_hostname: str | None,
    handshake_timeout: float | None,
    session: ssl.SSLSession | None,
) -> Future[SSLIOStream]:
    """Go on with the socket of a plain stream; nothing has changed where this raises."""
    context = ssl_options_to_context(ssl_options or {}, server_side)
    from ._tls import begin_session

    begun = begin_session(context, server_side=server_side, server_hostname=server_hostname, resumed=session)
    stream = SSLIOStream.__new__(SSLIOStream)
    stream._take_over(plain, context, begun, handshake_timeout)  # pyright: ignore[reportPrivateUsage] # the two are one
    return stream._begun()  # pyright: ignore[reportPrivateUsage] # the two are one


def _nothing(fd: object, events: int) -> None:
    """Called for events that nobody waits for any more."""


def _unwrapped(wrapped: Any) -> tuple[sockets.socket, ssl.SSLContext, bool, str | None]:
    """Return the bare socket of an ``ssl.SSLSocket``, and what it was to speak TLS with."""
    if wrapped.version() is not None:
        raise ValueError(
            f"{wrapped!r} has already completed a handshake: wrap it with do_handshake_on_connect=False, or not at all"
        )
    parts = wrapped.context, wrapped.server_side, wrapped.server_hostname
    return (sockets.socket(fileno=wrapped.detach()), *parts)


def _is_connected(sock: sockets.socket) -> bool:
    try:
        sock.getpeername()
    except OSError:
        return False
    return True
