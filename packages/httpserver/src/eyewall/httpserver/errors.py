"""The errors of HTTP, told apart by whose fault they are.

::

    HTTPProtocolError
     ├─ HTTPInputError       the peer broke HTTP: `status` is what it is answered
     │   └─ HTTPFieldError    a field name or value that cannot be one; also a ValueError
     └─ HTTPOutputError      the application broke the contract of HTTPConnection
"""

from __future__ import annotations

from typing import Final


class HTTPProtocolError(Exception):
    """The base class of the errors of this layer."""


class HTTPInputError(HTTPProtocolError):
    """The peer violated HTTP. It is answered with ``status``, and the connection is closed."""

    def __init__(self, message: str, *, status: int = 400) -> None:
        super().__init__(message)
        self.status: Final = status


class HTTPFieldError(HTTPInputError, ValueError):
    """A field name or value that RFC 9110 section 5 does not allow."""


class HTTPOutputError(HTTPProtocolError):
    """The application violated the contract of HTTPConnection: a bug in the program, not on the wire."""
