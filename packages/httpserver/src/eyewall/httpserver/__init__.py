"""A strict, fast HTTP/1.1 server for a function or a delegate."""

from typing import TYPE_CHECKING

from ._callback import CallbackDelegate
from ._connection import HTTP1Connection
from ._context import HTTPConnectionContext
from ._cookies import parse_cookie
from ._dates import format_timestamp
from ._forms import (
    ParseBodyConfig,
    ParseMultipartConfig,
    ParseUrlEncodedConfig,
    parse_body_arguments,
    parse_multipart_form_data,
    set_parse_body_config,
)
from ._headers import HTTPHeaders
from ._parameters import Deadlines, HalfClosed, HTTP1ConnectionParameters, Limits
from ._reasons import forbids_body, reason_of, responses
from ._record import Cause, RequestRecord
from ._request import HTTPServerRequest
from ._server import HTTPServer
from ._server_connection import HTTP1ServerConnection
from ._start_line import (
    RequestStartLine,
    ResponseStartLine,
    parse_request_start_line,
    parse_response_start_line,
)
from ._steps import Steps
from .errors import HTTPFieldError, HTTPInputError, HTTPOutputError, HTTPProtocolError
from .protocols import HTTPConnection, HTTPMessageDelegate, HTTPServerConnectionDelegate, HTTPServerObserver

if TYPE_CHECKING:
    from ._conditional import ByteRange, content_range, etag_matches, parse_range
    from ._field_parameters import split_parameters
    from ._multipart import HTTPFile
    from ._negotiation import Preference, best_encoding, best_language, best_media_type, parse_preferences
    from ._past_dates import parse_date
    from ._urls import encode_username_password, qs_to_qsl, split_host_and_port, url_concat
else:  # what not every program needs is imported when it is first asked for
    from eyewall.ioloop import import_later

    from ._later import MODULES

    __getattr__, __dir__ = import_later(__name__, MODULES)

__all__ = [
    "ByteRange",
    "CallbackDelegate",
    "Cause",
    "Deadlines",
    "HTTP1Connection",
    "HTTP1ConnectionParameters",
    "HTTP1ServerConnection",
    "HTTPConnection",
    "HTTPConnectionContext",
    "HTTPFieldError",
    "HTTPFile",
    "HTTPHeaders",
    "HTTPInputError",
    "HTTPMessageDelegate",
    "HTTPOutputError",
    "HTTPProtocolError",
    "HTTPServer",
    "HTTPServerConnectionDelegate",
    "HTTPServerObserver",
    "HTTPServerRequest",
    "HalfClosed",
    "Limits",
    "ParseBodyConfig",
    "ParseMultipartConfig",
    "ParseUrlEncodedConfig",
    "Preference",
    "RequestRecord",
    "RequestStartLine",
    "ResponseStartLine",
    "Steps",
    "best_encoding",
    "best_language",
    "best_media_type",
    "content_range",
    "encode_username_password",
    "etag_matches",
    "forbids_body",
    "format_timestamp",
    "parse_body_arguments",
    "parse_cookie",
    "parse_date",
    "parse_multipart_form_data",
    "parse_preferences",
    "parse_range",
    "parse_request_start_line",
    "parse_response_start_line",
    "qs_to_qsl",
    "reason_of",
    "responses",
    "set_parse_body_config",
    "split_host_and_port",
    "split_parameters",
    "url_concat",
]
