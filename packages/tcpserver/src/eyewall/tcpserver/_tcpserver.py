"""TCPServer: listening sockets, and a stream for each connection that they accept."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING

from eyewall.ioloop import IOLoop
from eyewall.iostream import DEFAULT_HANDSHAKE_TIMEOUT, IOStream

from ._accept import Acceptor
from ._bind import DEFAULT_BACKLOG, bind_sockets
from ._connections import Connections
from ._dispatch import dispatch, serve
from ._drain import DEFAULT_GRACE, Drain, ServerState, log_report
from ._gate import ConnectionLimits, Gate
from ._log import logger, readable

if TYPE_CHECKING:
    import ssl
    from collections.abc import Awaitable, Callable, Iterable
    from types import TracebackType
    from typing import Self

    from eyewall.ioloop import EventLoop
    from eyewall.iostream import Address, BaseIOStream, SSLOptions, Stream

    from ._connections import Connection
    from ._drain import DrainReport
    from ._proxy import ProxyProtocol
    from .errors import DrainedError


class TCPServer:
    r"""Accepts connections and passes each to :meth:`handle_stream`, which a subclass overrides.

    An echo server::

        class Echo(TCPServer):
            async def handle_stream(self, stream: Stream, address: Address) -> None:
                while True:
                    await stream.write(await stream.read_until(b"\n", max_bytes=1000))

        server = Echo()
        server.listen(8888)
        IOLoop.current().start()

    For several processes, fork before there is an event loop: ``server.bind(8888)``, then ``server.start(0)``; or
    :func:`bind_sockets`, :func:`fork_processes`, :meth:`add_sockets`.

    With ``ssl_options``, an ``ssl.SSLContext`` or a dict such as ``{"certfile": "server.pem"}``, every connection
    uses TLS. A certificate that cannot be read is an error here, not at the first connection. ``max_buffer_size`` and
    ``read_chunk_size``, in bytes, are those of each stream (see ``IOStream``). ``connection_limits`` limits the
    number of connections; with ``proxy_protocol``, PROXY headers are expected; ``handshake_timeout``, in seconds
    (30), applies to TLS. The server runs on ``io_loop``, by default the loop that is current when it gets its first
    socket.
    """

    def __init__(
        self,
        ssl_options: SSLOptions | None = None,
        max_buffer_size: int | None = None,
        read_chunk_size: int | None = None,
        *,
        connection_limits: ConnectionLimits | None = None,
        proxy_protocol: ProxyProtocol | None = None,
        handshake_timeout: float | None = None,
        io_loop: EventLoop | None = None,
    ) -> None:
        # Neither is redundant for those who have no type checker.
        if not isinstance(connection_limits, ConnectionLimits | None):  # pyright: ignore[reportUnnecessaryIsInstance]
            raise TypeError(f"connection_limits is {connection_limits!r}: give ConnectionLimits(…)")
        if proxy_protocol is not None and not hasattr(proxy_protocol, "trusts"):
            raise TypeError(f"proxy_protocol is {proxy_protocol!r}: give ProxyProtocol([…]) with its addresses")
        self.ssl_options: ssl.SSLContext | None = None
        if ssl_options is not None:
            from eyewall.iostream import ssl_options_to_context

            self.ssl_options = ssl_options_to_context(ssl_options, server_side=True)
        self.max_buffer_size: int | None = max_buffer_size
        self.read_chunk_size: int | None = read_chunk_size
        self.connection_limits: ConnectionLimits = connection_limits or ConnectionLimits()
        """The limits for connections."""
        self.proxy_protocol: ProxyProtocol | None = proxy_protocol
        """Whose PROXY headers are expected; None: nobody's."""
        self.handshake_timeout: float = DEFAULT_HANDSHAKE_TIMEOUT if handshake_timeout is None else handshake_timeout
        """Seconds that a TLS handshake may take."""
        if self.handshake_timeout <= 0:
            raise ValueError(f"a handshake_timeout of {handshake_timeout} seconds leaves no time; give more than 0")
        self._io_loop = io_loop
        self._listening: list[tuple[socket.socket, Acceptor]] = []
        self._bound: list[socket.socket] = []
        self._started = False
        self._server_state = ServerState.STOPPED
        self._watchers: list[Callable[[ServerState], object]] = []
        self._connected = Connections(self._on_connection_end)
        self._draining: Drain | None = None
        self._entrance: Gate | None = None

    @property
    def io_loop(self) -> EventLoop:
        """The loop on which the server runs; reading this settles which one."""
        if self._io_loop is None:
            self._io_loop = IOLoop.current()
        return self._io_loop

    @property
    def state(self) -> ServerState:
        """What the server is currently doing: serving, draining, or neither."""
        return self._server_state

    def watch_state(self, callback: Callable[[ServerState], object]) -> Callable[[], None]:
        """Call ``callback(state)`` whenever :attr:`state` changes; returns a function that ends this.

        Exceptions of the callback are logged.
        """
        self._watchers.append(callback)

        def forget() -> None:
            if callback in self._watchers:
                self._watchers.remove(callback)

        return forget

    @property
    def connection_count(self) -> int:
        """The number of connections: accepted, and not yet both closed and finished by their handlers."""
        return len(self._connected)

    def listen(
        self,
        port: int,
        address: str | None = None,
        family: int = socket.AF_UNSPEC,
        backlog: int = DEFAULT_BACKLOG,
        flags: int | None = None,
        reuse_port: bool = False,
    ) -> None:
        """Start accepting connections on a port; the arguments are those of :func:`bind_sockets`.

        It may be called several times, for several ports. Raises :class:`BindError`.
        """
        self.add_sockets(bind_sockets(port, address, family, backlog, flags, reuse_port))

    def add_sockets(self, sockets: Iterable[socket.socket]) -> None:
        """Start accepting connections on listening sockets, which belong to the server from now on."""
        for sock in sockets:
            self.add_socket(sock)

    def add_socket(self, sock: socket.socket, /) -> None:
        """Start accepting connections on a listening socket, which belongs to the server from now on.

        Raises ``RuntimeError`` while the server drains.
        """
        if self._draining is not None:
            raise RuntimeError("the server drains and takes no new sockets; await drain() first")
        if sock.family in {socket.AF_INET, socket.AF_INET6}:
            # An answer is one send, and shall not wait for the acknowledgement of the one before.
            # What a listener accepts inherits this, which saves a system call for each connection.
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        acceptor = Acceptor(sock, self._handle_connection, self.io_loop)
        if self._gate().full:
            acceptor.hold()
        self._listening.append((sock, acceptor))
        self._set_state(ServerState.SERVING)

    def bind(
        self,
        port: int,
        address: str | None = None,
        family: int = socket.AF_UNSPEC,
        backlog: int = DEFAULT_BACKLOG,
        flags: int | None = None,
        reuse_port: bool = False,
    ) -> None:
        """Bind a port without accepting yet; accepting begins with :meth:`start`.

        The arguments are those of :func:`bind_sockets`. It may be called several times. Raises :class:`BindError`.
        """
        sockets = bind_sockets(port, address, family, backlog, flags, reuse_port)
        if self._started:
            self.add_sockets(sockets)
        else:
            self._bound += sockets

    def start(self, num_processes: int | None = 1, max_restarts: int | None = None) -> None:
        """Accept connections on the bound ports, in this process or in several.

        With ``num_processes`` other than 1, this forks like :func:`fork_processes` (None or 0: one worker for each
        processor), and returns only in the workers. Raises ``RuntimeError`` if the server was started before, and if
        it is too late to fork.
        """
        if self._started:
            raise RuntimeError("the server is started already; call start() once, after the last bind()")
        if num_processes != 1:
            if self._io_loop is not None:
                raise RuntimeError("a server that has its event loop cannot fork; call start() before giving it one")
            from ._process import fork_processes

            fork_processes(num_processes, max_restarts)
        self._started = True
        bound, self._bound = self._bound, []
        self.add_sockets(bound)

    def stop(self) -> None:
        """Stop listening and close the listening sockets; connections continue. Idempotent."""
        listening, self._listening = self._listening, []
        for sock, acceptor in listening:
            acceptor.remove()
            sock.close()
        bound, self._bound = self._bound, []
        for sock in bound:
            sock.close()
        if self._draining is None:
            self._set_state(ServerState.STOPPED)

    async def drain(self, grace: float = DEFAULT_GRACE) -> DrainReport:
        """Shut down gracefully: stop listening, let connections end for ``grace`` seconds, and cut what is left.

        Connections that wait in the kernel's queue are accepted first, as far as the limits allow, and served:
        closing a listening socket that no other process has would reset them. :meth:`on_drain` lets a subclass end
        connections that have nothing to do. The rest is cut by :meth:`cut_connections`; handlers that are still
        working are then cancelled, and have one second to end. The report says what ended by itself and what was cut;
        so does the log.

        A second call in the meantime waits for the same end, and may shorten the grace period. A handler that wants
        to end its server spawns this as a task: awaiting it would mean waiting for itself. Raises ``ValueError`` for
        a negative grace period.
        """
        if grace < 0:
            raise ValueError(f"a grace of {grace:g} seconds is over before it begins; give 0 or more")
        drain = self._draining or self._begin_drain()
        drain.waiting += 1
        try:
            report = await drain.wait(grace, self.cut_connections)
        finally:
            drain.waiting -= 1
            if not drain.waiting:
                self._draining = None
                self._set_state(ServerState.STOPPED)
        if not drain.waiting:
            log_report(report)
        return report

    def on_drain(self) -> None:
        """Called at the beginning of a drain, when nothing more is accepted; to be overridden.

        Ask connections to end that are waiting for the next request of their client. Some of them may have been
        accepted only just now, with their first request still on its way. Exceptions are logged.
        """

    async def cut_connections(self, error: DrainedError) -> None:
        """Called after the grace period: close the rest with ``error``, and cancel handlers that this does not end.

        To be extended. It need not wait until everything has ended.
        """
        await self._connected.cut(error, self.io_loop)

    async def __aenter__(self) -> Self:
        """Serve until the block ends; then :meth:`drain`, or, after an exception, cut at once."""
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None, /
    ) -> None:
        with self.io_loop.cancel_scope(shield=True):
            await self.drain(DEFAULT_GRACE if error is None else 0)

    def handle_stream(self, stream: Stream, address: Address, /) -> Awaitable[object] | None:
        """Serve a new connection; to be overridden, as a plain function or ``async``. You have to close the stream.

        A coroutine runs as a task of its own. An exception is logged with the peer's address and closes the stream.
        With TLS, the handshake may not have ended yet: if it fails, the first read does.
        """
        raise NotImplementedError(f"override handle_stream in {type(self).__qualname__}: it serves a connection")

    def serve_stream(self, stream: BaseIOStream, address: Address, /) -> None:
        """Serve a connection that was not accepted by a socket of this server as if it had been."""
        self._serve(self._connected.add(address), stream)

    def _handle_connection(self, sock: socket.socket, address: Address) -> None:
        connection = self._connected.add(address)
        try:
            self._gate().on_accept()
            if self.proxy_protocol is None:
                self._admit(connection, sock)
            else:
                self._look_for_proxy(connection, sock, self.proxy_protocol)
        except BaseException:
            self._connected.discard(connection)
            raise

    def _look_for_proxy(self, connection: Connection, sock: socket.socket, proxy: ProxyProtocol) -> None:
        address = connection.address
        if proxy.others == "serve" and not proxy.trusts(address):
            self._admit(connection, sock)
        elif proxy.trusts(address):
            connection.runs_in(self.io_loop.spawn(self._serve_behind_proxy(connection, sock, proxy)))
        else:
            logger.info("%s: the connection is closed, no trusted proxy has this address", readable(address))
            self._refuse(connection, sock)

    def _admit(self, connection: Connection, sock: socket.socket) -> None:
        if self._gate().admits(connection):
            self._serve(connection, self._make_stream(sock, connection.address))
        else:
            self._refuse(connection, sock)

    def _serve(self, connection: Connection, stream: BaseIOStream) -> None:
        stream.set_owner(connection)
        task = dispatch(self, stream, connection.address, self.io_loop)
        if task is not None:
            connection.runs_in(task)

    async def _serve_behind_proxy(self, connection: Connection, sock: socket.socket, proxy: ProxyProtocol) -> None:
        from ._proxy import read_proxy_header

        info = await read_proxy_header(proxy, sock, connection.address, self.io_loop)
        if info is None:
            return
        connection.address = connection.address if info.source is None else info.source
        if not self._gate().admits(connection):
            sock.close()
            return
        stream = self._make_stream(sock, connection.address)
        stream.proxy = info
        stream.set_owner(connection)
        await serve(self, stream, connection.address)

    def _refuse(self, connection: Connection, sock: socket.socket) -> None:
        sock.close()
        self._connected.discard(connection)

    def _make_stream(self, sock: socket.socket, address: Address) -> IOStream:
        if self.ssl_options is None:
            stream = IOStream(
                sock,
                io_loop=self._io_loop,
                max_buffer_size=self.max_buffer_size,
                read_chunk_size=self.read_chunk_size,
            )
        else:
            stream = self._tls_stream_over(sock, self.ssl_options)
        if isinstance(address, tuple):
            stream.peer = address
        return stream

    def _tls_stream_over(self, sock: socket.socket, context: ssl.SSLContext) -> IOStream:
        from eyewall.iostream import SSLIOStream

        return SSLIOStream(
            sock,
            ssl_options=context,
            server_side=True,
            handshake_timeout=self.handshake_timeout,
            io_loop=self._io_loop,
            max_buffer_size=self.max_buffer_size,
            read_chunk_size=self.read_chunk_size,
        )

    def _gate(self) -> Gate:
        if self._entrance is None:
            self._entrance = Gate(self.connection_limits, self._connected, self._hold, self.io_loop)
        return self._entrance

    def _hold(self, held: bool) -> None:
        for _, acceptor in self._listening:
            if held:
                acceptor.hold()
            else:
                acceptor.release()

    def _on_connection_end(self, connection: Connection) -> None:
        self._gate().on_end(connection)

    def _begin_drain(self) -> Drain:
        self._set_state(ServerState.DRAINING)
        for _, acceptor in list(self._listening):
            acceptor.accept_waiting()
        self._draining = Drain(self._connected, self.io_loop)
        self.stop()
        try:
            self.on_drain()
        except Exception:  # noqa: BLE001 - whatever it raises, the drain goes on
            logger.exception("uncaught exception in on_drain of %s", type(self).__qualname__)
        return self._draining

    def _set_state(self, state: ServerState) -> None:
        if state is self._server_state:
            return
        self._server_state = state
        for callback in list(self._watchers):
            try:
                callback(state)
            except Exception:  # noqa: BLE001 - the same
                logger.exception("uncaught exception in %r, which watches the state of a server", callback)
