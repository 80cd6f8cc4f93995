"""RedirectHandler: sends a client elsewhere, and never where the client chose."""

from __future__ import annotations

import re
from string import Formatter
from typing import Any, Final

from ._handler import RequestHandler
from .errors import HTTPError

_ORIGIN: Final = re.compile(r"(?:([a-z][a-z0-9+.\-]*):)?(/*)([^/?#]*)", re.IGNORECASE)
_CONTROLS: Final = re.compile(r"[\x00-\x1f\x7f]")


class RedirectHandler(RequestHandler):
    """Redirects GET and HEAD to ``url``, given in the route's ``kwargs``; permanently, unless ``permanent`` is false.

    ``{0}``, ``{1}`` and ``{name}`` in ``url`` stand for the values that the route's pattern took from the path. The
    query of the request is kept::

        (r"/photos/(.*)", RedirectHandler, {"url": "/pictures/{0}"})

    The scheme and host of the result, as a browser would read them, have to be those of ``url`` before its first
    ``{``: a request that would change them is answered with 400.
    """

    def initialize(self, url: str, permanent: bool = True) -> None:
        """Receive the target of the redirect."""
        self._url = url
        self._permanent = permanent

    def get(self, *args: Any, **kwargs: Any) -> None:
        """Redirect."""
        url = self._url.format(*args, **kwargs)
        if _origin(url) != _origin(_constant_part(self._url)):
            raise HTTPError(400, "Redirect URL cannot change the scheme or netloc")
        if _CONTROLS.search(url):
            raise HTTPError(400, "Redirect URL contains invalid characters")
        if self.request.query:
            url += ("&" if "?" in url else "?") + self.request.query
        self.redirect(url, permanent=self._permanent)

    def head(self, *args: Any, **kwargs: Any) -> None:
        """Redirect."""
        self.get(*args, **kwargs)


def _constant_part(template: str) -> str:
    """The template before its first substitution."""
    constant = ""
    for text, field, _, _ in Formatter().parse(template):
        constant += text
        if field is not None:
            break
    return constant


def _origin(url: str) -> tuple[str, str]:
    """Scheme and host as a browser reads them: it drops white space and takes a backslash for a slash."""
    cleaned = re.sub(r"[\t\r\n]", "", url.lstrip("".join(map(chr, range(33))))).replace("\\", "/")
    match = _ORIGIN.match(cleaned)
    if match is None:
        return "", ""
    scheme, slashes, host = (match[1] or "").lower(), match[2], match[3].lower()
    # However many slashes: to a browser, ///host names a host, and so does https:host.
    return scheme, host if len(slashes) > 1 or scheme in {"http", "https"} else ""
