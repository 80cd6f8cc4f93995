"""The header fields that every response begins with, and their entity tags. The date is the connection's business."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any, Final

from eyewall.httpserver import HTTPHeaders

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

_MAX_LENGTHS: Final = 1024
_MAX_BODIES: Final = 256
_MAX_BODY_LENGTH: Final = 1024


class Defaults:
    """The fields of responses of one content type; those of a response without fields of its own are made once.

    What is shared is not to be changed: :meth:`copy` gives a set of one's own.
    """

    __slots__ = ("_by_body", "_by_length", "_headers", "copy")

    def __init__(self, content_type: str) -> None:
        self._headers = HTTPHeaders({"Server": "eyewall", "Content-Type": content_type})
        self._by_length: dict[int, HTTPHeaders] = {}
        self._by_body: dict[bytes, HTTPHeaders] = {}
        self.copy = self._headers.copy

    def with_length(self, length: int) -> HTTPHeaders:
        """Give the shared set with a Content-Length."""
        headers = self._by_length.get(length)
        if headers is None:
            headers = self.copy()
            headers["Content-Length"] = str(length)
            # The lines of these are those of all that are made of them, too, and joined once.
            headers.to_lines()
            if len(self._by_length) < _MAX_LENGTHS:
                self._by_length[length] = headers
        return headers

    def with_etag(self, body: bytes) -> HTTPHeaders:
        """Give the same with an entity tag as well.

        Many a service has a few short answers that it gives again and again: they are hashed once.
        """
        headers = self._by_body.get(body)
        if headers is None:
            headers = self.with_length(len(body)).copy()
            headers["Etag"] = entity_tag((body,))
            if len(body) <= _MAX_BODY_LENGTH:
                if len(self._by_body) >= _MAX_BODIES:
                    self._by_body.clear()
                self._by_body[body] = headers
        return headers


HTML: Final = Defaults("text/html; charset=UTF-8")
JSON: Final = Defaults("application/json; charset=UTF-8")


def entity_tag(chunks: Iterable[bytes]) -> str:
    """Give a strong entity tag of a body (RFC 9110 section 8.8.3): a hash of it, in quotes."""
    digest: str = _sha1()(b"".join(chunks), usedforsecurity=False).hexdigest()
    return f'"{digest}"'


@cache
def _sha1() -> Callable[..., Any]:  # Any: what it gives has no public name
    """Import it once: to be told again what is loaded would cost each tag 0.7 µs, twice what the hash takes."""
    from hashlib import sha1

    return sha1
