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

    A function is called with each request once all of it has been read. It may be a coroutine function. The function,
    or something that it starts, has to finish the response.

    - ``limits`` and ``deadlines`` limit everything that a peer sends, and everything that takes time: see
      :class:`Limits` and :class:`Deadlines`. Tornado's names for some of them (``max_header_size``,
      ``max_body_size``, ``body_timeout``, ``idle_connection_timeout``), in bytes and seconds, take precedence; 0 and
      None stand for the default, except that a ``max_body_size`` of 0 allows no body.
    - ``half_closed`` says how to treat a client that shuts down its side after its request: as ``"gone"``, or as
      waiting for its response: ``"finish"``.
    - ``observer`` is told of every connection, and of every request when it has ended.
    - ``ssl_options`` makes the server speak TLS. If something in front speaks TLS for this server, ``protocol``
      (``"https"``) is what requests report.
    - ``connection_limits``, ``proxy_protocol`` and ``handshake_timeout`` are those of :class:`TCPServer`.
    - ``chunk_size`` is how many bytes are read at a time (or a few times as many), and the maximal size of
      the pieces of a body that a delegate receives.
    - ``xheaders``: take a request's ``remote_ip`` and ``protocol`` from the proxy's fields X-Real-Ip or
      X-Forwarded-For, and X-Scheme or X-Forwarded-Proto. List the addresses or networks of your proxies
      (``["10.0.0.0/8", "unix"]``): only these are believed. True believes every peer, which is safe only if
      nobody but the proxy can connect. ``trusted_downstream`` are further proxies, to be skipped in X-Forwarded-For.
    - ``decompress_request`` decodes the Content-Encoding of requests: gzip and deflate, and br and zstd with the
      extras ``brotli`` and ``zstd``.
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
        """The protocol that requests report; None: the one that the connection speaks."""
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
        """The parameters of each connection."""
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
        """Serve a connection; called for each accepted connection."""
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
        """Return the delegate for a request; override it to choose which one."""
        return self._delegate.start_request(server_conn, request_conn)

    def on_close(self, server_conn: object, /) -> None:
        """A connection has closed."""
        self._delegate.on_close(server_conn)

    async def close_all_connections(self) -> None:
        """Close every connection at once, and wait until everything that ran on them has ended.

        Handlers that are running are told (``on_connection_close``) and cancelled. Call :meth:`stop` first, or
        further connections may arrive.
        """
        connections = self._connections()
        for connection in connections:
            connection.abort()
        for connection in connections:
            await connection.close()

    def on_drain(self) -> None:
        """Let every connection finish its current request and tell its client to close; end idle connections."""
        for connection in self._connections():
            connection.end_after_request(self._idle_seconds)

    async def cut_connections(self, error: DrainedError) -> None:
        """Tell the delegates of unfinished requests that they are over, and cancel their handlers."""
        for connection in self._connections():
            connection.cut(error)
        await super().cut_connections(error)

    async def drain(self, grace: float | None = None) -> DrainReport:
        """:meth:`TCPServer.drain`, with ``deadlines.drain_timeout`` as the grace period if none is given.

        Requests in progress are answered with ``Connection: close``. Idle connections are closed after a tenth of a
        second, if the grace period is that long, because their clients may just have sent another request.
        Connections that were accepted only just now get time for their first request.
        """
        grace = self.conn_params.deadlines.drain_timeout if grace is None else grace
        self._idle_seconds = _IDLE_SECONDS if grace > _IDLE_SECONDS else 0.0
        return await super().drain(grace)

    def _connections(self) -> list[HTTP1ServerConnection]:
        return [] if self._sweeper is None else list(self._sweeper)
