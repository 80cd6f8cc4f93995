"""The header fields that many responses have, and their entity tags. The date is the connection's business."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any, Final

from eyewall.httpserver import HTTPHeaders

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

_MAX_BODY_LENGTH: Final = 1024
_MAX_VALUE_LENGTH: Final = 256
_MOST_KNOWN: Final = 128
_MOST_ASKED: Final = 1024
_NEVER_KNOWN: Final = frozenset(("content-length", "etag", "set-cookie", "authorization", "proxy-authorization"))
"""What depends on the body, or lets somebody in."""


class Defaults:
    """Fields that responses have in common; those of a response without fields of its own are made once.

    What is shared is not to be changed: :meth:`copy` gives a set of one's own.
    """

    __slots__ = ("_by_body", "_by_length", "_max_bodies", "_max_lengths", "copy", "is_html")

    def __init__(self, headers: HTTPHeaders, max_lengths: int = 16, max_bodies: int = 8) -> None:
        self._by_length: dict[int, HTTPHeaders] = {}
        self._by_body: dict[bytes, HTTPHeaders] = {}
        self._max_lengths: Final = max_lengths
        self._max_bodies: Final = max_bodies
        self.copy: Final = headers.copy
        self.is_html: Final = headers["Content-Type"].startswith("text/html")

    def with_field(self, name: str, value: str) -> Defaults | None:
        """Return those that have one field more, or another value of it; None if that has not been set here lately.

        Most handlers set the same few fields for every response: what was set twice is known from then on, and what
        is another each time never. Raises as :class:`HTTPHeaders` does.
        """
        key = self, name, value
        known = _known.get(key)
        if known is None:
            hashed = hash(key)
            place = hashed % _MOST_ASKED
            if _asked[place] == hashed:
                return _become_known(key)
            _asked[place] = hashed
        return known

    def with_length(self, length: int) -> HTTPHeaders:
        """Return the shared set with a Content-Length."""
        headers = self._by_length.get(length)
        if headers is None:
            headers = self.copy()
            headers["Content-Length"] = str(length)
            # The lines of these are those of all that are made of them, too, and joined once.
            headers.to_lines()
            # Or a client that has a say in how long answers are would have filled it for good.
            if len(self._by_length) >= self._max_lengths:
                self._by_length.clear()
            self._by_length[length] = headers
        return headers

    def with_etag(self, body: bytes) -> HTTPHeaders:
        """Return the same with an entity tag as well.

        Many a service has a few short answers that it gives again and again: they are hashed once.
        """
        headers = self._by_body.get(body)
        if headers is None:
            headers = self.with_length(len(body)).copy()
            headers["Etag"] = entity_tag((body,))
            if len(body) <= _MAX_BODY_LENGTH:
                if len(self._by_body) >= self._max_bodies:
                    self._by_body.clear()
                self._by_body[body] = headers
        return headers


_Key = tuple[Defaults, str, str]
_known: Final[dict[_Key, Defaults]] = {}
# By their hashes, so that no value is kept that is not set again.
_asked: Final = [0] * _MOST_ASKED


def _become_known(key: _Key) -> Defaults | None:
    defaults, name, value = key
    if name.lower() in _NEVER_KNOWN or len(value) > _MAX_VALUE_LENGTH:
        return None
    headers = defaults.copy()
    headers[name] = value
    if len(_known) >= _MOST_KNOWN:
        _known.clear()
    known = _known[key] = Defaults(headers)
    return known


def _of_type(content_type: str) -> Defaults:
    return Defaults(HTTPHeaders({"Server": "eyewall", "Content-Type": content_type}), 1024, 256)


HTML: Final = _of_type("text/html; charset=UTF-8")
JSON_TYPE: Final = "application/json; charset=UTF-8"
JSON: Final = _of_type(JSON_TYPE)


def entity_tag(chunks: Iterable[bytes]) -> str:
    """Return a strong entity tag of a body (RFC 9110 section 8.8.3): a hash of it, in quotes."""
    digest: str = _sha1()(b"".join(chunks), usedforsecurity=False).hexdigest()
    return f'"{digest}"'


@cache
def _sha1() -> Callable[..., Any]:  # Any: what it gives has no public name
    """Import it once: to be told again what is loaded would cost each tag 0.7 µs, twice what the hash takes."""
    from hashlib import sha1

    return sha1
