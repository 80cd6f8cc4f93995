"""Tornado's application layer, typed: Application, RequestHandler, routing and static files."""

from ._application import Application, Dispatcher
from ._base import HeaderValue
from ._handler import ErrorHandler, RequestHandler, stream_request_body
from ._locale import Locale
from ._matchers import AnyMatches, DefaultHostMatches, HostMatches, Matcher, PathMatches
from ._parts import FLOAT, INT, PATH, TEXT, UUID_PART, Part, register_part
from ._redirect import RedirectHandler
from ._router import ReversibleRouter, ReversibleRuleRouter, Router, Rule, RuleRouter
from ._routing import Match, Route, RouteLine, RouteTarget, URLSpec, url
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
    "FLOAT",
    "INT",
    "PATH",
    "TEXT",
    "UUID_PART",
    "AnyMatches",
    "Application",
    "ContentEncoding",
    "DefaultHostMatches",
    "Dispatcher",
    "ErrorHandler",
    "Finish",
    "GZipContentEncoding",
    "HTTPError",
    "HeaderValue",
    "HostMatches",
    "JinjaLoader",
    "Locale",
    "Match",
    "Matcher",
    "MissingArgumentError",
    "OutputTransform",
    "Part",
    "PathMatches",
    "RedirectHandler",
    "RequestHandler",
    "ReversibleRouter",
    "ReversibleRuleRouter",
    "Route",
    "RouteError",
    "RouteLine",
    "RouteTarget",
    "Router",
    "Rule",
    "RuleRouter",
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
    "register_part",
    "stream_request_body",
    "url",
]
