"""TCPServer: listening sockets, and a stream for each connection that they accept."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING

from eyewall.ioloop import IOLoop
from eyewall.iostream import IOStream, SSLIOStream, ssl_options_to_context

from ._accept import add_accept_handler
from ._bind import DEFAULT_BACKLOG, bind_sockets
from ._dispatch import dispatch
from ._process import fork_processes

if TYPE_CHECKING:
    import ssl
    from collections.abc import Awaitable, Callable, Iterable

    from eyewall.ioloop import EventLoop
    from eyewall.iostream import Address, SSLOptions, Stream


class TCPServer:
    r"""Accepts connections and gives each to :meth:`handle_stream`, which a subclass overrides.

    An echo server::

        class Echo(TCPServer):
            async def handle_stream(self, stream: Stream, address: Address) -> None:
                while True:
                    await stream.write(await stream.read_until(b"\n", max_bytes=1000))

        server = Echo()
        server.listen(8888)
        IOLoop.current().start()

    For several processes, fork before there is an event loop: ``server.bind(8888)``, then
    ``server.start(0)``; or :func:`bind_sockets`, :func:`fork_processes`, :meth:`add_sockets`.

    ``ssl_options``, an ``ssl.SSLContext`` or a dict such as ``{"certfile": "server.pem"}``, makes
    every connection TLS. A certificate that cannot be read is an error here, not at the first
    connection. ``max_buffer_size`` and ``read_chunk_size``, in bytes, are each stream's (see
    ``IOStream``). The server runs on ``io_loop``, by default the loop that is current when it
    first gets a socket.
    """

    def __init__(
        self,
        ssl_options: SSLOptions | None = None,
        max_buffer_size: int | None = None,
        read_chunk_size: int | None = None,
        *,
        io_loop: EventLoop | None = None,
    ) -> None:
        self.ssl_options: ssl.SSLContext | None = (
            None if ssl_options is None else ssl_options_to_context(ssl_options, server_side=True)
        )
        self.max_buffer_size: int | None = max_buffer_size
        self.read_chunk_size: int | None = read_chunk_size
        self._io_loop = io_loop
        self._listening: list[tuple[socket.socket, Callable[[], None]]] = []
        self._bound: list[socket.socket] = []
        self._started = False

    @property
    def io_loop(self) -> EventLoop:
        """The loop that the server runs on; asking for it settles which."""
        if self._io_loop is None:
            self._io_loop = IOLoop.current()
        return self._io_loop

    def listen(
        self,
        port: int,
        address: str | None = None,
        family: int = socket.AF_UNSPEC,
        backlog: int = DEFAULT_BACKLOG,
        flags: int | None = None,
        reuse_port: bool = False,
    ) -> None:
        """Accept connections on a port, from now on; the arguments are those of :func:`bind_sockets`.

        May be called several times, for several ports. Raises :class:`BindError`.
        """
        self.add_sockets(bind_sockets(port, address, family, backlog, flags, reuse_port))

    def add_sockets(self, sockets: Iterable[socket.socket]) -> None:
        """Accept connections on listening sockets, which are the server's from now on."""
        for sock in sockets:
            self.add_socket(sock)

    def add_socket(self, sock: socket.socket, /) -> None:
        """Accept connections on a listening socket, which is the server's from now on."""
        if sock.family in {socket.AF_INET, socket.AF_INET6}:
            # An answer is one send, and shall not wait for the acknowledgement of the one before.
            # What a listener accepts inherits this, which saves a system call for each connection.
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._listening.append((sock, add_accept_handler(sock, self._handle_connection, io_loop=self.io_loop)))

    def bind(
        self,
        port: int,
        address: str | None = None,
        family: int = socket.AF_UNSPEC,
        backlog: int = DEFAULT_BACKLOG,
        flags: int | None = None,
        reuse_port: bool = False,
    ) -> None:
        """Bind a port without accepting yet; that begins with :meth:`start`.

        The arguments are those of :func:`bind_sockets`. May be called several times. Raises
        :class:`BindError`.
        """
        sockets = bind_sockets(port, address, family, backlog, flags, reuse_port)
        if self._started:
            self.add_sockets(sockets)
        else:
            self._bound += sockets

    def start(self, num_processes: int | None = 1, max_restarts: int | None = None) -> None:
        """Accept connections on the ports that were bound, in this process or in several.

        With ``num_processes`` other than 1 this forks as :func:`fork_processes` does (None or 0:
        one worker for each processor), and returns in the workers only. Raises ``RuntimeError``
        where the server was started before, and where forking is too late.
        """
        if self._started:
            raise RuntimeError("the server is started already; call start() once, after the last bind()")
        if num_processes != 1:
            if self._io_loop is not None:
                raise RuntimeError("a server that has its event loop cannot fork; call start() before giving it one")
            fork_processes(num_processes, max_restarts)
        self._started = True
        bound, self._bound = self._bound, []
        self.add_sockets(bound)

    def stop(self) -> None:
        """Stop listening and close the listening sockets; connections go on. Idempotent."""
        listening, self._listening = self._listening, []
        for sock, remove in listening:
            remove()
            sock.close()
        bound, self._bound = self._bound, []
        for sock in bound:
            sock.close()

    def handle_stream(self, stream: Stream, address: Address, /) -> Awaitable[object] | None:
        """Serve a new connection; to be overridden, plain or ``async``. Whoever takes it closes it.

        A coroutine runs as a task of its own. An exception is logged, with the peer's address, and
        closes the stream. On TLS the handshake may not be over yet: a failed one shows in the
        first read.
        """
        raise NotImplementedError(f"override handle_stream in {type(self).__qualname__}: it serves a connection")

    def _handle_connection(self, connection: socket.socket, address: Address) -> None:
        stream: Stream
        if self.ssl_options is None:
            stream = IOStream(
                connection,
                io_loop=self._io_loop,
                max_buffer_size=self.max_buffer_size,
                read_chunk_size=self.read_chunk_size,
            )
        else:
            stream = SSLIOStream(
                connection,
                ssl_options=self.ssl_options,
                server_side=True,
                io_loop=self._io_loop,
                max_buffer_size=self.max_buffer_size,
                read_chunk_size=self.read_chunk_size,
            )
        dispatch(self, stream, address, self.io_loop)
