"""Application: what a server serves, and how a request of it is dispatched to a handler."""

# It goes through doors of the handler that are the application's alone.
# pyright: reportPrivateUsage=false

from __future__ import annotations

import logging
import socket
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final, Generic, NoReturn, cast, overload

from eyewall.httpserver import HTTPConnection, HTTPMessageDelegate, HTTPServer, HTTPServerRequest, RequestStartLine

from ._cors import read_cors
from ._disconnect import CLIENT_GONE
from ._handler import ErrorHandler, RequestHandler
from ._log import access_log, app_log, fields_of, summary_of
from ._matchers import compiled_host
from ._router import ReversibleRouter
from ._routing import Match, RouteTable, URLSpec, checked_table
from ._settings import check_settings
from ._static._routes import static_cache, static_routes
from ._transforms import OutputTransform, response_transforms
from ._ui import read_methods, read_modules
from .errors import SettingError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable
    from re import Pattern

    from eyewall.httpserver import HTTPHeaders, ResponseStartLine

    from ._listing import ListedRoute
    from ._routing import Found, RouteLine
    from ._templates import TemplateLoader
    from ._typed import Handler, TypedRoute


if TYPE_CHECKING:
    from typing_extensions import TypeVar

    # Nobody who has no state need say so.
    S = TypeVar("S", default=Any)
else:
    from typing import TypeVar

    S = TypeVar("S")


class _TornadosRouter:
    """In place of an attribute that Tornado's applications have: says what to use instead.

    A ``__getattr__`` would make each use of any attribute of an application five times as expensive: 5 % of a request.
    """

    def __set_name__(self, owner: type[Application[Any]], name: str) -> None:
        self._name = name

    def __get__(self, application: object, owner: type[Application[Any]]) -> NoReturn:
        raise AttributeError(
            f"{owner.__name__!r} object has no attribute {self._name!r}: "
            "give add_handlers('.*', routes) those that come later",
            name=self._name,
            obj=application,
        )


class Application(ReversibleRouter, Generic[S]):
    """A table of routes together with settings; this is what a server serves.

    ::

        app = Application([(r"/", Index), (r"/user/([0-9]+)", User, {"db": db}, "user")], static_path="static")
        HTTPServer(app).listen(8080)

    A route is a tuple ``(pattern, handler)``, optionally followed by the arguments for the handler's ``initialize``
    and by a name; or it is a :class:`URLSpec`. The first route whose pattern matches the path is used.

    These settings have a meaning here. Others are your own; handlers find all of them in ``self.settings``:

    - ``static_path``: a folder that is served below ``static_url_prefix`` (``/static/``); its ``favicon.ico``
      and ``robots.txt`` are also served from the root. The handler is ``static_handler_class``, with the
      arguments ``static_handler_args``. ``static_cache_size`` limits the bytes of small files that are kept
      in memory (default: 16 MiB; 0 keeps none);
    - ``default_handler_class``, ``default_handler_args``: the handler for paths that no route matches
      (default: an error page with status 404);
    - ``cookie_secret``, ``key_version``: the key that signs cookies;
    - ``xsrf_cookies``, ``xsrf_cookie_name``, ``xsrf_cookie_version``, ``xsrf_cookie_kwargs``: tokens
      against forged requests. ``cross_origin_protection`` (default: True) and ``trusted_origins``: the
      check that needs no tokens;
    - ``cors``: a :class:`CORS`, which says what pages of other origins may read;
    - ``automatic_head``, ``automatic_options``: answer HEAD with ``get``, and OPTIONS with ``Allow``, in handlers
      that do not define these methods (default: False);
    - ``login_url``: where :func:`authenticated` sends users who are not signed in;
    - ``template_path``, ``template_loader``, ``compiled_template_cache``, ``ui_methods``, ``ui_modules``: templates;
    - ``find_locale``: languages;
    - ``compress_response``: send text compressed (:class:`ContentEncoding`);
    - ``autoreload``: restart the process when a source file or a template has changed, for development; needs the
      extra ``eyewall-web[reload]``, and a program that serves from a single process;
    - ``debug``: enable ``autoreload``, unless that is set to False; show a page with the traceback and the request
      for every exception; and read templates and static files anew each time. For development only.
      ``serve_traceback`` alone sends the traceback as text;
    - ``log_function``: called with the handler, instead of writing the line of :meth:`log_request`.

    An unknown setting that looks like a misspelling of one of these is logged as a warning. Raises
    :class:`RouteError` or :class:`SettingError` if a route or a setting is wrong.
    """

    @overload
    def __init__(
        self: Application[None],
        handlers: Iterable[RouteLine | TypedRoute[None]] | None = None,
        default_host: str | None = None,
        transforms: Iterable[type[OutputTransform]] | None = None,
        *,
        state: None = None,
        **settings: Any,
    ) -> None: ...
    @overload
    def __init__(
        self,
        handlers: Iterable[RouteLine | TypedRoute[S]] | None = None,
        default_host: str | None = None,
        transforms: Iterable[type[OutputTransform]] | None = None,
        *,
        state: S,
        **settings: Any,
    ) -> None: ...
    def __init__(
        self,
        handlers: Iterable[RouteLine | TypedRoute[Any]] | None = None,
        default_host: str | None = None,
        transforms: Iterable[type[OutputTransform]] | None = None,
        *,
        state: Any = None,
        **settings: Any,
    ) -> None:
        check_settings(settings)
        if settings.get("debug"):
            settings = {"serve_traceback": True, "compiled_template_cache": False, "static_cache_size": 0, **settings}
        self.settings: Final[dict[str, Any]] = settings
        """The settings as they were given, together with those that ``debug`` implies."""
        self.state: Final[S] = state
        """The object that handlers find in ``self.state``, with its own type: see :class:`Handler`."""
        self.default_host: Final = default_host
        """The host whose routes (see :meth:`add_handlers`) are used for requests to an unknown host."""
        self.transforms: Final = [*response_transforms(settings, transforms), *read_cors(settings)]
        """The transforms that every response passes through."""
        self.ui_modules: Final = read_modules(settings.get("ui_modules", {}))
        """The classes that templates find in ``modules``, by name."""
        self.ui_methods: Final = read_methods(settings.get("ui_methods", {}))
        """The functions that templates find, by name."""
        self.static_cache: Final = static_cache(settings)
        """The static files that are in memory."""
        self._template_loaders: dict[str | None, TemplateLoader] = {}
        self._routes = RouteTable([*static_routes(settings), *checked_table(handlers)])
        for handler in self._routes.handlers():
            if handler.needs_state:
                typed = cast("type[Handler[Any]]", handler)  # as it says, and nobody else does
                typed.check_state(state)
        self._hosts: list[tuple[Pattern[str], RouteTable]] = []
        self._no_route = _no_route(settings)
        if settings.get("autoreload", settings.get("debug")):
            from ._reload._arming import arm

            arm(self)

    if not TYPE_CHECKING:  # to which they are not there
        default_router = _TornadosRouter()
        wildcard_router = _TornadosRouter()

    def add_transform(self, transform_class: type[OutputTransform]) -> None:
        """Add a transform behind the others; every response passes through it from now on."""
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
        """Serve this application on a port, and return the server, which is made with ``kwargs``.

        The other arguments are those of :func:`~eyewall.tcpserver.bind_sockets`. The loop still has to be started.
        Raises :class:`~eyewall.tcpserver.BindError`.
        """
        server = HTTPServer(self, **kwargs)
        server.listen(port, address, family=family, backlog=backlog, flags=flags, reuse_port=reuse_port)
        return server

    def start_request(self, server_conn: object, request_conn: HTTPConnection, /) -> Dispatcher:
        """Return the delegate of a new request: what a server calls."""
        # Without a constructor: to call one that is written in Python costs as much as all of this.
        dispatcher = Dispatcher()
        dispatcher._application = self
        dispatcher._server_conn = server_conn
        dispatcher._connection = request_conn
        dispatcher._match = None
        dispatcher._body = b""
        dispatcher._handler = None
        dispatcher._delegate = None
        return dispatcher

    def on_close(self, server_conn: object, /) -> None:
        """A connection has closed: what a server calls."""

    def match(self, request: HTTPServerRequest) -> Found:
        """Find the handler or delegate for a request."""
        for pattern, table in self._hosts:
            if pattern.match(request.host_name) and (found := table.find(request)) is not None:
                return found
        return self._routes.find(request) or self._find_by_default(request) or self._no_route

    def _find_by_default(self, request: HTTPServerRequest) -> Found | None:
        """Look among the routes of ``default_host``, where a request names a host that nobody knows."""
        if self.default_host is None or "X-Real-Ip" in request.headers:
            return None
        tables = (table for pattern, table in self._hosts if pattern.match(self.default_host))
        return next((found for table in tables if (found := table.find(request)) is not None), None)

    def add_handlers(self, host_pattern: str | Pattern[str], host_handlers: Iterable[RouteLine]) -> None:
        """Add routes for the hosts whose names match; they come before those that the application was made with.

        Raises :class:`RouteError`.
        """
        self._hosts.append((compiled_host(host_pattern), RouteTable(checked_table(host_handlers))))

    def find_handler(self, request: HTTPServerRequest, **kwargs: Any) -> HTTPMessageDelegate:
        """Return the delegate that takes a request in: what a router calls."""
        return self._delegate(request, self.match(request))

    def get_handler_delegate(
        self,
        request: HTTPServerRequest,
        target_class: type[RequestHandler],
        target_kwargs: Mapping[str, Any] | None = None,
        path_args: Iterable[bytes] | None = None,
        path_kwargs: Mapping[str, bytes] | None = None,
    ) -> HTTPMessageDelegate:
        """Return the delegate that passes a request to a handler class: for a router of your own."""
        target_class.settle()
        match = Match(target_class, target_kwargs or {}, tuple(path_args or ()), path_kwargs or {})
        return self._delegate(request, match)

    def _delegate(self, request: HTTPServerRequest, found: Found) -> HTTPMessageDelegate:
        if not isinstance(found, Match):
            return found
        # Not that of a subclass, which may return a delegate of another kind.
        dispatcher = Application.start_request(self, request.server_connection, request.connection)
        dispatcher._match = found
        return dispatcher

    def reverse_url(self, name: str, *args: object) -> str:
        """Return the path of the named route, with ``args``, percent-encoded, in place of the groups of its pattern.

        Raises ``KeyError`` for an unknown name, and ``ValueError`` if the arguments do not fit.
        """
        tables = [self._routes, *(table for _, table in self._hosts)]
        for table in tables:
            if (path := table.reverse(name, *args)) is not None:
                return path
        names = sorted(name for table in tables for name in table.names())
        raise KeyError(f"no route is named {name!r}; those that are: {names}")

    def list_routes(self) -> list[ListedRoute]:
        r"""Return the routes in the order in which they are tried: of hosts, of settings, and the table's own.

        To look at them::

            print(*app.list_routes(), sep="\n")
        """
        of_hosts = [route for host, table in self._hosts for route in table.listed(f"{host.pattern} → ")]
        return [*of_hosts, *self._routes.listed()]

    def template_loader(self, path: str | None, make: Callable[[str | None], TemplateLoader]) -> TemplateLoader:
        """Return the loader of a folder, made once: what handlers call."""
        loader = self._template_loaders.get(path)
        if loader is None:
            loader = self._template_loaders[path] = make(path)
        return loader

    def static_url(self, path: str, **kwargs: Any) -> str:
        """Return the URL of a file below the setting ``static_path``: see :meth:`RequestHandler.static_url`."""
        if not self.settings.get("static_path"):
            raise SettingError("static_url needs the setting static_path: the folder of the files")
        from ._static._handler import StaticFileHandler

        handler: type[StaticFileHandler] = self.settings.get("static_handler_class", StaticFileHandler)
        return handler.make_static_url(self.settings, path, **kwargs)

    def log_request(self, handler: RequestHandler) -> None:
        """Log a response on ``eyewall.access``: at INFO; from status 400 on as a warning; from 500 on as an error.

        If the connection ended before the response was complete, the line is marked ``disconnected``. If no response
        had begun, its status is 499, as in nginx, and it is logged at INFO.
        """
        if (log_function := self.settings.get("log_function")) is not None:
            log_function(handler)
            return
        status = handler.get_status()
        # That a client leaves is everyday life.
        if status < 400 or status == CLIENT_GONE:
            level = logging.INFO
        else:
            level = logging.WARNING if status < 500 else logging.ERROR
        if access_log.isEnabledFor(level):
            request = handler.request
            duration = 1000 * request.request_time()
            fields = {"status": status, **fields_of(request), "duration_ms": round(duration, 3)}
            text = "%d %s %.2fms"
            if handler.is_disconnected:
                fields["disconnected"] = True
                text += ", disconnected"
            access_log.log(level, text, status, summary_of(request), duration, extra=fields)


# To look a class method up costs as much as some of what it does.
_received: Final = HTTPServerRequest.received


class Dispatcher:
    """Takes in one request for an application: an ``HTTPMessageDelegate``. See :meth:`Application.start_request`."""

    __slots__ = ("_application", "_body", "_connection", "_delegate", "_handler", "_match", "_request", "_server_conn")

    # Whoever asks for these finds their types, as for every public class.
    _application: Application
    _server_conn: object
    _connection: HTTPConnection
    _match: Match | None
    _body: bytes | bytearray
    _handler: RequestHandler | None
    # Who takes the request in, where that is not to be gathered for a handler.
    _delegate: HTTPMessageDelegate | None
    _request: HTTPServerRequest

    def headers_received(
        self, start_line: RequestStartLine | ResponseStartLine, headers: HTTPHeaders, /
    ) -> Awaitable[object] | None:
        """Find the route; where the whole request is not to be waited for, hand it on."""
        if not isinstance(start_line, RequestStartLine):
            raise TypeError(f"an application answers requests, and {start_line!r} begins a response")
        self._request = request = _received(start_line, headers, self._connection, self._server_conn)
        found = self._match or self._application.match(request)
        if not isinstance(found, Match):
            self._delegate = found
            return found.headers_received(start_line, headers)
        self._match = found
        if not found.handler_class.streams_request_body:
            return None
        self._delegate = stream = _StreamedRequest(self._make_handler(found))
        # A request without a body is whole, and its handler may prepare for long.
        self._connection.set_close_callback(self.on_connection_close)
        return stream.begin(found)

    def data_received(self, chunk: bytes, /) -> Awaitable[object] | None:
        """Keep a piece of the body, or hand it on."""
        if self._delegate is not None:
            return self._delegate.data_received(chunk)
        if not self._body:
            self._body = chunk
        elif isinstance(self._body, bytearray):
            self._body += chunk
        else:
            self._body = bytearray(self._body + chunk)
        return None

    def finish(self) -> Awaitable[object] | None:
        """Make the handler and run it; give what is still to be awaited."""
        match = self._match
        if match is None or self._delegate is not None:
            return self._finish_elsewhere()
        if body := self._body:
            self._request.body = body if isinstance(body, bytes) else bytes(body)
        handler = self._make_handler(match)
        return handler._execute(match.path_args, match.path_kwargs)

    async def _finish_elsewhere(self) -> None:
        if self._delegate is not None and (waits := self._delegate.finish()) is not None:
            await waits

    def _make_handler(self, match: Match) -> RequestHandler:
        request = self._request
        try:
            handler = match.handler_class(self._application, request, **match.handler_kwargs)
        except Exception:  # noqa: BLE001 - whatever the program raises is answered 500
            name = match.handler_class.__name__
            app_log.exception("Uncaught exception in initialize() of %s: %s", name, summary_of(request))
            handler = ErrorHandler(self._application, request, status_code=500)
        self._handler = handler
        return handler

    def on_connection_close(self) -> None:
        """Tell the handler, or who else takes the request in, that its client went away."""
        handler, self._handler = self._handler, None  # told once, whoever calls
        if handler is None:
            if self._delegate is not None:
                self._delegate.on_connection_close()
            return
        try:
            handler.tell_disconnected()
        except Exception:  # noqa: BLE001 - whatever the program raises is logged
            app_log.exception("Uncaught exception in on_connection_close() of %s", type(handler).__name__)


class _StreamedRequest:
    """A request that its handler takes in piece by piece."""

    __slots__ = ("_handler",)

    def __init__(self, handler: RequestHandler) -> None:
        self._handler = handler

    def begin(self, match: Match) -> Awaitable[object]:
        return self._handler._stream(self._handler._start_stream, match.path_args, match.path_kwargs)

    def headers_received(self, start_line: object, headers: HTTPHeaders, /) -> None:
        """Done by the dispatcher."""

    def data_received(self, chunk: bytes, /) -> Awaitable[object]:
        return self._handler._stream(self._handler.data_received, chunk)

    def finish(self) -> Awaitable[object]:
        return self._handler._stream(self._handler._answer_stream)

    def on_connection_close(self) -> None:
        """Done by the dispatcher."""


def _no_route(settings: Mapping[str, Any]) -> Match:
    handler = settings.get("default_handler_class")
    if handler is None:
        return Match(ErrorHandler, {"status_code": 404})
    spec = URLSpec(r".*", handler, settings.get("default_handler_args"))
    return Match(spec.handler_class, spec.kwargs)
