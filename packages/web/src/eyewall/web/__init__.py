"""Tornado's application layer, typed: Application, RequestHandler, routing and static files."""

from typing import TYPE_CHECKING

from ._application import Application, Dispatcher
from ._base import HeaderValue
from ._cors import CORS
from ._disconnect import DisconnectPolicy
from ._handler import ErrorHandler, RequestHandler, stream_request_body
from ._listing import ListedRoute
from ._locale import Locale
from ._matchers import AnyMatches, DefaultHostMatches, HostMatches, Matcher, PathMatches
from ._parts import FLOAT, INT, PATH, TEXT, Part, register_part
from ._router import ReversibleRouter, ReversibleRuleRouter, Router, Rule, RuleLine, RuleRouter, Target
from ._routing import Match, Route, RouteLine, RouteTarget, URLSpec, url
from ._templates import JinjaLoader, Template, TemplateLoader
from ._transforms import OutputTransform
from ._ui import UIModule
from ._users import authenticated
from .errors import BodyError, Finish, FormError, HTTPError, MissingArgumentError, RouteError, SettingError, WebError

if TYPE_CHECKING:
    from ._compress import ContentEncoding, GZipContentEncoding
    from ._events import EventSourceHandler, ServerSentEvent
    from ._fallback import FallbackHandler
    from ._logformat import JSONLogFormatter, TextLogFormatter
    from ._redirect import RedirectHandler
    from ._signed import (
        DEFAULT_SIGNED_VALUE_MIN_VERSION,
        DEFAULT_SIGNED_VALUE_VERSION,
        Secret,
        create_signed_value,
        decode_signed_value,
        get_signature_key_version,
    )
    from ._slashes import addslash, removeslash
    from ._static._handler import StaticFileHandler
    from ._typed import ROOT, Handler, Takes, TakesNoState, TakesState, TypedPath, TypedRoute
    from ._uploads._files import UploadedFile
    from ._uploads._handler import Form, UploadHandler
    from ._uploads._limits import FormLimits
    from ._uploads._parts import FormPart, PartReader
    from ._uuid_part import UUID_PART
    from ._websocket._client import WebSocketClientConnection, websocket_connect
    from ._websocket._errors import HTTPClientError, WebSocketClosedError, WebSocketError
    from ._websocket._handler import WebSocketHandler, broadcast
else:  # what not every program needs is imported when it is first asked for
    from eyewall.ioloop import import_later

    from ._later import MODULES

    __getattr__, __dir__ = import_later(__name__, MODULES)

__all__ = [
    "CORS",
    "DEFAULT_SIGNED_VALUE_MIN_VERSION",
    "DEFAULT_SIGNED_VALUE_VERSION",
    "FLOAT",
    "INT",
    "PATH",
    "ROOT",
    "TEXT",
    "UUID_PART",
    "AnyMatches",
    "Application",
    "BodyError",
    "ContentEncoding",
    "DefaultHostMatches",
    "DisconnectPolicy",
    "Dispatcher",
    "ErrorHandler",
    "EventSourceHandler",
    "FallbackHandler",
    "Finish",
    "Form",
    "FormError",
    "FormLimits",
    "FormPart",
    "GZipContentEncoding",
    "HTTPClientError",
    "HTTPError",
    "Handler",
    "HeaderValue",
    "HostMatches",
    "JSONLogFormatter",
    "JinjaLoader",
    "ListedRoute",
    "Locale",
    "Match",
    "Matcher",
    "MissingArgumentError",
    "OutputTransform",
    "Part",
    "PartReader",
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
    "RuleLine",
    "RuleRouter",
    "Secret",
    "ServerSentEvent",
    "SettingError",
    "StaticFileHandler",
    "Takes",
    "TakesNoState",
    "TakesState",
    "Target",
    "Template",
    "TemplateLoader",
    "TextLogFormatter",
    "TypedPath",
    "TypedRoute",
    "UIModule",
    "URLSpec",
    "UploadHandler",
    "UploadedFile",
    "WebError",
    "WebSocketClientConnection",
    "WebSocketClosedError",
    "WebSocketError",
    "WebSocketHandler",
    "addslash",
    "authenticated",
    "broadcast",
    "create_signed_value",
    "decode_signed_value",
    "get_signature_key_version",
    "register_part",
    "removeslash",
    "stream_request_body",
    "url",
    "websocket_connect",
]
