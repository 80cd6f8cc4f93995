"""IOStream: a stream over a socket."""

from __future__ import annotations

import errno
import os
from socket import AF_INET, AF_INET6, IPPROTO_TCP, SO_ERROR, SOL_SOCKET, TCP_NODELAY
from typing import TYPE_CHECKING, Any, Final, cast

from eyewall.ioloop import WRITE

from ._base import BaseIOStream
from ._descriptor import OverriddenSocketTransport
from ._info import StreamInfo
from ._limits import DEFAULT_HANDSHAKE_TIMEOUT
from ._transport import SocketTransport
from ._writes import UnsentBytes

if TYPE_CHECKING:
    import socket as sockets
    import ssl
    from collections.abc import Callable
    from typing import Self

    from eyewall.ioloop import EventLoop, Future, Promise

    from ._facts import ProxyInfo, TLSInfo, UnixCredentials
    from ._info import Address
    from ._ssl_options import SSLOptions
    from ._ssliostream import SSLIOStream
    from ._transport import Transport

# A cast, because pyright takes a slot that holds a function for a method, and binds it once more.
_over_socket: Final = cast("Callable[[sockets.socket], Transport]", SocketTransport)


class IOStream(BaseIOStream):
    r"""A stream over a socket: one that is connected, or one that :meth:`connect` will connect.

    ::

        stream = IOStream(socket.socket())
        await stream.connect(("127.0.0.1", 6379))
        await stream.write(b"PING\r\n")
        print(await stream.read_until(b"\r\n", max_bytes=1024))

    The socket is made non-blocking and belongs to the stream, which closes it.
    """

    __slots__ = ("_connected", "_credentials", "peer", "proxy", "socket")

    def __init__(
        self,
        socket: sockets.socket,
        *,
        io_loop: EventLoop | None = None,
        max_buffer_size: int | None = None,
        read_chunk_size: int | None = None,
        max_write_buffer_size: int | None = None,
    ) -> None:
        socket.setblocking(False)
        self.socket: sockets.socket = socket
        """The socket. Do not read from it or write to it."""
        self.proxy: ProxyInfo | None = None
        """The contents of a PROXY header, for :attr:`info`; set by the code that read it."""
        self.peer: Address | None = None
        """The peer's IP address, for :attr:`info`; set by the code that accepted it, as the kernel forgets it at a
        reset.
        """
        self._credentials: UnixCredentials | None = None
        # Any is Self, which no attribute can be a promise of.
        self._connected: Promise[Any] | None = None
        super().__init__(
            self._make_transport(socket),
            io_loop=io_loop,
            max_buffer_size=max_buffer_size,
            read_chunk_size=read_chunk_size,
            max_write_buffer_size=max_write_buffer_size,
        )

    def connect(
        self, address: Address, server_hostname: str | None = None, *, deadline: float | None = None
    ) -> Future[Self]:
        """Connect, and return this stream once that is done; data written before then waits.

        ``address`` contains an IP address (looking up a name would block the loop). ``server_hostname`` is the name
        that TLS verifies, on a stream that speaks it. Fails with :class:`StreamClosedError`, whose ``real_error`` is
        the cause: at ``deadline``, a time of ``io_loop.time()``, it is a :class:`StreamTimeoutError`. Raises
        ``RuntimeError`` on a stream that is already connecting.
        """
        if self._connected is not None:
            raise RuntimeError("the stream is connecting already: await the first connect()")
        promise: Promise[Self] = self.io_loop.create_future()
        if self._closed:
            self._fail(promise)
            return promise
        self._connected = promise
        # From now on there is something to wait for, so that no write is tried before its time.
        self._unsent = UnsentBytes()
        try:
            self.socket.connect(address)
        except OSError as error:
            # After EINTR the kernel goes on by itself. A Unix socket whose listener's queue is full says EAGAIN,
            # and is not on its way.
            if error.errno != errno.EINPROGRESS and not isinstance(error, InterruptedError):
                self.close(error)
                return promise
        self._update_events()
        if deadline is not None:
            self._close_at(deadline, promise, "connect")
        return promise

    def fileno(self) -> int:
        """The descriptor of the socket; -1 once it is closed."""
        return self.socket.fileno()

    def read_from_fd(self, buf: bytearray | memoryview, /) -> int | None:
        """Read from the socket into ``buf``. A subclass may override it; then each byte comes through it."""
        try:
            return self.socket.recv_into(buf)
        except BlockingIOError:
            return None

    def write_to_fd(self, data: memoryview, /) -> int:
        """Write some of ``data`` to the socket. A subclass may override it; then each byte goes through it."""
        return self.socket.send(data)

    def close_fd(self) -> None:
        """Close the socket. To close the stream, call :meth:`close`."""
        self.socket.close()

    def get_fd_error(self) -> OSError | None:
        """Return the pending error of the socket, or None; the kernel reports it only once."""
        number = 0 if self._closed else self.socket.getsockopt(SOL_SOCKET, SO_ERROR)
        return OSError(number, os.strerror(number)) if number else None

    def set_nodelay(self, value: bool, /) -> None:
        """Send small writes immediately (True), or let the kernel combine them. Ignored if this is not a TCP socket."""
        if not self._closed and self.socket.family in (AF_INET, AF_INET6):
            self.socket.setsockopt(IPPROTO_TCP, TCP_NODELAY, int(value))

    @property
    def info(self) -> StreamInfo:
        """What is known about the peer; still available once the stream is closed, if it was used before."""
        address = self._peer()
        if (proxy := self.proxy) is not None and proxy.source is not None:
            address = proxy.source
        return StreamInfo(address, self._tls_info(), proxy, self._credentials)

    def start_tls(
        self,
        server_side: bool,
        ssl_options: SSLOptions | None = None,
        server_hostname: str | None = None,
        *,
        handshake_timeout: float | None = DEFAULT_HANDSHAKE_TIMEOUT,
        session: ssl.SSLSession | None = None,
    ) -> Future[SSLIOStream]:
        """Switch to TLS: return the :class:`SSLIOStream` that speaks it, once its handshake is done.

        See :meth:`BaseIOStream.start_tls`. The new stream takes over the socket, and with it the close callback and
        the contents of a PROXY header.
        """
        from ._ssliostream import start_tls

        self._check_idle("start TLS")
        return start_tls(
            self,
            server_side=server_side,
            ssl_options=ssl_options,
            server_hostname=server_hostname,
            handshake_timeout=handshake_timeout,
            session=session,
        )

    def _make_transport(self, sock: sockets.socket) -> Transport:
        kind = type(self)
        if kind.read_from_fd is IOStream.read_from_fd and kind.write_to_fd is IOStream.write_to_fd:
            return _over_socket(sock)
        return OverriddenSocketTransport(self, sock)

    def _fail_others(self) -> None:
        connected, self._connected = self._connected, None
        if connected is not None:
            self._fail(connected)

    def _peer(self) -> Address | None:
        if self.peer is None and not self._closed:
            try:
                address = self.socket.getpeername()
            except OSError:
                return None
            # That of an abstract Unix socket is bytes.
            self.peer = os.fsdecode(address) if isinstance(address, bytes) else address
            if not isinstance(address, tuple):
                from ._facts import unix_credentials

                self._credentials = unix_credentials(self.socket)
        return self.peer

    def _tls_info(self) -> TLSInfo | None:
        """What TLS settled, on a stream that speaks it."""
        return None

    def _connecting(self) -> bool:
        return self._connected is not None

    def _wanted_events(self) -> int:
        return super()._wanted_events() if self._connected is None else WRITE

    def _event_handler(self) -> Callable[[object, int], None]:
        return super()._event_handler() if self._connected is None else self._on_connect_event

    def _on_connect_event(self, fd: object, events: int) -> None:
        error = self.get_fd_error()
        if error is None:
            self._on_connected()
        elif error.errno not in (errno.EINPROGRESS, errno.EALREADY):
            self.close(error)

    def _on_connected(self) -> None:
        """The transport can take and give bytes from now on."""
        connected, self._connected = self._connected, None
        if connected is not None and not connected.done():
            connected.set_result(self)
        self._watch(self._wanted_events())
        self._on_writable()
