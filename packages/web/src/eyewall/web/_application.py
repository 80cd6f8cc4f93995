"""Application: what a server serves, and how a request of it is dispatched to a handler."""

from __future__ import annotations

import logging
import socket
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from eyewall.httpserver import HTTPServer, HTTPServerRequest, RequestStartLine

from ._handler import ErrorHandler, RequestHandler
from ._log import access_log, app_log, printable
from ._routing import Match, RouteTable, URLSpec, checked_table
from ._static import StaticFileHandler, static_routes
from ._transforms import OutputTransform, response_transforms
from .errors import SettingError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Coroutine, Iterable

    from eyewall.httpserver import HTTPConnection, HTTPHeaders, ResponseStartLine

    from ._routing import Route
    from ._templates import TemplateLoader


class Application:
    """A table of routes, and settings; a server is given one and serves it.

    ::

        app = Application([(r"/", Index), (r"/user/([0-9]+)", User, {"db": db}, "user")], static_path="static")
        HTTPServer(app).listen(8080)

    A route is a tuple ``(pattern, handler)``, with the handler's ``initialize`` arguments and a name
    behind them if you like, or a :class:`URLSpec`. The first whose pattern matches the path answers.

    Settings that are used here; others are yours, and handlers find all in ``self.settings``:

    - ``static_path``: a folder served below ``static_url_prefix`` (``/static/``), with its
      ``favicon.ico`` and ``robots.txt`` also served from the root; by ``static_handler_class`` with
      ``static_handler_args``;
    - ``default_handler_class``, ``default_handler_args``: who answers where no route matches
      (default: an error page of status 404);
    - ``cookie_secret``, ``key_version``: what signs cookies;
    - ``xsrf_cookies``, ``xsrf_cookie_name``, ``xsrf_cookie_version``, ``xsrf_cookie_kwargs``: tokens
      against forged requests; ``cross_origin_protection`` (default: True): the check that needs none;
    - ``login_url``: where :func:`authenticated` sends who is not signed in;
    - ``template_path``, ``template_loader``, ``compiled_template_cache``, ``ui_methods``: templates;
    - ``find_locale``: languages;
    - ``compress_response``: send text compressed (:class:`ContentEncoding`);
    - ``log_function``: called with the handler instead of :meth:`log_request`'s own line.

    Raises :class:`RouteError` or :class:`SettingError` where one of them is wrong.
    """

    def __init__(
        self,
        handlers: Iterable[URLSpec | Route] | None = None,
        default_host: str | None = None,
        transforms: Iterable[type[OutputTransform]] | None = None,
        **settings: Any,
    ) -> None:
        self.settings: Final[dict[str, Any]] = settings
        """The settings, as given."""
        self.default_host: Final = default_host
        """As given; nothing depends on it yet."""
        self.transforms: Final = response_transforms(settings, transforms)
        """What every response goes through on its way out."""
        self._template_loaders: dict[str | None, TemplateLoader] = {}
        self._routes = RouteTable([*static_routes(settings), *checked_table(handlers)])
        self._no_route = _no_route(settings)

    def add_transform(self, transform_class: type[OutputTransform]) -> None:
        """Let every response from now on go through a transform too, behind the others."""
        self.transforms.append(transform_class)

    def listen(
        self,
        port: int,
        address: str | None = None,
        *,
        family: socket.AddressFamily = socket.AF_UNSPEC,
        backlog: int = 128,
        flags: int | None = None,
        reuse_port: bool = False,
        **kwargs: Any,
    ) -> HTTPServer:
        """Serve this application on a port, and give the server, made from ``kwargs``.

        The arguments before them are those of :func:`~eyewall.tcpserver.bind_sockets`. The loop is
        still to be started. Raises :class:`~eyewall.tcpserver.BindError`.
        """
        server = HTTPServer(self, **kwargs)
        server.listen(port, address, family=family, backlog=backlog, flags=flags, reuse_port=reuse_port)
        return server

    def start_request(self, server_conn: object, request_conn: HTTPConnection, /) -> Dispatcher:
        """Give the delegate of a new request: what a server calls."""
        return Dispatcher(self, server_conn, request_conn)

    def on_close(self, server_conn: object, /) -> None:
        """A connection has closed: what a server calls."""

    def find_handler(self, path: str) -> Match:
        """Find who answers a path; not percent-decoded."""
        return self._routes.find(path) or self._no_route

    def reverse_url(self, name: str, *args: object) -> str:
        """Make the path of the route of that name, with ``args``, percent-encoded, for its pattern's groups.

        Raises ``KeyError`` for an unknown name, and ``ValueError`` where the arguments do not fit.
        """
        return self._routes.reverse(name, *args)

    def template_loader(self, path: str | None, make: Callable[[str | None], TemplateLoader]) -> TemplateLoader:
        """Give the loader of a folder, made once: what handlers call."""
        loader = self._template_loaders.get(path)
        if loader is None:
            loader = self._template_loaders[path] = make(path)
        return loader

    def static_url(self, path: str) -> str:
        """Make the URL of a file of the setting ``static_path``: see :meth:`RequestHandler.static_url`."""
        if not self.settings.get("static_path"):
            raise SettingError("static_url needs the setting static_path: the folder of the files")
        handler: type[StaticFileHandler] = self.settings.get("static_handler_class", StaticFileHandler)
        return handler.make_static_url(self.settings, path)

    def log_request(self, handler: RequestHandler) -> None:
        """Log a response on ``eyewall.access``: as info, from status 400 as a warning, from 500 as an error."""
        if (log_function := self.settings.get("log_function")) is not None:
            log_function(handler)
            return
        status = handler.get_status()
        level = logging.INFO if status < 400 else logging.WARNING if status < 500 else logging.ERROR
        if access_log.isEnabledFor(level):
            request = handler.request
            summary = printable(f"{request.method} {request.uri} ({request.remote_ip})")
            access_log.log(level, "%d %s %.2fms", status, summary, 1000 * request.request_time())


class Dispatcher:
    """Takes in one request for an application: an ``HTTPMessageDelegate``."""

    __slots__ = ("_application", "_body", "_connection", "_handler", "_match", "_request", "_server_conn", "_streaming")

    _request: HTTPServerRequest
    _match: Match

    def __init__(self, application: Application, server_conn: object, connection: HTTPConnection) -> None:
        self._application = application
        self._server_conn = server_conn
        self._connection = connection
        self._body: bytes | bytearray = b""
        self._handler: RequestHandler | None = None
        self._streaming: RequestHandler | None = None

    def headers_received(
        self, start_line: RequestStartLine | ResponseStartLine, headers: HTTPHeaders, /
    ) -> Awaitable[object] | None:
        """Find the route; where its handler streams, begin it."""
        if not isinstance(start_line, RequestStartLine):
            raise TypeError(f"an application answers requests, and {start_line!r} begins a response")
        self._request = HTTPServerRequest(
            headers=headers, connection=self._connection, start_line=start_line, server_connection=self._server_conn
        )
        self._match = match = self._application.find_handler(self._request.path)
        if not match.handler_class.streams_request_body:
            return None
        self._streaming = handler = self._make_handler()
        return handler._stream(handler._start, match.path_args, match.path_kwargs)  # pyright: ignore[reportPrivateUsage] - a door of it

    def data_received(self, chunk: bytes, /) -> Awaitable[object] | None:
        """Keep a piece of the body, or hand it on."""
        if (handler := self._streaming) is not None:
            return handler._stream(handler.data_received, chunk)  # pyright: ignore[reportPrivateUsage] - a door of it
        if not self._body:
            self._body = chunk
        elif isinstance(self._body, bytearray):
            self._body += chunk
        else:
            self._body = bytearray(self._body + chunk)
        return None

    def finish(self) -> Coroutine[Any, Any, None]:
        """Make the handler, and give the coroutine that runs it."""
        if (handler := self._streaming) is not None:
            return handler._stream(handler._answer_stream)  # pyright: ignore[reportPrivateUsage] - a door of it
        self._request.body = bytes(self._body)
        handler = self._make_handler()
        return handler._execute(self._match.path_args, self._match.path_kwargs)  # pyright: ignore[reportPrivateUsage] - a door of it

    def _make_handler(self) -> RequestHandler:
        request = self._request
        handler_class, handler_kwargs, _, _ = self._match
        try:
            handler = handler_class(self._application, request, **handler_kwargs)
        except Exception:  # noqa: BLE001 - whatever the program raises is answered 500
            summary = printable(f"{request.method} {request.uri} ({request.remote_ip})")
            app_log.exception("Uncaught exception in initialize() of %s: %s", handler_class.__name__, summary)
            handler = ErrorHandler(self._application, request, status_code=500)
        self._handler = handler
        return handler

    def on_connection_close(self) -> None:
        """Tell the handler that its client went away."""
        if self._handler is None:
            return
        try:
            self._handler.on_connection_close()
        except Exception:  # noqa: BLE001 - whatever the program raises is logged
            app_log.exception("Uncaught exception in on_connection_close() of %s", type(self._handler).__name__)


def _no_route(settings: Mapping[str, Any]) -> Match:
    handler = settings.get("default_handler_class")
    if handler is None:
        return Match(ErrorHandler, {"status_code": 404})
    spec = URLSpec(r".*", handler, settings.get("default_handler_args"))
    return Match(spec.handler_class, spec.kwargs)
