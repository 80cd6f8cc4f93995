"""A strict, fast HTTP/1.1 server for a function or a delegate."""

from ._connection import HTTP1Connection
from ._context import HTTPConnectionContext
from ._dates import format_timestamp
from ._headers import HTTPHeaders
from ._parameters import Deadlines, HalfClosed, HTTP1ConnectionParameters, Limits
from ._reasons import responses
from ._request import HTTPServerRequest
from ._server import HTTPServer
from ._server_connection import HTTP1ServerConnection
from ._start_line import (
    RequestStartLine,
    ResponseStartLine,
    parse_request_start_line,
    parse_response_start_line,
)
from .errors import HTTPFieldError, HTTPInputError, HTTPOutputError, HTTPProtocolError
from .protocols import HTTPConnection, HTTPMessageDelegate, HTTPServerConnectionDelegate

__all__ = [
    "Deadlines",
    "HTTP1Connection",
    "HTTP1ConnectionParameters",
    "HTTP1ServerConnection",
    "HTTPConnection",
    "HTTPConnectionContext",
    "HTTPFieldError",
    "HTTPHeaders",
    "HTTPInputError",
    "HTTPMessageDelegate",
    "HTTPOutputError",
    "HTTPProtocolError",
    "HTTPServer",
    "HTTPServerConnectionDelegate",
    "HTTPServerRequest",
    "HalfClosed",
    "Limits",
    "RequestStartLine",
    "ResponseStartLine",
    "format_timestamp",
    "parse_request_start_line",
    "parse_response_start_line",
    "responses",
]
