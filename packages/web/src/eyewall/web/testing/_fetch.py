"""A request over real sockets, with its answer as a whole: what test cases ask a server by."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final
from urllib.parse import urljoin, urlsplit

from eyewall.httpserver import HTTP1Connection, HTTPHeaders, RequestStartLine, ResponseStartLine
from eyewall.iostream import StreamClosedError
from eyewall.tcpserver import TCPClient

from .._websocket._errors import HTTPClientError
from ._client import AppResponse

if TYPE_CHECKING:
    from collections.abc import Mapping

    from eyewall.iostream import SSLOptions

MAX_REDIRECTS: Final = 5
_SECRETS: Final = frozenset(("authorization", "cookie", "proxy-authorization"))


class FetchResponse(AppResponse):
    """The response of a server."""

    __slots__ = ("effective_url",)

    def __init__(self, code: int, reason: str, headers: HTTPHeaders, body: bytes, effective_url: str) -> None:
        super().__init__(code, reason, headers, body)
        self.effective_url: Final = effective_url
        """The URL that answered, after any redirects."""

    @property
    def error(self) -> HTTPClientError | None:
        """What :meth:`rethrow` raises; None for a status of 200 to 299, and 304."""
        if 200 <= self.code < 300 or self.code == 304:
            return None
        return HTTPClientError(self.code, self.reason, self.headers)

    def rethrow(self) -> None:
        """Raise :class:`~eyewall.web.HTTPClientError` for a status that is an error."""
        if (error := self.error) is not None:
            raise error


class _Answer:
    """Takes an answer in; an HTTPMessageDelegate."""

    def __init__(self) -> None:
        self.start_line = ResponseStartLine("", 0, "")
        self.headers = HTTPHeaders()
        self.body = bytearray()

    def headers_received(self, start_line: RequestStartLine | ResponseStartLine, headers: HTTPHeaders, /) -> None:
        if isinstance(start_line, ResponseStartLine):
            self.start_line, self.headers = start_line, headers

    def data_received(self, chunk: bytes, /) -> None:
        self.body += chunk

    def finish(self) -> None:
        """It is complete."""

    def on_connection_close(self) -> None:
        """What reads it raises."""


async def fetch(
    url: str,
    *,
    method: str = "GET",
    headers: Mapping[str, str] | None = None,
    body: str | bytes | None = None,
    follow_redirects: bool = True,
    max_redirects: int = MAX_REDIRECTS,
    ssl_options: SSLOptions | None = None,
) -> FetchResponse:
    """Send a request on a connection of its own, and return the response, after following redirects.

    Raises what :class:`~eyewall.tcpserver.TCPClient` raises, and ``StreamClosedError`` for a response that breaks
    off.
    """
    for left in range(max_redirects if follow_redirects else 0, -1, -1):
        response = await _ask(url, method, headers or {}, body, ssl_options)  # pyright: ignore[reportUnknownArgumentType]
        if not left or response.code not in {301, 302, 303, 307, 308}:
            return response
        before, url = url, urljoin(url, response.headers["Location"])
        if urlsplit(before)[:2] != urlsplit(url)[:2]:
            # What is for one server is not for another that it names.
            headers = {name: value for name, value in (headers or {}).items() if name.lower() not in _SECRETS}  # pyright: ignore[reportUnknownVariableType]
        if response.code == 303 or (response.code in {301, 302} and method == "POST"):
            method, body = "GET", None
    raise ValueError(f"max_redirects is {max_redirects}: make it 0 or more")


async def _ask(
    url: str, method: str, headers: Mapping[str, str], body: str | bytes | None, ssl_options: SSLOptions | None
) -> FetchResponse:
    parts = urlsplit(url)
    content = body.encode() if isinstance(body, str) else body
    fields = HTTPHeaders({"Host": parts.netloc, "Connection": "close"})
    if content is not None:
        fields["Content-Length"] = str(len(content))
        fields["Content-Type"] = "application/x-www-form-urlencoded"
    fields.update(headers)
    client, answer = TCPClient(), _Answer()
    secure = parts.scheme == "https"
    try:
        stream = await client.connect(
            parts.hostname or "",
            parts.port or (443 if secure else 80),
            ssl_options=(ssl_options or {}) if secure else None,
        )
    finally:
        client.close()
    try:
        connection = HTTP1Connection(stream, is_client=True)
        target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        connection.write_headers(RequestStartLine(method, target, "HTTP/1.1"), fields, content)
        connection.finish()
        await connection.read_response(answer)
    finally:
        stream.close()
    if not answer.start_line.code:
        raise StreamClosedError(None)
    return FetchResponse(answer.start_line.code, answer.start_line.reason, answer.headers, bytes(answer.body), url)
