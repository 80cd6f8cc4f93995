"""The header fields that every response begins with, and their entity tags. The date is the connection's business."""

from __future__ import annotations

from hashlib import sha1
from typing import TYPE_CHECKING, Final

from eyewall.httpserver import HTTPHeaders

if TYPE_CHECKING:
    from collections.abc import Iterable

_DEFAULTS: Final = HTTPHeaders({"Server": "eyewall", "Content-Type": "text/html; charset=UTF-8"})
_MAX_LENGTHS: Final = 1024
_by_length: Final[dict[int, HTTPHeaders]] = {}
_MAX_BODIES: Final = 256
_MAX_BODY_LENGTH: Final = 1024
_by_body: Final[dict[bytes, HTTPHeaders]] = {}

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


def validated_headers(body: bytes) -> HTTPHeaders | None:
    """Give the same for a short body, with its entity tag as well; None for a long one. Not to be changed.

    Many a service has a few short answers that it gives again and again: they are hashed once.
    """
    headers = _by_body.get(body)
    if headers is None and len(body) <= _MAX_BODY_LENGTH:
        headers = shared_headers(len(body)).copy()
        headers["Etag"] = entity_tag((body,))
        if len(_by_body) >= _MAX_BODIES:
            _by_body.clear()
        _by_body[body] = headers
    return headers


def entity_tag(chunks: Iterable[bytes]) -> str:
    """Give a strong entity tag of a body (RFC 9110 section 8.8.3): a hash of it, in quotes."""
    digest = sha1(usedforsecurity=False)
    for chunk in chunks:
        digest.update(chunk)
    return f'"{digest.hexdigest()}"'
