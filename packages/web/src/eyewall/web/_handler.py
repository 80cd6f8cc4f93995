"""RequestHandler: one request and its response."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from html import escape
from typing import TYPE_CHECKING, Any, ClassVar

from eyewall.httpserver import HTTPHeaders, HTTPOutputError, format_timestamp
from eyewall.ioloop import CompletedFuture
from eyewall.iostream import StreamClosedError

from ._arguments import ArgumentsMixin
from ._defaults import default_headers, shared_headers
from ._json import json_encode
from ._log import app_log, general_log, printable
from ._recognise import as_http_error, is_finish
from ._status import forbids_body, reason_of, start_line_of
from .errors import HTTPError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence
    from types import TracebackType

    from eyewall.httpserver import HTTPConnection, HTTPServerRequest
    from eyewall.ioloop import Future

    from ._application import Application

HeaderValue = str | bytes | int | datetime
"""What a header field can be set to."""

_is_reason = re.compile(r"[\t\x20-\x3b\x3d-\x7e\x80-\xff]*").fullmatch


class RequestHandler(ArgumentsMixin):
    r"""Answers one request: subclass it, define the methods that the path answers, and give the class a route.

    ::

        class Hello(RequestHandler):
            def get(self, name: str) -> None:
                self.write(f"Hello, {name}!")

        Application([(r"/hello/(\w+)", Hello)])

    For each request an object is made and then, in the task of its connection: :meth:`initialize`,
    :meth:`prepare`, the method's own method, :meth:`finish` where that was not called, and
    :meth:`on_finish`. ``prepare`` and the methods may be coroutines.

    What is written is buffered until :meth:`flush` or :meth:`finish`: until then status, headers and
    body can be changed, and an exception replaces them with an error page. A handler is used in the
    loop's thread only.
    """

    SUPPORTED_METHODS: ClassVar[tuple[str, ...]] = ("GET", "HEAD", "POST", "DELETE", "PATCH", "PUT", "OPTIONS")
    """The methods of HTTP that may reach a method of the class: the one of that name, in lower case."""

    __slots__ = (
        "_connection",
        "_finished",
        "_headers_written",
        "_own_headers",
        "_reason",
        "_status_code",
        "_write_buffer",
        "application",
        "path_args",
        "path_kwargs",
        "request",
    )

    def __init__(self, application: Application, request: HTTPServerRequest, **kwargs: Any) -> None:
        if not hasattr(request, "connection"):
            raise ValueError("a handler needs a request that has a connection, to write the response to it")
        self.application: Application = application
        """The application that the handler belongs to."""
        self.request: HTTPServerRequest = request
        self.path_args: Sequence[str | None] = ()
        """What the positional groups of the route's pattern matched, decoded."""
        self.path_kwargs: Mapping[str, str | None] = {}
        """What the named groups of the route's pattern matched, decoded."""
        self._connection: HTTPConnection = request.connection
        self._own_headers: HTTPHeaders | None
        self._headers_written = False
        self._finished = False
        self.clear()
        self.initialize(**kwargs)

    def initialize(self, *args: Any, **kwargs: Any) -> None:
        """Take the route's ``kwargs``; called first, for every request."""

    def prepare(self) -> Awaitable[object] | None:
        """Do what goes before every method; to end the request here, :meth:`finish` it."""
        return None

    def get(self, *args: Any, **kwargs: Any) -> Awaitable[object] | None:
        """Answer GET. The arguments are what the route's pattern took from the path."""
        raise HTTPError(405)

    def head(self, *args: Any, **kwargs: Any) -> Awaitable[object] | None:
        """Answer HEAD: like GET, but what is written only counts for Content-Length."""
        raise HTTPError(405)

    def post(self, *args: Any, **kwargs: Any) -> Awaitable[object] | None:
        """Answer POST."""
        raise HTTPError(405)

    def delete(self, *args: Any, **kwargs: Any) -> Awaitable[object] | None:
        """Answer DELETE."""
        raise HTTPError(405)

    def patch(self, *args: Any, **kwargs: Any) -> Awaitable[object] | None:
        """Answer PATCH."""
        raise HTTPError(405)

    def put(self, *args: Any, **kwargs: Any) -> Awaitable[object] | None:
        """Answer PUT."""
        raise HTTPError(405)

    def options(self, *args: Any, **kwargs: Any) -> Awaitable[object] | None:
        """Answer OPTIONS."""
        raise HTTPError(405)

    def on_finish(self) -> None:
        """Clean up or count: called once, when the response was handed over or given up."""

    def on_connection_close(self) -> None:
        """The client went away while the request was being answered."""

    def set_default_headers(self) -> None:
        """Set header fields that error pages have as well."""

    def write_error(self, status_code: int, **kwargs: Any) -> None:
        """Write the error page: override it for your own.

        Status and headers are set already. Where an exception is the cause, ``kwargs["exc_info"]``
        is its triple, as ``sys.exc_info`` gives it.
        """
        if forbids_body(status_code):
            self.finish()
            return
        message = f"{status_code}: {escape(self._reason)}"
        self.finish(f"<html><title>{message}</title><body>{message}</body></html>")

    def log_exception(
        self, typ: type[BaseException] | None, value: BaseException | None, tb: TracebackType | None
    ) -> None:
        """Log what ended the request: an ``HTTPError`` with a message as a warning, any other with its trace."""
        http_error = None if value is None else as_http_error(value)
        if http_error is None:
            exc_info = None if typ is None or value is None else (typ, value, tb)
            app_log.error("Uncaught exception %s", self._request_summary(), exc_info=exc_info)
        elif message := http_error.get_message():
            general_log.warning("%d %s: %s", http_error.status_code, self._request_summary(), printable(message))

    @property
    def settings(self) -> dict[str, Any]:
        """The application's settings."""
        return self.application.settings

    def clear(self) -> None:
        """Forget status, headers and what was written, as far as it was not sent."""
        self._own_headers = None
        self._write_buffer: list[bytes] = []
        self._status_code = 200
        self._reason = "OK"
        self.set_default_headers()

    def set_status(self, status_code: int, reason: str | None = None) -> None:
        """Set the status, 100 to 999, and its reason phrase.

        A reason that could not stand in a status line, or that holds ``<``, is replaced by
        ``"Unknown"``. Raises ``ValueError`` for a status out of bounds.
        """
        if not 100 <= status_code <= 999:
            raise ValueError(f"{status_code} is no status: it has three digits")
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
        """Set a header field, in place of any of that name. A datetime becomes an HTTP date.

        Raises ``ValueError`` for a value that could end the line.
        """
        self._headers[name] = _header_text(value)

    def add_header(self, name: str, value: HeaderValue) -> None:
        """Add a header field behind those of that name."""
        self._headers.add(name, _header_text(value))

    def clear_header(self, name: str) -> None:
        """Take back all header fields of that name."""
        if name in self._headers:
            del self._headers[name]

    def write(self, chunk: str | bytes | Mapping[str, object]) -> None:
        """Put text (as UTF-8), bytes, or a dict as JSON into the body; sent by :meth:`flush` or :meth:`finish`.

        A dict also sets the content type to JSON. A list is refused: put it into a dict.
        """
        if self._finished:
            raise RuntimeError("write() after finish(): the response is complete")
        if isinstance(chunk, str):
            chunk = chunk.encode()
        elif not isinstance(chunk, bytes):
            chunk = self._json(chunk)
        self._write_buffer.append(chunk)

    def flush(self, include_footers: bool = False) -> Future[None]:
        """Send what was written so far, the headers first.

        Await the result, so that a client that reads slowly holds you back; where the client has
        gone that raises ``StreamClosedError``.
        """
        chunk = b"".join(self._write_buffer)
        if not self._headers_written:
            return self._begin(self._headers, chunk)
        self._write_buffer.clear()
        if self.request.method == "HEAD" or self._finished:
            return CompletedFuture(self._connection.io_loop, None)
        return self._connection.write(chunk)

    def finish(self, chunk: str | bytes | Mapping[str, object] | None = None) -> Future[None]:
        """Complete the response, after writing ``chunk`` if there is one.

        Called for you when the method's method is over. The result is done when the client keeps up.
        """
        if self._finished:
            raise RuntimeError("finish() called twice: the response is complete")
        if chunk is not None:
            self.write(chunk)
        sent = self.flush() if self._headers_written else self._send_whole()
        self._connection.finish()
        self._finished = True
        self.application.log_request(self)
        self.on_finish()
        return sent

    def redirect(self, url: str, permanent: bool = False, status: int | None = None) -> None:
        """Complete the response by sending the client to ``url``: 302, 301 if permanent, or ``status`` (3xx).

        Do not pass on a URL that the client gave.
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

    def send_error(self, status_code: int = 500, **kwargs: Any) -> None:
        """Complete the response with an error page, in place of what was written so far.

        ``kwargs`` go to :meth:`write_error`; ``reason`` among them is the reason phrase. Where
        headers have been sent already there is no way left to tell the client but to close the
        connection: ``HTTPOutputError``.
        """
        if self._finished:
            general_log.error("%s: send_error() after finish(): the response is complete", self._request_summary())
            return
        if self._headers_written:
            raise HTTPOutputError("send_error() after flush(): the headers have been sent with another status")
        self.clear()
        self.set_status(status_code, reason=_reason_in(kwargs))
        if status_code == 405:
            self.set_header("Allow", ", ".join(self._allowed_methods()))
        try:
            if status_code != 304:
                self.write_error(status_code, **kwargs)
        except Exception:  # noqa: BLE001 - whatever the program raises is logged and answered
            app_log.exception("Uncaught exception in write_error")
        if not self._finished:
            if forbids_body(status_code):
                self._write_buffer.clear()
            self.finish()

    def reverse_url(self, name: str, *args: object) -> str:
        """The path of the route of that name: see :meth:`Application.reverse_url`."""
        return self.application.reverse_url(name, *args)

    @property
    def _headers(self) -> HTTPHeaders:
        if self._own_headers is None:
            self._own_headers = default_headers()
        return self._own_headers

    def _send_whole(self) -> Future[None]:
        body = b"".join(self._write_buffer)
        if forbids_body(self._status_code):
            if body:
                raise RuntimeError(f"a response of status {self._status_code} has no body, but something was written")
            for name in ("Content-Encoding", "Content-Language", "Content-Length", "Content-Type"):
                self.clear_header(name)
        elif self._own_headers is None:
            return self._begin(shared_headers(len(body)), body)
        elif "Content-Length" not in self._own_headers:
            self._own_headers["Content-Length"] = str(len(body))
        return self._begin(self._headers, body)

    def _begin(self, headers: HTTPHeaders, chunk: bytes) -> Future[None]:
        self._headers_written = True
        self._write_buffer.clear()
        if self.request.method == "HEAD":
            chunk = b""
        return self._connection.write_headers(start_line_of(self._status_code, self._reason), headers, chunk)

    def _json(self, chunk: Mapping[str, object]) -> bytes:
        # Not redundant for those who have no type checker.
        if not isinstance(chunk, Mapping):  # pyright: ignore[reportUnnecessaryIsInstance]
            remedy = 'put it into a dict, write({"items": …})' if isinstance(chunk, list) else "convert it first"
            raise TypeError(f"write() takes str, bytes or dict, not {type(chunk).__name__}: {remedy}")
        text = json_encode(dict(chunk))
        self.set_header("Content-Type", "application/json; charset=UTF-8")
        return text.encode()

    @classmethod
    def _allowed_methods(cls) -> list[str]:
        return [
            method
            for method in cls.SUPPORTED_METHODS
            if getattr(cls, method.lower(), None) is not getattr(RequestHandler, method.lower(), None)
        ]

    def _request_summary(self) -> str:
        request = self.request
        return printable(f"{request.method} {request.uri} ({request.remote_ip})")

    async def _execute(self, args: Sequence[bytes | None], kwargs: Mapping[str, bytes | None]) -> None:
        try:
            method = self._method()
            if args:
                self.path_args = [self._decode(arg, None) for arg in args]
            if kwargs:
                self.path_kwargs = {name: self._decode(arg, name) for name, arg in kwargs.items()}
            result = self.prepare()
            if result is not None:
                await result
            if self._finished:
                return
            result = method(*self.path_args, **self.path_kwargs)
            if result is not None:
                await result
            if not self._finished:
                self.finish()
        except Exception as error:  # noqa: BLE001 - whatever the program raises is logged and answered
            self._handle_request_exception(error)
        except BaseException:
            self._give_up()
            raise

    def _method(self) -> Callable[..., Awaitable[object] | None]:
        """Find what answers: a method's name comes from the class, never from the client."""
        name = self.request.method
        if name not in self.SUPPORTED_METHODS:
            raise HTTPError(405)
        method: Callable[..., Awaitable[object] | None] | None = getattr(self, name.lower(), None)
        if method is None:
            raise HTTPError(405)
        return method

    def _decode(self, arg: bytes | None, name: str | None) -> str | None:
        return None if arg is None else self.decode_argument(arg, name=name)

    def _handle_request_exception(self, error: Exception) -> None:
        gone = isinstance(error, StreamClosedError) and self._is_client_gone()
        try:
            if is_finish(error):
                if not self._finished:
                    self.finish(*error.args)
                return
            if gone:
                general_log.info("%s: the client went away: %s", self._request_summary(), error)
            else:
                self._log_safely(error)
            if not (self._finished or self._headers_written):
                http_error = as_http_error(error)
                status = 500 if http_error is None else http_error.status_code
                self.send_error(status, exc_info=(type(error), error, error.__traceback__))
        except Exception:  # noqa: BLE001 - whatever the program raises is logged and answered
            app_log.exception("Exception in exception handler: %s", self._request_summary())
        if not self._finished:
            self._answer_anyhow(error if gone else None)

    def _log_safely(self, error: Exception) -> None:
        try:
            self.log_exception(type(error), error, error.__traceback__)
        except Exception:  # noqa: BLE001 - whatever the program raises is logged and answered
            app_log.exception("Error in exception logger")

    def _is_client_gone(self) -> bool:
        """Tell the stream of the client from one of the program's own, once something was sent to it."""
        if not self._headers_written or self._finished:
            return self._finished
        sent = self._connection.write(b"")
        return sent.done() and isinstance(sent.exception(), StreamClosedError)

    def _answer_anyhow(self, gone: Exception | None) -> None:
        """End a request whose error page failed too; or, where headers have gone out, its connection."""
        begun = self._headers_written
        if not begun:
            self._headers_written = True
            self._status_code, self._reason = 500, reason_of(500)
            self._connection.write_headers(start_line_of(500, self._reason), HTTPHeaders({"Content-Length": "0"}))
            self._connection.finish()
        self._give_up()
        if begun:
            # From None: what has broken it off is in the log already.
            raise (gone or HTTPOutputError(f"the response to {self._request_summary()} broke off")) from None

    def _give_up(self) -> None:
        if self._finished:
            return
        self._finished = True
        try:
            self.application.log_request(self)
            self.on_finish()
        except Exception:  # noqa: BLE001 - whatever the program raises is logged and answered
            app_log.exception("Exception in on_finish: %s", self._request_summary())


def _header_text(value: HeaderValue) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, bytes):
        return value.decode("latin-1")
    if isinstance(value, int):
        return str(value)
    # Not redundant for those who have no type checker.
    if isinstance(value, datetime):  # pyright: ignore[reportUnnecessaryIsInstance]
        return format_timestamp(value)
    raise TypeError(f"{value!r} cannot be a header's value: give a str, bytes, an int or a datetime")


def _reason_in(kwargs: Mapping[str, Any]) -> str | None:
    if "exc_info" in kwargs:
        http_error = as_http_error(kwargs["exc_info"][1])
        if http_error is not None and http_error.reason:
            return http_error.reason
    return kwargs.get("reason")


class ErrorHandler(RequestHandler):
    """Answers every request with the error page of ``status_code``, given in the route's ``kwargs``."""

    __slots__ = ()

    def initialize(self, status_code: int) -> None:
        """Take the status."""
        self.set_status(status_code)

    def prepare(self) -> None:
        """End the request."""
        raise HTTPError(self.get_status())
