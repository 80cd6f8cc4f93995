"""Tornado's application layer, typed: Application, RequestHandler, routing and static files."""

from ._application import Application, Dispatcher
from ._base import HeaderValue
from ._handler import ErrorHandler, RequestHandler, stream_request_body
from ._locale import Locale
from ._redirect import RedirectHandler
from ._routing import Handler, Match, Route, URLSpec, url
from ._signed import (
    DEFAULT_SIGNED_VALUE_MIN_VERSION,
    DEFAULT_SIGNED_VALUE_VERSION,
    Secret,
    create_signed_value,
    decode_signed_value,
    get_signature_key_version,
)
from ._static import StaticFileHandler
from ._templates import JinjaLoader, Template, TemplateLoader
from ._transforms import ContentEncoding, GZipContentEncoding, OutputTransform
from ._users import authenticated
from .errors import Finish, HTTPError, MissingArgumentError, RouteError, SettingError, WebError

__all__ = [
    "DEFAULT_SIGNED_VALUE_MIN_VERSION",
    "DEFAULT_SIGNED_VALUE_VERSION",
    "Application",
    "ContentEncoding",
    "Dispatcher",
    "ErrorHandler",
    "Finish",
    "GZipContentEncoding",
    "HTTPError",
    "Handler",
    "HeaderValue",
    "JinjaLoader",
    "Locale",
    "Match",
    "MissingArgumentError",
    "OutputTransform",
    "RedirectHandler",
    "RequestHandler",
    "Route",
    "RouteError",
    "Secret",
    "SettingError",
    "StaticFileHandler",
    "Template",
    "TemplateLoader",
    "URLSpec",
    "WebError",
    "authenticated",
    "create_signed_value",
    "decode_signed_value",
    "get_signature_key_version",
    "stream_request_body",
    "url",
]
