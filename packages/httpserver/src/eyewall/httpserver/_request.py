"""HTTPServerRequest: one request as a handler sees it."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from ._arguments import parse_arguments
from ._headers import HTTPHeaders
from ._start_line import RequestStartLine
from .errors import HTTPInputError

if TYPE_CHECKING:
    from .protocols import HTTPConnection

FORM = "application/x-www-form-urlencoded"


class HTTPServerRequest:
    """One request. What costs something to find out is found out when it is first asked for."""

    __slots__ = (
        "__dict__",
        "_body_arguments",
        "_query_arguments",
        "body",
        "connection",
        "headers",
        "method",
        "path",
        "query",
        "server_connection",
        "start_time",
        "uri",
        "version",
    )

    def __init__(
        self,
        method: str | None = None,
        uri: str | None = None,
        version: str = "HTTP/1.0",
        headers: HTTPHeaders | None = None,
        body: bytes | None = None,
        connection: HTTPConnection | None = None,
        start_line: RequestStartLine | None = None,
        server_connection: object | None = None,
    ) -> None:
        if start_line is not None:
            method, uri, version = start_line
        self.method: str = method or "GET"
        """The method, in its own case."""
        self.uri: str = uri or "/"
        """The request target as it came."""
        self.version: str = version
        """``"HTTP/1.1"`` or ``"HTTP/1.0"``."""
        self.headers: HTTPHeaders = HTTPHeaders() if headers is None else headers
        """The header fields."""
        self.body: bytes = body or b""
        """The whole body; empty while it is still to come."""
        self.connection: HTTPConnection
        """Where the answer is written. A request made by hand, without one, does not have the attribute."""
        if connection is not None:
            self.connection = connection
        self.server_connection: object | None = server_connection
        """The same object for all requests of one connection."""
        self._query_arguments: dict[str, list[bytes]] | None = None
        self._body_arguments: dict[str, list[bytes]] | None = None
        self.path: str
        """The path of the target, not percent-decoded."""
        self.query: str
        """What follows ``?`` in the target, not decoded; empty if there is none."""
        if self.uri[0] == "/":
            self.path, _, self.query = self.uri.partition("?")
        else:
            self.path, self.query = _split_absolute(self.uri)
        self.start_time: float = time.monotonic()
        """When the request began, on the clock of ``time.monotonic``."""

    @property
    def host(self) -> str:
        """The host and port that the client asked for, by RFC 9112 section 3.2; ``"127.0.0.1"`` if it named none.

        It is the client's word: compare it with what you serve before you build on it.
        """
        if "://" in self.uri and self.uri[0] != "/":
            return self.uri.split("://", 1)[1].split("/", 1)[0].split("?", 1)[0]
        return self.headers.get("Host") or "127.0.0.1"

    @property
    def host_name(self) -> str:
        """:attr:`host` in lower case and without its port."""
        host = self.host.lower()
        if host.endswith("]") or ":" not in host:
            return host
        name, _, port = host.rpartition(":")
        return name if port.isdigit() or not port else host

    @property
    def remote_ip(self) -> str:
        """The peer's IP address; ``"0.0.0.0"`` where it has none."""
        return self.connection.context.remote_ip if hasattr(self, "connection") else "0.0.0.0"  # noqa: S104

    @property
    def protocol(self) -> str:
        """``"http"`` or ``"https"``."""
        return self.connection.context.protocol if hasattr(self, "connection") else "http"

    @property
    def query_arguments(self) -> dict[str, list[bytes]]:
        """The arguments of the query, by name; values are percent-decoded bytes.

        Raises :class:`HTTPInputError` where there are more than a thousand.
        """
        if self._query_arguments is None:
            self._query_arguments = parse_arguments(self.query)
        return self._query_arguments

    @property
    def body_arguments(self) -> dict[str, list[bytes]]:
        """The arguments of a body of type ``application/x-www-form-urlencoded``; of any other type, none.

        Raises :class:`HTTPInputError` where the body is no such form, or holds more than a thousand.
        """
        if self._body_arguments is None:
            self._body_arguments = self._parse_body()
        return self._body_arguments

    @property
    def arguments(self) -> dict[str, list[bytes]]:
        """The arguments of the query and of the body together."""
        arguments = {name: list(values) for name, values in self.query_arguments.items()}
        for name, values in self.body_arguments.items():
            arguments.setdefault(name, []).extend(values)
        return arguments

    def full_url(self) -> str:
        """The URL that the client asked for, as far as it told."""
        if self.uri[0] != "/" and self.uri != "*":
            return self.uri
        return f"{self.protocol}://{self.host}{self.uri if self.uri != '*' else ''}"

    def request_time(self) -> float:
        """Seconds since the request began."""
        return time.monotonic() - self.start_time

    def _parse_body(self) -> dict[str, list[bytes]]:
        content_type = self.headers.get("Content-Type", "").partition(";")[0].strip().lower()
        if content_type != FORM or not self.body:
            return {}
        if coding := self.headers.get("Content-Encoding"):
            raise HTTPInputError(f"a form with Content-Encoding {coding!r} is not read here", status=415)
        return parse_arguments(self.body.decode("latin-1"))

    def __repr__(self) -> str:
        return f"HTTPServerRequest({self.method} {self.uri!r}, {self.version}, from {self.remote_ip})"


def _split_absolute(uri: str) -> tuple[str, str]:
    """The path and query of a target that does not begin with a slash (RFC 9112 section 3.2)."""
    scheme, separator, rest = uri.partition("://")
    if not separator or not scheme.isalnum():
        return uri, ""
    before_query, _, query = rest.partition("?")
    return "/" + before_query.partition("/")[2], query
