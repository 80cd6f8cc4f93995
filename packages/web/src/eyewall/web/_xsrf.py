"""Who may have made a browser send a request: tokens as Tornado has them, and the browser's own word.

A page of another site can have a browser send a form here, with its user's cookies. Two checks stop
that, before ``prepare`` and for every method but GET, HEAD and OPTIONS. Without being asked:
what the browser says about where the request is from (Fetch Metadata, or ``Origin``). With the setting
``xsrf_cookies``: a secret in a cookie that the request must repeat, which another site cannot read.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, NamedTuple

from ._cookies import CookiesMixin
from ._cors import CORSMixin
from ._users import UsersMixin
from .errors import HTTPError, SettingError

if TYPE_CHECKING:
    from eyewall.httpserver import HTTPServerRequest

_STREAMED = (
    "'_xsrf' argument missing from %s: a body that is streamed has not been read when its token is checked; "
    "send it in the header field X-XSRFToken, or in the query as ?_xsrf=…"
)
_CROSS_ORIGIN = (
    "Sec-Fetch-Site %s & origin %r not allowed: if it may, name the origin in trusted_origins or cors, "
    "or set cross_origin_protection=False"
)


class _Token(NamedTuple):
    version: int
    secret: bytes
    timestamp: float


class XSRFMixin(CookiesMixin, UsersMixin, CORSMixin):
    """The methods of a handler around cross-site request forgery."""

    _xsrf_secret: _Token | None = None
    _xsrf_text: bytes | None = None

    @property
    def xsrf_token(self) -> bytes:
        """The token for a form sent to this client; :meth:`check_xsrf_cookie` expects it back.

        Reading it sets the cookie if the client has none. The token looks different each time, so that compression
        reveals nothing about it. The setting ``xsrf_cookie_version`` selects its format, 2 or 1; ``xsrf_cookie_name``
        the name of the cookie, by default ``_xsrf``; and ``xsrf_cookie_kwargs`` its attributes.
        """
        if self._xsrf_text is None:
            token = self._get_xsrf_secret()
            version = self.settings.get("xsrf_cookie_version", 2)
            self._xsrf_text = _written(version, token)
            kwargs: dict[str, Any] = dict(self.settings.get("xsrf_cookie_kwargs", {}))
            # A user who is signed in may come back to a page that was left open.
            kwargs.setdefault("expires_days", 30 if self.current_user else None)
            self.set_cookie(self._xsrf_cookie_name, self._xsrf_text, **kwargs)
        return self._xsrf_text

    def check_xsrf_cookie(self) -> None:
        """Compare the token of the request with the cookie; called automatically with the setting ``xsrf_cookies``.

        The token is the argument ``_xsrf``, or the header field ``X-XSRFToken`` or ``X-CSRFToken``. Raises
        :class:`~eyewall.web.HTTPError` 403 if it is missing or wrong. Override it to accept requests that do not come
        from a browser.
        """
        from hmac import compare_digest

        headers = self.request.headers
        given = self._xsrf_argument() or headers.get("X-XSRFToken") or headers.get("X-CSRFToken")
        if not given:
            if self.streams_request_body:
                raise HTTPError(403, _STREAMED, self.request.method)
            raise HTTPError(403, "'_xsrf' argument missing from %s", self.request.method)
        token = _read(given)
        if token is None:
            raise HTTPError(403, "'_xsrf' argument has invalid format")
        if not compare_digest(token.secret, self._get_xsrf_secret().secret):
            raise HTTPError(403, "XSRF cookie does not match %s argument", self.request.method)

    def xsrf_form_html(self) -> str:
        """Return the hidden field for the forms of this site: ``<input type="hidden" name="_xsrf" …/>``."""
        from html import escape

        return f'<input type="hidden" name="_xsrf" value="{escape(self.xsrf_token.decode())}"/>'

    def check_cross_origin(self) -> None:
        """Refuse a request that, according to the browser, comes from another site; called automatically.

        The setting ``cross_origin_protection`` is True by default; with False, nothing is checked. A client that
        sends neither field is not a browser, or is one older than 2020 using a method without ``Origin``: it is let
        through. Raises :class:`~eyewall.web.HTTPError` 403.
        """
        if not is_cross_origin(self.request) or not self.settings.get("cross_origin_protection", True):
            return
        origin = self.request.headers.get("Origin")
        if origin is None or not (self._is_named_by_cors(origin) or self.check_trusted_origin(origin)):
            site = self.request.headers.get("Sec-Fetch-Site")
            raise HTTPError(403, _CROSS_ORIGIN, site, origin)

    def check_trusted_origin(self, origin: str) -> bool:
        """Say whether another origin, such as ``"https://shop.example"``, may nevertheless send requests here.

        By default, those in the setting ``trusted_origins``, a list, may. Override it for particular paths.
        """
        trusted: object = self.settings.get("trusted_origins", ())
        if not isinstance(trusted, list | tuple | set | frozenset):
            raise SettingError(f"trusted_origins is {trusted!r}: make it a list, such as ['https://shop.example']")
        return origin in trusted

    def _is_named_by_cors(self, origin: str) -> bool:
        return (policy := self._cors_policy) is not None and policy.names(origin)

    def _xsrf_argument(self) -> str | None:
        values = self.request.arguments.get("_xsrf")
        return values[-1].decode("latin-1").strip() if values else None

    def _get_xsrf_secret(self) -> _Token:
        if self._xsrf_secret is None:
            cookie = self.get_cookie(self._xsrf_cookie_name)
            self._xsrf_secret = (_read(cookie) if cookie else None) or _new_token()
        return self._xsrf_secret

    @property
    def _xsrf_cookie_name(self) -> str:
        name: str = self.settings.get("xsrf_cookie_name", "_xsrf")
        return name


def is_cross_origin(request: HTTPServerRequest) -> bool:
    """True if a browser says that another origin than this host's has sent the request."""
    site = request.headers.get("Sec-Fetch-Site")
    if site is not None:
        return site not in {"same-origin", "none"}
    origin = request.headers.get("Origin")
    if origin is None:
        return False
    from urllib.parse import urlsplit

    try:
        # A proxy in front may have taken TLS off: the scheme says nothing, the host does.
        return urlsplit(origin).netloc.lower() != request.host.lower()
    except ValueError:
        return True  # no browser has written that


def _new_token() -> _Token:
    from secrets import token_bytes

    return _Token(2, token_bytes(16), time.time())


def _written(version: int, token: _Token) -> bytes:
    if version == 1:
        return token.secret.hex().encode()
    if version != 2:
        raise SettingError(f"xsrf_cookie_version is {version!r}: make it 2 or 1")
    from secrets import token_bytes

    mask = token_bytes(4)
    return "|".join(["2", mask.hex(), _masked(mask, token.secret).hex(), str(int(token.timestamp))]).encode()


def _read(text: str) -> _Token | None:
    """Read a token of either version; None if it is neither."""
    from binascii import a2b_hex

    try:
        if not text.startswith("2|"):
            return _Token(1, _secret(_bytes_of(text)), time.time())
        _, mask, masked, timestamp = text.split("|")
        return _Token(2, _secret(_masked(a2b_hex(mask), a2b_hex(masked))), int(timestamp))
    except ValueError:
        return None


def _bytes_of(text: str) -> bytes:
    """Read a token of version 1: hexadecimal, or of a program's own make."""
    from binascii import a2b_hex

    try:
        return a2b_hex(text)
    except ValueError:
        return text.encode()


def _secret(secret: bytes) -> bytes:
    if not secret:
        raise ValueError("an empty secret is none")
    return secret


def _masked(mask: bytes, text: bytes) -> bytes:
    if len(mask) != 4:
        raise ValueError(f"a mask has four bytes, not {len(mask)}")
    return bytes([byte ^ mask[index % 4] for index, byte in enumerate(text)])
