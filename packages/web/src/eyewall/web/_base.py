"""HandlerBase: the response that a handler writes; what the parts of RequestHandler have in common."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Final, TypeAlias

from eyewall.httpserver import HTTPHeaders, forbids_body, format_timestamp, reason_of
from eyewall.ioloop import CompletedFuture

from ._defaults import HTML, JSON, JSON_TYPE
from ._json import as_dict, json_encode
from ._status import start_line_of
from ._transforms import transform_for
from .errors import SettingError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from eyewall.httpserver import HTTPConnection, HTTPServerRequest
    from eyewall.ioloop import Future
    from eyewall.iostream import Stream

    from ._application import Application
    from ._transforms import OutputTransform

HeaderValue: TypeAlias = "str | bytes | int | datetime"
"""What a header field can be set to."""

_CACHEABLE: Final = ("GET", "HEAD")
_PLAIN: Final = (HTML, JSON)
_is_reason = re.compile(r"[\t\x20-\x3b\x3d-\x7e\x80-\xff]*").fullmatch


class HandlerBase:
    """The request, and the response that is being written to it."""

    __slots__ = (
        "_connection",
        "_defaults",
        "_finished",
        "_headers_written",
        "_new_cookies",
        "_own_headers",
        "_reason",
        "_status_code",
        "_transform",
        "_write_buffer",
        "application",
        "path_args",
        "path_kwargs",
        "request",
    )

    def __init__(self, application: Application, request: HTTPServerRequest, **kwargs: Any) -> None:
        try:
            self._connection: HTTPConnection = request.connection
        except AttributeError:
            raise ValueError("a handler needs a request that has a connection, to write the response to it") from None
        self.application: Application = application
        """The application that the handler belongs to."""
        self.request: HTTPServerRequest = request
        self.path_args: Sequence[Any] = ()
        """The decoded values of the positional groups in the route's pattern; None for a group that matched nothing."""
        self.path_kwargs: Mapping[str, Any] = {}
        """The values of the named groups in the route's pattern, decoded, or of its template, converted."""
        # None as long as some defaults will do, which responses share.
        self._own_headers: HTTPHeaders | None
        self._new_cookies: dict[str, str] | None = None
        """The Set-Cookie fields of the response, by the cookies' names."""
        self._headers_written = False
        self._finished = False
        transforms = application.transforms
        self._transform: OutputTransform | None = transform_for(request, transforms) if transforms else None
        self.clear()
        if kwargs:
            self.initialize(**kwargs)
        else:
            self.initialize()

    def initialize(self, *args: Any, **kwargs: Any) -> None:
        """Receive the route's ``kwargs``; called first for every request."""

    streams_request_body: ClassVar[bool] = False
    """True for a class decorated with :func:`stream_request_body`, and for its subclasses."""

    _has_plain_etag = True
    """False if a subclass makes entity tags of its own, or none."""

    @property
    def settings(self) -> dict[str, Any]:
        """The application's settings."""
        return self.application.settings

    def require_setting(self, name: str, feature: str = "this feature") -> None:
        """Raise :class:`SettingError` if the application does not have this setting, or if it is empty."""
        if not self.settings.get(name):
            raise SettingError(f"{feature} needs the setting {name}: give it to the Application")

    def detach(self) -> Stream:
        """Take over the connection's stream. The request is then over for HTTP, and you have to close the stream.

        Anything the client should still receive has to be written to the stream directly. :meth:`on_finish` is not
        called.
        """
        stream = self._connection.detach()
        self._finished = True
        return stream

    def on_finish(self) -> None:
        """Override it to clean up or to count; called once, after the response has been handed over or abandoned."""

    def set_default_headers(self) -> None:
        """Override it to set header fields that error pages should have as well."""

    def clear(self) -> None:
        """Reset the status, the headers and the body, as far as they have not been sent."""
        self._own_headers = None
        self._defaults = HTML
        self._write_buffer: list[bytes] = []
        self._status_code = 200
        self._reason = "OK"
        self.set_default_headers()

    def set_status(self, status_code: int, reason: str | None = None) -> None:
        """Set the status, from 100 to 999, and its reason phrase.

        A reason that is not allowed in a status line, or that contains ``<``, is replaced by ``"Unknown"``. Raises
        ``ValueError`` for a status out of range.
        """
        try:
            known = 100 <= status_code <= 999
        except TypeError:
            raise TypeError(f"{status_code!r} is not a status: give a number, such as 404") from None
        if not known:
            raise ValueError(f"{status_code} is not a status: it must have three digits")
        if reason is None:
            reason = reason_of(status_code)
        elif not _is_reason(reason):
            reason = "Unknown"
        self._status_code = status_code
        self._reason = reason

    def get_status(self) -> int:
        """The status set so far."""
        return self._status_code

    def set_header(self, name: str, value: HeaderValue) -> None:
        """Set a header field, replacing any of that name. A datetime becomes an HTTP date.

        Raises ``ValueError`` for a value that could end the line.
        """
        text = value if isinstance(value, str) else _header_text(value)
        if self._own_headers is not None:
            self._own_headers[name] = text
        elif (known := self._defaults.with_field(name, text)) is not None:
            self._defaults = known
        else:
            self._headers[name] = text

    def add_header(self, name: str, value: HeaderValue) -> None:
        """Add a header field, after those of the same name."""
        self._headers.add(name, _header_text(value))

    def clear_header(self, name: str) -> None:
        """Remove all header fields of that name."""
        if name in self._headers:
            del self._headers[name]

    def write(self, chunk: str | bytes | Mapping[str, object]) -> None:
        """Append text (as UTF-8), bytes, or a dict (as JSON) to the body; :meth:`flush` or :meth:`finish` sends it.

        A dict also sets the content type to JSON. A list is refused: wrap it in a dict.
        """
        if self._finished:
            raise RuntimeError("write() after finish(): the response is complete")
        if isinstance(chunk, str):
            chunk = chunk.encode()
        elif not isinstance(chunk, bytes):
            chunk = self._json(chunk)
        self._write_buffer.append(chunk)

    def flush(self, include_footers: bool = False) -> Future[None]:
        """Send what has been written so far, preceded by the headers if they have not been sent.

        Await the result, so that a client that reads slowly slows you down as well. If the client has disconnected,
        awaiting it raises ``StreamClosedError``.
        """
        chunk = b"".join(self._write_buffer)
        if not self._headers_written:
            return self._begin(self._headers, chunk, False)
        self._write_buffer.clear()
        return self._send_more(chunk, finishing=False)

    def finish(self, chunk: str | bytes | Mapping[str, object] | None = None) -> Future[None]:
        """Complete the response, after writing ``chunk`` if one is given.

        Called automatically when the method of the handler returns. The result is done once the client keeps up.
        """
        if self._finished:
            raise RuntimeError("finish() called twice: the response is complete")
        if chunk is not None:
            self.write(chunk)
        sent = self._send_last() if self._headers_written else self._send_whole()
        self._connection.finish()
        self._finished = True
        self.application.log_request(self)  # type: ignore[arg-type] # pyright: ignore[reportArgumentType] - RequestHandler
        self.on_finish()
        return sent

    if not TYPE_CHECKING:  # not ours: a program that comes from Tornado may set it

        @property
        def _auto_finish(self) -> bool:
            return True

        @_auto_finish.setter
        def _auto_finish(self, value: object) -> None:
            if not value:
                raise AttributeError(
                    "_auto_finish cannot be set: a response is finished when its method is over, so make that an "
                    "`async def` that awaits what the response waits for, or self.wait_disconnected()"
                )

    def _finish_with(self, headers: HTTPHeaders, body: bytes) -> None:
        """Complete the response with header fields that others share: they are not changed."""
        if self._transform is not None:
            headers = headers.copy()
        self._begin(headers, body, True)
        self._connection.finish()
        self._finished = True
        self.application.log_request(self)  # type: ignore[arg-type] # pyright: ignore[reportArgumentType] - RequestHandler
        self.on_finish()

    def redirect(self, url: str, permanent: bool = False, status: int | None = None) -> None:
        """Complete the response by redirecting the client to ``url``: 302, or 301 if permanent, or ``status`` (3xx).

        Do not pass a URL that came from the client.
        """
        if self._headers_written:
            raise RuntimeError("redirect() after flush(): the headers have been sent")
        if status is None:
            status = 301 if permanent else 302
        elif not 300 <= status <= 399:
            raise ValueError(f"{status} does not redirect: use a status from 300 to 399")
        self.set_status(status)
        self.set_header("Location", url.encode())
        self.finish()

    def reverse_url(self, name: str, *args: object) -> str:
        """Return the path of the named route: see :meth:`Application.reverse_url`."""
        return self.application.reverse_url(name, *args)

    def static_url(self, path: str, include_host: bool | None = None, **kwargs: Any) -> str:
        """Return the URL of a static file, including its version, so that browsers may cache it for ever.

        ``path`` is relative to the folder of the setting ``static_path``. With ``include_host``, or if the handler's
        attribute of that name is true, the URL includes scheme and host. ``kwargs`` are passed to
        :meth:`StaticFileHandler.make_static_url`. Raises :class:`SettingError` if the setting is missing.
        """
        if include_host is None:
            include_host = getattr(self, "include_host", False)
        base = f"{self.request.protocol}://{self.request.host}" if include_host else ""
        return base + self.application.static_url(path, **kwargs)

    @property
    def _headers(self) -> HTTPHeaders:
        if self._own_headers is None:
            self._own_headers = self._defaults.copy()
        return self._own_headers

    def _send_whole(self) -> Future[None]:
        body = b"".join(self._write_buffer)
        status_code = self._status_code
        is_cacheable = status_code == 200 and self.request.method in _CACHEABLE
        if self._own_headers is None and self._transform is None:
            # Its fields are those of others, and known; but for cookies.
            known: HTTPHeaders | None = None
            if is_cacheable:
                if self._has_plain_etag and "If-None-Match" not in self.request.headers:
                    known = self._defaults.with_etag(body)
            elif not forbids_body(status_code):
                known = self._defaults.with_length(len(body))
            if known is not None:
                if self._new_cookies is not None:
                    return self._begin(known.copy(), body, True)
                return self._send_head(status_code, known, body)
        if is_cacheable:
            self._validate()
            body = b"".join(self._write_buffer)
        if forbids_body(self._status_code):
            if body:
                raise RuntimeError(f"a response of status {self._status_code} has no body, but something was written")
            for name in ("Content-Encoding", "Content-Language", "Content-Length", "Content-Type"):
                self.clear_header(name)
        elif "Content-Length" not in self._headers:
            self._headers["Content-Length"] = str(len(body))
        return self._begin(self._headers, body, True)

    def _validate(self) -> None:
        """Set an entity tag, and make a 304 of what the client has already."""

    def _begin(self, headers: HTTPHeaders, chunk: bytes, finishing: bool) -> Future[None]:
        status_code = self._status_code
        if self._new_cookies is not None:
            for field in self._new_cookies.values():
                headers.add("Set-Cookie", field)
        if self._transform is not None:
            status_code, headers, chunk = self._transform.transform_first_chunk(status_code, headers, chunk, finishing)
        return self._send_head(status_code, headers, chunk)

    def _send_head(self, status_code: int, headers: HTTPHeaders, chunk: bytes) -> Future[None]:
        self._headers_written = True
        self._write_buffer.clear()
        if self.request.method == "HEAD":
            chunk = b""
        return self._connection.write_headers(start_line_of(status_code, self._reason), headers, chunk)

    def _send_more(self, chunk: bytes, *, finishing: bool) -> Future[None]:
        if self._transform is not None:
            chunk = self._transform.transform_chunk(chunk, finishing)
        if not chunk or self.request.method == "HEAD":
            return CompletedFuture(self._connection.io_loop, None)
        return self._connection.write(chunk)

    def _send_last(self) -> Future[None]:
        chunk = b"".join(self._write_buffer)
        self._write_buffer.clear()
        return self._send_more(chunk, finishing=True)

    def _json(self, chunk: Mapping[str, object]) -> bytes:
        # To ask type() costs less than isinstance() does, and leaves pyright in doubt about the dict.
        text = json_encode(chunk if type(chunk) is dict else as_dict(chunk, "write() takes str, bytes or dict"))  # pyright: ignore[reportUnknownArgumentType]
        self._set_json()
        return text.encode()

    def _set_json(self) -> None:
        if self._own_headers is None and self._defaults in _PLAIN:
            self._defaults = JSON
        else:
            HandlerBase.set_header(self, "Content-Type", JSON_TYPE)


def _header_text(value: HeaderValue) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, bytes):
        return value.decode("latin-1")
    if isinstance(value, int):
        return str(value)
    from datetime import datetime

    # Not redundant for those who have no type checker.
    if isinstance(value, datetime):  # pyright: ignore[reportUnnecessaryIsInstance]
        return format_timestamp(value)
    raise TypeError(f"{value!r} cannot be a header's value: give a str, bytes, an int or a datetime")
