"""The loggers of the layer, and what makes a client's text fit for them."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from eyewall.httpserver import HTTPServerRequest

access_log: Final = logging.getLogger("eyewall.access")
"""A line for each request."""
app_log: Final = logging.getLogger("eyewall.application")
"""Errors of the application's own code."""
general_log: Final = logging.getLogger("eyewall.general")
"""Everything else: refused requests, clients that went away."""


def printable(text: str) -> str:
    """The text with whatever could end a line or steer a terminal written as an escape."""
    return text if text.isprintable() else "".join([c if c.isprintable() else ascii(c)[1:-1] for c in text])


def summary_of(request: HTTPServerRequest) -> str:
    """What a line of the log says of a request: method, target and who sent it."""
    return printable(f"{request.method} {request.uri} ({request.remote_ip})")


def fields_of(request: HTTPServerRequest) -> dict[str, object]:
    """What a record of the log has besides its text, for a formatter that writes it out: the same as in its summary."""
    return {"method": request.method, "uri": request.uri, "remote_ip": request.remote_ip}
