"""HTTPServer: a TCP server whose connections speak HTTP/1.1."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from eyewall.tcpserver import TCPServer

from ._callback import CallbackDelegate
from ._context import HTTPConnectionContext
from ._deadlines import Sweeper
from ._parameters import HTTP1ConnectionParameters
from ._proxies import BehindProxies
from ._server_connection import HTTP1ServerConnection
from .protocols import HTTPServerConnectionDelegate

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable

    from eyewall.ioloop import EventLoop
    from eyewall.iostream import Address, SSLOptions, Stream
    from eyewall.tcpserver import ConnectionLimits, DrainedError, DrainReport, ProxyProtocol

    from ._parameters import Deadlines, HalfClosed, Limits
    from ._request import HTTPServerRequest
    from .protocols import HTTPConnection, HTTPMessageDelegate, HTTPServerObserver

_IDLE_SECONDS: Final = 0.1
"""How long a drain leaves idle connections open: most clients' next request arrives within it."""


class HTTPServer(TCPServer):
    """Serves a delegate, such as an ``Application``, or a function over HTTP/1.1.

    ::

        def hello(request: HTTPServerRequest) -> None:
            connection = request.connection
            headers = HTTPHeaders({"Content-Type": "text/plain", "Content-Length": "5"})
            connection.write_headers(ResponseStartLine("HTTP/1.1", 200, "OK"), headers, b"hello")
            connection.finish()

        server = HTTPServer(hello)
        server.listen(8080)
        IOLoop.current().start()

    A function gets each request when all of it has been read. It may be a coroutine function, and
    it, or something that it starts, has to finish the answer.

    ``limits`` and ``deadlines`` bound everything that a peer sends, and everything that takes time:
    see :class:`Limits` and :class:`Deadlines`. Tornado's names for some of them (``max_header_size``,
    ``max_body_size``, ``body_timeout``, ``idle_connection_timeout``) prevail over these values, in
    bytes and seconds; 0 and None stand for the default, but a ``max_body_size`` of 0 means none.
    ``half_closed`` says what a client counts as that ends its side behind its request: ``"gone"``, or
    one that waits for its answer: ``"finish"``. ``observer`` is told of every connection, and of every
    request when it is over. ``ssl_options`` makes the server speak TLS;
    ``protocol`` is what requests say of theirs behind something that speaks TLS for this server
    (``"https"``). ``connection_limits``, ``proxy_protocol`` and ``handshake_timeout`` are :class:`TCPServer`'s.

    ``chunk_size`` bytes are read at a time, or some times as many, and a delegate is given no more of
    a body at a time. With ``xheaders``, a request's ``remote_ip`` and ``protocol`` are what the proxy in front says in
    X-Real-Ip or X-Forwarded-For, and in X-Scheme or X-Forwarded-Proto. Give the addresses or networks
    of your proxies (``["10.0.0.0/8", "unix"]``): only they are believed. True believes whoever
    connects, which is right only where nobody but the proxy can. ``trusted_downstream`` are further
    proxies, to be passed over in X-Forwarded-For. ``decompress_request`` undoes the Content-Encoding of
    requests: gzip and deflate, and br and zstd with the extras ``brotli`` and ``zstd``.
    """

    def __init__(
        self,
        request_callback: HTTPServerConnectionDelegate | Callable[[HTTPServerRequest], Awaitable[object] | None],
        *,
        no_keep_alive: bool = False,
        protocol: str | None = None,
        ssl_options: SSLOptions | None = None,
        xheaders: bool | Iterable[str] = False,
        trusted_downstream: Iterable[str] | None = None,
        decompress_request: bool = False,
        chunk_size: int | None = None,
        max_header_size: int | None = None,
        max_body_size: int | None = None,
        max_buffer_size: int | None = None,
        idle_connection_timeout: float | None = None,
        header_timeout: float | None = None,
        body_timeout: float | None = None,
        half_closed: HalfClosed = "gone",
        limits: Limits | None = None,
        deadlines: Deadlines | None = None,
        observer: HTTPServerObserver | None = None,
        connection_limits: ConnectionLimits | None = None,
        proxy_protocol: ProxyProtocol | None = None,
        handshake_timeout: float | None = None,
        io_loop: EventLoop | None = None,
    ) -> None:
        super().__init__(
            ssl_options=ssl_options,
            max_buffer_size=max_buffer_size,
            read_chunk_size=chunk_size,
            connection_limits=connection_limits,
            proxy_protocol=proxy_protocol,
            handshake_timeout=handshake_timeout,
            io_loop=io_loop,
        )
        self.protocol: str | None = protocol
        """What requests say of their protocol, or None: what the connection speaks."""
        self.conn_params: HTTP1ConnectionParameters = HTTP1ConnectionParameters(
            no_keep_alive=no_keep_alive,
            chunk_size=chunk_size,
            max_header_size=max_header_size or None,
            max_body_size=max_buffer_size if max_body_size is None else max_body_size,
            idle_connection_timeout=idle_connection_timeout or None,
            header_timeout=header_timeout or None,
            body_timeout=body_timeout or None,
            decompress=decompress_request,
            half_closed=half_closed,
            limits=limits,
            deadlines=deadlines,
        )
        """The limits of each connection."""
        if isinstance(request_callback, type):
            raise TypeError(f"{request_callback!r} is a class: give an instance of it, or an Application with it")
        if isinstance(request_callback, HTTPServerConnectionDelegate):
            self._delegate: HTTPServerConnectionDelegate = request_callback
        elif callable(request_callback):
            self._delegate = CallbackDelegate(request_callback)
        else:
            raise TypeError(
                f"{request_callback!r} cannot serve requests: give an Application, an object with start_request and "
                "on_close, or a function that takes an HTTPServerRequest"
            )
        if xheaders:
            proxies = None if xheaders is True else xheaders
            self._delegate = BehindProxies(self._delegate, proxies, trusted_downstream or ())
        self._idle_seconds = _IDLE_SECONDS
        self._sweeper: Sweeper | None = None
        self._observer = observer

    def handle_stream(self, stream: Stream, address: Address, /) -> None:
        """Serve a connection; called for each that is accepted."""
        if self._sweeper is None or self._sweeper.io_loop is not stream.io_loop:
            self._sweeper = Sweeper(stream.io_loop, self.conn_params.deadlines.tick)
        context = HTTPConnectionContext(stream, address, self.protocol)
        connection = HTTP1ServerConnection(
            stream,
            self.conn_params,
            context,
            sweeper=self._sweeper,
            observer=self._observer,
            secure=self.ssl_options is not None,
        )
        connection.start_serving(self)

    def start_request(self, server_conn: object, request_conn: HTTPConnection, /) -> HTTPMessageDelegate:
        """A request begins; override to choose who takes it."""
        return self._delegate.start_request(server_conn, request_conn)

    def on_close(self, server_conn: object, /) -> None:
        """A connection has closed."""
        self._delegate.on_close(server_conn)

    async def close_all_connections(self) -> None:
        """Close every connection at once, and wait until all that ran on them has ended.

        Handlers that are under way are told (``on_connection_close``) and cancelled. Call
        :meth:`stop` first, or more connections may come.
        """
        connections = self._connections()
        for connection in connections:
            connection.abort()
        for connection in connections:
            await connection.close()

    def on_drain(self) -> None:
        """Let every connection serve what is under way, and tell its client to go; end those that are idle."""
        for connection in self._connections():
            connection.end_after_request(self._idle_seconds)

    async def cut_connections(self, error: DrainedError) -> None:
        """Tell the delegates of what is still under way that it is over, and cancel their handlers."""
        for connection in self._connections():
            connection.cut(error)
        await super().cut_connections(error)

    async def drain(self, grace: float | None = None) -> DrainReport:
        """:meth:`TCPServer.drain`, with the grace of ``deadlines.drain_timeout`` where none is given.

        What is under way is answered, with ``Connection: close``; connections that are idle are closed
        after a tenth of a second, if the grace is as long: their clients may just have asked for more;
        those that were accepted a moment ago get time for their first request.
        """
        grace = self.conn_params.deadlines.drain_timeout if grace is None else grace
        self._idle_seconds = _IDLE_SECONDS if grace > _IDLE_SECONDS else 0.0
        return await super().drain(grace)

    def _connections(self) -> list[HTTP1ServerConnection]:
        return [] if self._sweeper is None else list(self._sweeper)
