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
    """Takes in one message. Everything is called in the task of the connection, in this order.

    An awaitable that is returned is awaited there before anything further is read: that is how a
    delegate holds back a peer that sends faster than it takes, and how a request's handler runs
    without a task of its own.
    """

    def headers_received(
        self, start_line: RequestStartLine | ResponseStartLine, headers: HTTPHeaders, /
    ) -> Awaitable[object] | None:
        """Take the start line and the header fields; the body, if any, is still to come."""
        ...

    def data_received(self, chunk: bytes, /) -> Awaitable[object] | None:
        """Take a piece of the body, of any length but zero."""
        ...

    def finish(self) -> Awaitable[object] | None:
        """The message is complete. After this nothing more is called but :meth:`on_connection_close`."""
        ...

    def on_connection_close(self) -> None:
        """The peer has gone before the exchange was over. No other method is called after it."""
        ...


@runtime_checkable
class HTTPServerConnectionDelegate(Protocol):
    """What a server serves: an ``Application``, or anything of this shape."""

    def start_request(self, server_conn: object, request_conn: HTTPConnection, /) -> HTTPMessageDelegate:
        """A request begins. Give the delegate that takes it in and answers on ``request_conn``.

        ``server_conn`` stands for the connection: the same object for all requests that share it.
        """
        ...

    def on_close(self, server_conn: object, /) -> None:
        """The connection has closed; no request of it follows."""
        ...


class HTTPConnection(Protocol):
    """Where the answer to one request is written."""

    @property
    def context(self) -> HTTPConnectionContext:
        """Who asks, and by which protocol."""
        ...

    @property
    def io_loop(self) -> EventLoop:
        """The loop that the connection runs on."""
        ...

    def write_headers(
        self, start_line: ResponseStartLine, headers: HTTPHeaders, /, chunk: Buffer | None = None
    ) -> Future[None]:
        """Begin the answer, and send ``chunk`` with it, in one piece where it is small.

        Without ``Content-Length`` in ``headers`` the body is sent in chunks, or to HTTP/1.0 until
        the connection closes. Done when the peer keeps up. Raises ``HTTPOutputError`` if the
        answer has begun already, and ``StreamClosedError`` through the future where the peer has gone.
        """
        ...

    def write(self, chunk: Buffer, /) -> Future[None]:
        """Send a piece of the body; await the result, so that a slow peer holds you back."""
        ...

    def write_file(self, file: int | HasFileno, /, offset: int = 0, count: int | None = None) -> Awaitable[None]:
        """Send ``count`` bytes of a file from ``offset`` on (None: up to its end) as a piece of the body.

        To be awaited, before anything else is written. Raises ``HTTPOutputError`` if the file is shorter.
        """
        ...

    def finish(self, trailers: HTTPHeaders | None = None) -> None:
        """The answer is complete; ``trailers`` follow a body that was sent in chunks.

        Raises ``HTTPOutputError`` if it is shorter than it promised, and for trailers that cannot be.
        """
        ...

    def send_informational(self, status: int, headers: HTTPHeaders | None = None, /) -> Future[None]:
        """Tell the client something before the answer, such as 103 (Early Hints); HTTP/1.0 is told nothing."""
        ...

    @property
    def trailers(self) -> HTTPHeaders:
        """The fields behind the request's body, from the delegate's ``finish`` on; mostly none."""
        ...

    def set_close_callback(self, callback: Callable[[], object] | None, /) -> None:
        """Call when the peer goes away before the answer is complete.

        That is also while an awaitable of the delegate's ``headers_received`` is awaited, for a request without
        a body: whose delegate has its ``finish`` to come, and hears ``on_connection_close`` behind it.
        """
        ...

    def set_max_body_size(self, max_body_size: int, /) -> None:
        """Set the limit for this request's body, in bytes; to be called from ``headers_received``."""
        ...

    def set_body_timeout(self, timeout: float, /) -> None:
        """Set how long this request's body may take, in seconds; to be called from ``headers_received``."""
        ...

    def detach(self) -> Stream:
        """Take the stream over from HTTP, with what has been read beyond this request left unread."""
        ...


class HTTPServerObserver(Protocol):
    """Whoever wants to know what becomes of connections and requests, for logs and metrics.

    Called in the connection's task, or where its end is noticed; what it raises is logged. Without
    one, nothing is counted.
    """

    def connection_opened(self, context: HTTPConnectionContext, /) -> None:
        """A connection begins to be served; its TLS handshake may be to come."""
        ...

    def connection_closed(self, context: HTTPConnectionContext, /) -> None:
        """A connection is over, for HTTP at least."""
        ...

    def request_ended(self, record: RequestRecord, /) -> None:
        """A request has ended, however that came about: there is one record for each."""
        ...
