"""Tornado's application layer, typed: Application, RequestHandler, routing and static files."""

from ._application import Application, Dispatcher
from ._handler import ErrorHandler, HeaderValue, RequestHandler
from ._redirect import RedirectHandler
from ._routing import Handler, Match, Route, URLSpec, url
from ._static import StaticFileHandler
from .errors import Finish, HTTPError, MissingArgumentError, RouteError, SettingError, WebError

__all__ = [
    "Application",
    "Dispatcher",
    "ErrorHandler",
    "Finish",
    "HTTPError",
    "Handler",
    "HeaderValue",
    "Match",
    "MissingArgumentError",
    "RedirectHandler",
    "RequestHandler",
    "Route",
    "RouteError",
    "SettingError",
    "StaticFileHandler",
    "URLSpec",
    "WebError",
    "url",
]
