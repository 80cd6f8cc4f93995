"""AppClient: requests to an application, with no socket and no HTTP between."""

from __future__ import annotations

from json import dumps, loads
from typing import TYPE_CHECKING, Any, Final, TypedDict, Unpack
from urllib.parse import urlencode

from eyewall.httpserver import HTTPHeaders, HTTPServer, HTTPServerConnectionDelegate, RequestStartLine
from eyewall.httpserver.testing import RecordingConnection
from eyewall.ioloop import IOLoop
from eyewall.tcpserver.testing import connect

from .._websocket._client import WebSocketClientConnection, client_handshake
from ._cookies import cookie_field, keep_cookies

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from eyewall.ioloop import EventLoop
    from eyewall.iostream import Address


class AppResponse:
    """The response of an application."""

    __slots__ = ("body", "code", "headers", "reason")

    def __init__(self, code: int, reason: str, headers: HTTPHeaders, body: bytes) -> None:
        self.code: Final = code
        """The status."""
        self.reason: Final = reason
        """The reason phrase."""
        self.headers: Final = headers
        """The header fields."""
        self.body: Final = body
        """The body."""

    @property
    def status(self) -> int:
        """The status: another name for :attr:`code`."""
        return self.code

    @property
    def text(self) -> str:
        """The body as text, decoded with the charset of its content type, or else as UTF-8."""
        _, _, charset = self.headers.get("Content-Type", "").lower().partition("charset=")
        return self.body.decode(charset.partition(";")[0].strip(' "') or "utf-8")

    def json(self) -> Any:  # Any: whatever JSON can be
        """The body parsed as JSON. Raises ``ValueError`` if it is not JSON."""
        return loads(self.body)

    def __repr__(self) -> str:
        return f"<AppResponse {self.code} {self.reason}, {len(self.body)} bytes>"


class RequestOptions(TypedDict, total=False):
    """The options of a request of :class:`AppClient`, besides method and path."""

    headers: Mapping[str, str] | None
    """Header fields."""
    body: str | bytes | None
    """The body as it is."""
    data: Mapping[str, str | Sequence[str]] | None
    """The body as an urlencoded form."""
    json: object
    """The body as JSON."""


class AppClient:
    """Sends requests to an application in memory, and returns the responses.

    ::

        client = AppClient(make_app())
        response = await client.post("/messages", data={"text": "Hello"})
        assert response.code == 302

    It runs on any loop, including the simulated one. An exception in a handler appears as a client would see it: as a
    response with status 500. If the response breaks off after its headers, the request raises ``HTTPOutputError``.
    ``address`` is the client's address, as handlers see it. Cookies are kept from one request to the next, as a
    browser does for a single site; their paths and domains are ignored.
    """

    def __init__(
        self,
        app: HTTPServerConnectionDelegate,
        *,
        io_loop: EventLoop | None = None,
        host: str = "testserver",
        address: Address = ("127.0.0.1", 49152),
    ) -> None:
        # Not redundant for those who have no type checker.
        if isinstance(app, type) or not isinstance(app, HTTPServerConnectionDelegate):  # pyright: ignore[reportUnnecessaryIsInstance]
            raise TypeError(f"{app!r} cannot be asked: give an Application, such as Application([('/', YourHandler)])")
        self.app: Final = app
        """The application."""
        self.cookies: Final[dict[str, str]] = {}
        """The cookies that are sent, by name: those set by responses, and those that you put there."""
        self._io_loop = io_loop
        self._host = host
        self._address = address

    async def get(self, path: str, **options: Unpack[RequestOptions]) -> AppResponse:
        """Send a GET for a path, which may include a query: see :meth:`request`."""
        return await self.request("GET", path, **options)

    async def head(self, path: str, **options: Unpack[RequestOptions]) -> AppResponse:
        """Send a HEAD: see :meth:`request`."""
        return await self.request("HEAD", path, **options)

    async def options(self, path: str, **options: Unpack[RequestOptions]) -> AppResponse:
        """Send an OPTIONS: see :meth:`request`."""
        return await self.request("OPTIONS", path, **options)

    async def delete(self, path: str, **options: Unpack[RequestOptions]) -> AppResponse:
        """Send a DELETE: see :meth:`request`."""
        return await self.request("DELETE", path, **options)

    async def post(self, path: str, **options: Unpack[RequestOptions]) -> AppResponse:
        """Send a POST with a body: see :meth:`request`."""
        return await self.request("POST", path, **options)

    async def put(self, path: str, **options: Unpack[RequestOptions]) -> AppResponse:
        """Send a PUT with a body: see :meth:`request`."""
        return await self.request("PUT", path, **options)

    async def patch(self, path: str, **options: Unpack[RequestOptions]) -> AppResponse:
        """Send a PATCH with a body: see :meth:`request`."""
        return await self.request("PATCH", path, **options)

    async def request(self, method: str, path: str, **options: Unpack[RequestOptions]) -> AppResponse:
        """Send a request and wait for its response.

        The body is given as ``body`` (unchanged), ``data`` (an urlencoded form) or ``json``; at most one of them.
        ``Host``, ``Content-Type`` and ``Content-Length`` are set unless given. Characters in ``path`` that are not
        ASCII are sent as UTF-8.
        """
        content, content_type = _content(options)
        fields = HTTPHeaders({"Host": self._host})
        if content:
            fields["Content-Length"] = str(len(content))
        if content_type is not None:
            fields["Content-Type"] = content_type
        if self.cookies:
            fields["Cookie"] = cookie_field(self.cookies)
        fields.update(options.get("headers") or {})
        connection = RecordingConnection(self._io_loop or IOLoop.current(), method=method, address=self._address)
        # As it would come over a connection, which reads a head as Latin-1.
        target = path.encode().decode("latin-1")
        await self._exchange(connection, RequestStartLine(method, target, "HTTP/1.1"), fields, content)
        response = _response(connection)
        keep_cookies(self.cookies, response.headers.get_list("Set-Cookie"))
        return response

    async def websocket(
        self,
        path: str,
        *,
        headers: Mapping[str, str] | None = None,
        subprotocols: Sequence[str] = (),
        compression_options: Mapping[str, Any] | None = None,
    ) -> WebSocketClientConnection:
        """Open a WebSocket at a path, over a stream in memory.

        Raises :class:`~eyewall.web.HTTPClientError` if the application does not switch.
        """
        server = HTTPServer(self.app, io_loop=self._io_loop or IOLoop.current())
        fields = {"Cookie": cookie_field(self.cookies)} if self.cookies else {}
        return await client_handshake(
            connect(server, io_loop=self._io_loop or IOLoop.current()),
            self._host,
            path,
            headers={**fields, **(headers or {})},
            subprotocols=subprotocols,
            compression_options=compression_options,
        )

    async def _exchange(
        self, connection: RecordingConnection, start_line: RequestStartLine, headers: HTTPHeaders, content: bytes
    ) -> None:
        """Do what a server does with a request."""
        server_conn = object()
        delegate = self.app.start_request(server_conn, connection)
        try:
            if (waits := delegate.headers_received(start_line, headers)) is not None:
                await waits
            if content and (waits := delegate.data_received(content)) is not None:
                await waits
            if (waits := delegate.finish()) is not None:
                await waits
        finally:
            self.app.on_close(server_conn)


def _content(options: RequestOptions) -> tuple[bytes, str | None]:
    body, data, json = options.get("body"), options.get("data"), options.get("json")
    if sum(content is not None for content in (body, data, json)) > 1:
        raise ValueError("give one of body, data and json: a request has one body")
    if data is not None:
        return urlencode(data, doseq=True).encode(), "application/x-www-form-urlencoded"
    if json is not None:
        return dumps(json).encode(), "application/json"
    if isinstance(body, str):
        return body.encode(), None
    return body or b"", None


def _response(connection: RecordingConnection) -> AppResponse:
    if connection.start_line is None or connection.headers is None or not connection.finished:
        raise RuntimeError("the application returned before its answer was complete")
    _, code, reason = connection.start_line
    return AppResponse(code, reason, connection.headers, connection.body)
