"""A strict, fast HTTP/1.1 server for a function or a delegate."""

from ._context import HTTPConnectionContext
from ._headers import HTTPHeaders
from ._request import HTTPServerRequest
from ._start_line import (
    RequestStartLine,
    ResponseStartLine,
    parse_request_start_line,
    parse_response_start_line,
)
from .errors import HTTPFieldError, HTTPInputError, HTTPOutputError, HTTPProtocolError
from .protocols import HTTPConnection, HTTPMessageDelegate, HTTPServerConnectionDelegate

__all__ = [
    "HTTPConnection",
    "HTTPConnectionContext",
    "HTTPFieldError",
    "HTTPHeaders",
    "HTTPInputError",
    "HTTPMessageDelegate",
    "HTTPOutputError",
    "HTTPProtocolError",
    "HTTPServerConnectionDelegate",
    "HTTPServerRequest",
    "RequestStartLine",
    "ResponseStartLine",
    "parse_request_start_line",
    "parse_response_start_line",
]
