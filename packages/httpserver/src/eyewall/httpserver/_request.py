"""HTTPServerRequest: one request as a handler sees it."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final, Literal, overload

from ._cached import cached_property
from ._cookies import is_plain_name, morsels, parse_cookie
from ._exchange import Exchange
from ._forms import parse_body_arguments, parse_query
from ._headers import HTTPHeaders
from ._limiter import Limiter
from ._parameters import Limits
from ._start_line import RequestStartLine

if TYPE_CHECKING:
    from collections.abc import Mapping
    from http.cookies import Morsel
    from typing import Self

    from ._multipart import HTTPFile
    from .protocols import HTTPConnection


_BY_DEFAULT: Final = Limiter(Limits())
# Looked up once: by way of the class it would be a tenth of what a request takes to be made.
_new: Final = object.__new__


class HTTPServerRequest:
    """One request.

    Values that take work to determine are computed when they are first used, and kept; a program may also set them. A
    malformed query or form is therefore noticed when it is looked at: :class:`HTTPInputError`.
    """

    __slots__ = (
        "__dict__",
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
        host: str | None = None,
        files: dict[str, list[HTTPFile]] | None = None,
        connection: HTTPConnection | None = None,
        start_line: RequestStartLine | None = None,
        server_connection: object | None = None,
    ) -> None:
        if start_line is not None:
            method, uri, version = start_line
        self.method: str = method or "GET"
        """The method, with its case unchanged."""
        self.uri: str = uri or "/"
        """The request target as it was received."""
        self.version: str = version
        """``"HTTP/1.1"`` or ``"HTTP/1.0"``."""
        self.headers: HTTPHeaders = HTTPHeaders() if headers is None else headers
        """The header fields."""
        if host is not None:
            self.headers["Host"] = host
        self.body: bytes = body or b""
        """The whole body; empty until it has arrived."""
        self.connection: HTTPConnection
        """Where the response is written. A request created without a connection does not have this attribute."""
        if connection is not None:
            self.connection = connection
        self.server_connection: object | None = server_connection
        """The same object for all requests of one connection."""
        if files is not None:
            self.files = files
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

    @classmethod
    def received(
        cls,
        start_line: RequestStartLine,
        headers: HTTPHeaders,
        connection: HTTPConnection,
        server_connection: object | None,
        /,
    ) -> Self:
        """Make the request that a server has read the head of; its body is still to come.

        It has none of the constructor's choices, and no arguments by name, which would cost as much as all the rest.
        """
        self = _new(cls)
        self.method, self.uri, self.version = start_line
        self.headers = headers
        self.body = b""
        self.connection = connection
        self.server_connection = server_connection
        uri = self.uri
        if uri[0] != "/":
            self.path, self.query = _split_absolute(uri)
        elif "?" in uri:
            self.path, _, self.query = uri.partition("?")
        else:
            self.path, self.query = uri, ""
        self.start_time = time.monotonic()
        return self

    @cached_property
    def host(self) -> str:
        """The host and port that the client requested (RFC 9112 section 3.2); ``"127.0.0.1"`` if it named none.

        This is what the client claims: compare it with the hosts you serve before you rely on it.
        """
        if "://" in self.uri and self.uri[0] != "/":
            return self.uri.split("://", 1)[1].split("/", 1)[0].split("?", 1)[0]
        return self.headers.get("Host") or "127.0.0.1"

    @cached_property
    def host_name(self) -> str:
        """:attr:`host` in lower case and without its port."""
        host = self.host.lower()
        if host.endswith("]") or ":" not in host:
            return host
        name, _, port = host.rpartition(":")
        return name if port.isdigit() or not port else host

    @cached_property
    def remote_ip(self) -> str:
        """The client's IP address, or the one given by a proxy (``xheaders``); ``"0.0.0.0"`` if there is none."""
        return self.connection.context.remote_ip if hasattr(self, "connection") else "0.0.0.0"  # noqa: S104

    @cached_property
    def protocol(self) -> str:
        """``"http"`` or ``"https"``; behind a proxy, what the client speaks according to it (``xheaders``)."""
        return self.connection.context.protocol if hasattr(self, "connection") else "http"

    @cached_property
    def query_arguments(self) -> dict[str, list[bytes]]:
        """The arguments of the query, by name; values are percent-decoded bytes.

        Raises :class:`HTTPInputError` if there are more than a thousand: see :class:`ParseBodyConfig`.
        """
        return parse_query(self.query, self._limiter.limits.forms)

    @cached_property
    def body_arguments(self) -> dict[str, list[bytes]]:
        """The arguments of a form, urlencoded or ``multipart/form-data``; empty for a body of any other type.

        Raises :class:`HTTPInputError` if the form is malformed, or exceeds the limits of :class:`ParseBodyConfig`.
        """
        return self._form[0] if self.body else {}

    @cached_property
    def files(self) -> dict[str, list[HTTPFile]]:
        """The files of a ``multipart/form-data`` form, by field name. Raises like :attr:`body_arguments`."""
        return self._form[1] if self.body else {}

    @cached_property
    def arguments(self) -> dict[str, list[bytes]]:
        """The arguments of the query and of the form together, in a separate dict. Raises like these."""
        arguments = {name: values.copy() for name, values in self.query_arguments.items()}
        for name, values in self.body_arguments.items():
            arguments.setdefault(name, []).extend(values)
        return arguments

    @cached_property
    def cookies(self) -> dict[str, Morsel[str]]:
        """The cookies, as ``http.cookies.Morsel``, except those whose names that module refuses.

        Raises :class:`HTTPInputError` if there are more than ``Limits.max_cookies``.
        """
        return morsels(self._cookie_values)

    def get_cookie(self, name: str) -> str | None:
        """The value of one of the :attr:`cookies`, or None if there is none; raises like them.

        Unless all of them have been used already, this creates no object for each, which would cost 5 times as much.
        """
        if "cookies" not in self.__dict__ and is_plain_name(name):
            return self._cookie_values.get(name)
        cookie = self.cookies.get(name)
        return None if cookie is None else cookie.value

    @cached_property
    def _cookie_values(self) -> dict[str, str]:
        field = ";".join(self.headers.get_list("Cookie"))
        self._limiter.check_cookies(field.count(";") + 1)
        return parse_cookie(field)

    @cached_property
    def _form(self) -> tuple[dict[str, list[bytes]], dict[str, list[HTTPFile]]]:
        arguments: dict[str, list[bytes]] = {}
        files: dict[str, list[HTTPFile]] = {}
        content_type = self.headers.get("Content-Type", "")
        parse_body_arguments(content_type, self.body, arguments, files, self.headers, config=self._limiter.limits.forms)
        return arguments, files

    @property
    def _limiter(self) -> Limiter:
        connection = getattr(self, "connection", None)
        return connection.params.limiter if isinstance(connection, Exchange) else _BY_DEFAULT

    def full_url(self) -> str:
        """The URL that the client requested, as far as it is known."""
        if self.uri[0] != "/" and self.uri != "*":
            return self.uri
        return f"{self.protocol}://{self.host}{self.uri if self.uri != '*' else ''}"

    def request_time(self) -> float:
        """Seconds since the request began."""
        return time.monotonic() - self.start_time

    @overload
    def get_ssl_certificate(self, binary_form: Literal[False] = False) -> Mapping[str, object] | None: ...
    @overload
    def get_ssl_certificate(self, binary_form: Literal[True]) -> bytes | None: ...
    def get_ssl_certificate(self, binary_form: bool = False) -> Mapping[str, object] | bytes | None:
        """The client's certificate as returned by ``ssl.SSLSocket.getpeercert``, or in DER; None if there is none.

        A client is asked for a certificate if ``ssl_options`` have the ``verify_mode`` ``ssl.CERT_OPTIONAL`` or
        ``ssl.CERT_REQUIRED``.
        """
        tls = self.connection.context.tls if hasattr(self, "connection") else None
        if tls is None:
            return None
        return tls.peer_certificate_der if binary_form else tls.peer_certificate

    def __repr__(self) -> str:
        return f"HTTPServerRequest({self.method} {self.uri!r}, {self.version}, from {self.remote_ip})"


def _split_absolute(uri: str) -> tuple[str, str]:
    """The path and query of a target that does not begin with a slash (RFC 9112 section 3.2)."""
    scheme, separator, rest = uri.partition("://")
    if not separator or not scheme.isalnum():
        return uri, ""
    before_query, _, query = rest.partition("?")
    return "/" + before_query.partition("/")[2], query
