"""The header fields that every response begins with. The date is the connection's business."""

from __future__ import annotations

from typing import Final

from eyewall.httpserver import HTTPHeaders

_DEFAULTS: Final = HTTPHeaders({"Server": "eyewall", "Content-Type": "text/html; charset=UTF-8"})
_MAX_LENGTHS: Final = 1024
_by_length: Final[dict[int, HTTPHeaders]] = {}

default_headers: Final = _DEFAULTS.copy
"""Give a set of one's own."""


def shared_headers(length: int) -> HTTPHeaders:
    """Give the set with a Content-Length that responses without fields of their own share; not to be changed."""
    headers = _by_length.get(length)
    if headers is None:
        headers = default_headers()
        headers["Content-Length"] = str(length)
        if len(_by_length) < _MAX_LENGTHS:
            _by_length[length] = headers
    return headers
