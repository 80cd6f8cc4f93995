"""What an HTTP connection and an application ask of each other.

A server calls a :class:`HTTPServerConnectionDelegate` for every request; what that returns, a
:class:`HTTPMessageDelegate`, is told of the request's parts as they arrive and answers through the
:class:`HTTPConnection`. A message delegate may wrap another.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, runtime_checkable

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from eyewall.ioloop import EventLoop, Future, HasFileno
    from eyewall.iostream import Buffer, Stream

    from ._context import HTTPConnectionContext
    from ._headers import HTTPHeaders
    from ._record import RequestRecord
    from ._start_line import RequestStartLine, ResponseStartLine


class HTTPMessageDelegate(Protocol):
    """Receives one message. All methods are called in the task of the connection, in this order.

    If a method returns an awaitable, it is awaited there before anything further is read. In this way a delegate
    holds back a peer that sends faster than the delegate reads, and the handler of a request runs without a task of
    its own.
    """

    def headers_received(
        self, start_line: RequestStartLine | ResponseStartLine, headers: HTTPHeaders, /
    ) -> Awaitable[object] | None:
        """Receive the start line and the header fields; the body, if any, has not arrived yet."""
        ...

    def data_received(self, chunk: bytes, /) -> Awaitable[object] | None:
        """Receive a piece of the body, which is never empty."""
        ...

    def finish(self) -> Awaitable[object] | None:
        """The message is complete. After this, only :meth:`on_connection_close` may still be called."""
        ...

    def on_connection_close(self) -> None:
        """The peer has gone before the exchange was over. No other method is called after this."""
        ...


@runtime_checkable
class HTTPServerConnectionDelegate(Protocol):
    """What a server serves: an ``Application``, or anything else of this shape."""

    def start_request(self, server_conn: object, request_conn: HTTPConnection, /) -> HTTPMessageDelegate:
        """A request begins. Return the delegate that receives it and answers on ``request_conn``.

        ``server_conn`` identifies the connection: it is the same object for all requests that share one.
        """
        ...

    def on_close(self, server_conn: object, /) -> None:
        """The connection has closed; no further request of it follows."""
        ...


class HTTPConnection(Protocol):
    """Where the response to one request is written."""

    @property
    def context(self) -> HTTPConnectionContext:
        """The client, and the protocol it uses."""
        ...

    @property
    def io_loop(self) -> EventLoop:
        """The loop on which the connection runs."""
        ...

    def write_headers(
        self, start_line: ResponseStartLine, headers: HTTPHeaders, /, chunk: Buffer | None = None
    ) -> Future[None]:
        """Begin the response, and send ``chunk`` with it, in one piece if it is small.

        Without ``Content-Length`` in ``headers``, the body is sent in chunks, or to HTTP/1.0 until the connection
        closes. The result is done when the peer keeps up. Raises ``HTTPOutputError`` if the response has already
        begun; ``StreamClosedError``, through the future, if the peer has gone.
        """
        ...

    def write(self, chunk: Buffer, /) -> Future[None]:
        """Send a piece of the body; await the result, so that a slow peer slows you down as well."""
        ...

    def write_file(self, file: int | HasFileno, /, offset: int = 0, count: int | None = None) -> Awaitable[None]:
        """Send ``count`` bytes of a file from ``offset`` on (None: to its end) as a piece of the body.

        Await it before you write anything else. Raises ``HTTPOutputError`` if the file is shorter.
        """
        ...

    def finish(self, trailers: HTTPHeaders | None = None) -> None:
        """Complete the response; ``trailers`` follow a body that was sent in chunks.

        Raises ``HTTPOutputError`` if the response is shorter than promised, and for trailers that are not allowed.
        """
        ...

    def send_informational(self, status: int, headers: HTTPHeaders | None = None, /) -> Future[None]:
        """Send something ahead of the response, such as 103 (Early Hints); nothing is sent to HTTP/1.0."""
        ...

    @property
    def trailers(self) -> HTTPHeaders:
        """The trailer fields of the request, available from the delegate's ``finish`` on; usually empty."""
        ...

    def set_close_callback(self, callback: Callable[[], object] | None, /) -> None:
        """Call a function when the peer disconnects before the response is complete.

        If the request has no body, this may happen while an awaitable of the delegate's ``headers_received`` is being
        awaited: its ``finish`` is then still called, followed by ``on_connection_close``.
        """
        ...

    def set_max_body_size(self, max_body_size: int, /) -> None:
        """Set the limit for this request's body, in bytes; call it from ``headers_received``."""
        ...

    def set_body_timeout(self, timeout: float, /) -> None:
        """Set how long this request's body may take, in seconds; call it from ``headers_received``."""
        ...

    def detach(self) -> Stream:
        """Take over the stream from HTTP; what has been read beyond this request is still there to be read."""
        ...


class HTTPServerObserver(Protocol):
    """Is told what happens to connections and requests, for logs and metrics.

    Its methods are called in the connection's task, or wherever its end is noticed; their exceptions are logged.
    Without an observer, nothing is counted.
    """

    def connection_opened(self, context: HTTPConnectionContext, /) -> None:
        """A connection begins to be served; its TLS handshake may not have taken place yet."""
        ...

    def connection_closed(self, context: HTTPConnectionContext, /) -> None:
        """A connection has ended, at least for HTTP."""
        ...

    def request_ended(self, record: RequestRecord, /) -> None:
        """A request has ended, for whatever reason: there is exactly one record for each."""
        ...
