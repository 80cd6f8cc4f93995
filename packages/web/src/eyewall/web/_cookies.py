"""Cookies of a handler: what the client sent, what it is to keep, and values that it cannot forge."""

from __future__ import annotations

import re
import time
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias, TypeVar, overload

from eyewall.httpserver import format_timestamp

from ._base import HandlerBase
from ._log import general_log
from .errors import SettingError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime
    from http.cookies import Morsel

    from ._signed import Secret

T = TypeVar("T")

Expires: TypeAlias = "float | datetime | tuple[int, ...] | time.struct_time"
"""When a cookie expires: seconds since 1970, a datetime (UTC if naive), or UTC in the form of ``time.gmtime``."""

SameSite = Literal["Strict", "Lax", "None", "strict", "lax", "none"]

_DAY: Final = 86_400
_MOST_KEPT: Final = 4097
"""Name, value and what is between: RFC 6265bis section 5.6."""
_is_plain: Final = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z:]+").fullmatch
"""What http.cookies puts into no quotes."""
_is_quotable: Final = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z: ()/<=>?@\[\]{}]*").fullmatch
"""What it puts between quotes as it is, such as a signed value."""
_is_name: Final = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+").fullmatch
_is_attribute: Final = re.compile(r"[\x20-\x3a\x3c-\x7e]*").fullmatch
_has_control: Final = re.compile(r"[\x00-\x1f\x7f]").search


class CookiesMixin(HandlerBase):
    """The methods of a handler that read and set cookies (RFC 6265)."""

    @property
    def cookies(self) -> dict[str, Morsel[str]]:
        """The cookies that the client sent, by name: another name for ``self.request.cookies``."""
        return self.request.cookies

    @overload
    def get_cookie(self, name: str) -> str | None: ...
    @overload
    def get_cookie(self, name: str, default: T) -> str | T: ...
    def get_cookie(self, name: str, default: object = None) -> object:
        """Return the value of a cookie from the client, which may have forged it: see :meth:`get_signed_cookie`."""
        value = self.request.get_cookie(name)
        return default if value is None else value

    def set_cookie(
        self,
        name: str,
        value: str | bytes,
        domain: str | None = None,
        expires: Expires | None = None,
        path: str = "/",
        expires_days: float | None = None,
        *,
        max_age: int | None = None,
        httponly: bool = False,
        secure: bool = False,
        samesite: SameSite | None = None,
        partitioned: bool = False,
        **kwargs: Any,
    ) -> None:
        """Set a cookie, replacing one of that name that was set earlier in this response.

        Without ``expires``, ``expires_days`` or ``max_age`` (in seconds) it lasts until the browser is closed.
        Cookies are also sent if the response becomes an error page. With a name that begins with ``__Host-`` or
        ``__Secure-``, browsers accept the cookie only if it is as secure as the prefix promises.

        Raises ``ValueError`` for characters that are not allowed in the field, and for a name and attributes that
        contradict each other, since no browser would keep such a cookie; ``TypeError`` for an unknown attribute. A
        cookie that is too long for browsers is logged as a warning. Other spellings of an attribute, such as
        ``HttpOnly``, are accepted with a ``DeprecationWarning``.
        """
        if kwargs:
            _warn_of_spelling(kwargs)
            given: dict[str, Any] = {
                "httponly": httponly,
                "secure": secure,
                "samesite": samesite,
                "max_age": max_age,
                "path": path,
            }
            given |= {"domain": domain, "expires": expires, "partitioned": partitioned}
            given |= {key.lower().replace("-", "_"): item for key, item in kwargs.items()}
            self.set_cookie(name, value, expires_days=expires_days, **given)
            return
        text = value.decode() if isinstance(value, bytes) else value
        before, behind = _attributes(name, domain, httponly, max_age, partitioned, path, samesite, secure)
        if expires is None and expires_days is not None:
            expires = time.time() + expires_days * _DAY
        pair = f"{name}={_quoted(name, text)}"
        if len(pair) > _MOST_KEPT:
            general_log.warning("cookie %r has %d bytes: browsers keep %d at most", name, len(pair), _MOST_KEPT)
        ends = "" if expires is None else f"; expires={format_timestamp(expires)}"
        if self._new_cookies is None:
            self._new_cookies = {}
        self._new_cookies[name] = f"{pair}{before}{ends}{behind}"

    def clear_cookie(
        self,
        name: str,
        *,
        path: str = "/",
        domain: str | None = None,
        httponly: bool = False,
        secure: bool = False,
        samesite: SameSite | None = None,
        partitioned: bool = False,
    ) -> None:
        """Delete a cookie on the client. ``path`` and ``domain`` have to be those it was set with."""
        long_ago = time.time() - 365 * _DAY
        self.set_cookie(
            name,
            "",
            domain,
            long_ago,
            path,
            httponly=httponly,
            secure=secure,
            samesite=samesite,
            partitioned=partitioned,
        )

    def clear_all_cookies(self, *, path: str = "/", domain: str | None = None) -> None:
        """Delete all cookies that the client sent with this request, provided that they have this path and domain."""
        for name in self.request.cookies:
            self.clear_cookie(name, path=path, domain=domain, secure=name.startswith(("__Host-", "__Secure-")))

    def set_signed_cookie(
        self,
        name: str,
        value: str | bytes,
        expires_days: float | None = 30,
        version: int | None = None,
        **kwargs: Any,
    ) -> None:
        """Set a cookie that the client can read, but cannot change without detection.

        It lasts ``expires_days``; ``kwargs`` are those of :meth:`set_cookie`. It is signed with the setting
        ``cookie_secret``. Read it with :meth:`get_signed_cookie`.
        """
        self.set_cookie(name, self.create_signed_value(name, value, version), expires_days=expires_days, **kwargs)

    set_secure_cookie = set_signed_cookie

    def create_signed_value(self, name: str, value: str | bytes, version: int | None = None) -> bytes:
        """Sign a value so that :meth:`get_signed_cookie` accepts it for the cookie ``name``."""
        secret = self._cookie_secret()
        key_version: int | None = None
        if isinstance(secret, dict):
            key_version = self.settings.get("key_version")
            if key_version is None:
                raise SettingError(
                    "cookie_secret is a dict of keys: name the one that signs in the setting key_version"
                )
        from ._signed import create_signed_value

        return create_signed_value(secret, name, value, version=version, key_version=key_version)

    def get_signed_cookie(
        self,
        name: str,
        value: str | None = None,
        max_age_days: float = 31,
        min_version: int | None = None,
    ) -> bytes | None:
        """Return the value that :meth:`set_signed_cookie` set; None if the signature is wrong or the cookie too old.

        ``value`` replaces the cookie's own value, if it arrived in another way. ``min_version=2`` rejects values
        signed by versions of Tornado before 3.2.
        """
        if value is None:
            value = self.get_cookie(name)
        from ._signed import decode_signed_value

        return decode_signed_value(
            self._cookie_secret(), name, value, max_age_days=max_age_days, min_version=min_version
        )

    get_secure_cookie = get_signed_cookie

    def get_signed_cookie_key_version(self, name: str, value: str | None = None) -> int | None:
        """Return the version of the key that a cookie claims to be signed with; None if it has no such signature."""
        if value is None:
            value = self.get_cookie(name)
        from ._signed import get_signature_key_version

        return None if value is None else get_signature_key_version(value)

    get_secure_cookie_key_version = get_signed_cookie_key_version

    def _cookie_secret(self) -> Secret:
        secret: Secret | None = self.settings.get("cookie_secret")
        if not secret:
            raise SettingError(
                "signed cookies need the setting cookie_secret: a long random text, the same in all processes"
            )
        return secret


_SPELLINGS: Final = frozenset(("httponly", "secure", "samesite", "max_age", "path", "domain", "expires", "partitioned"))


def _warn_of_spelling(kwargs: Mapping[str, object]) -> None:
    import warnings

    for key in kwargs:
        if key.lower().replace("-", "_") not in _SPELLINGS or key in _SPELLINGS:
            raise TypeError(f"set_cookie takes no {key!r}; its attributes are {', '.join(sorted(_SPELLINGS))}")
    message = f"write the attributes of a cookie in lower case: {', '.join(kwargs)}"
    warnings.warn(message, DeprecationWarning, stacklevel=3)


# A program has a few kinds of cookies, which it sets again and again.
@lru_cache(maxsize=256)
def _attributes(
    name: str,
    domain: str | None,
    httponly: bool,
    max_age: int | None,
    partitioned: bool,
    path: str,
    samesite: SameSite | None,
    secure: bool,
) -> tuple[str, str]:
    """Return what stands before ``expires`` and behind it. Raises ``ValueError`` where it cannot be, or the name."""
    if not _is_name(name):
        raise ValueError(f"{name!r} is not a name for a cookie: use letters, digits and any of !#$%&'*+-.^_`|~")
    _check_prefix(name, domain, path, secure=secure, partitioned=partitioned)
    if samesite is not None and str(samesite).lower() not in {"strict", "lax", "none"}:
        raise ValueError(f"cookie {name!r}: samesite is {samesite!r}: make it 'Strict', 'Lax' or 'None'")
    behind = (
        "; HttpOnly" * httponly,
        "" if max_age is None else f"; Max-Age={int(max_age)}",
        "; Partitioned" * partitioned,
        _attribute(name, "Path", path),
        _attribute(name, "SameSite", samesite and samesite.capitalize()),
        "; Secure" * secure,
    )
    return _attribute(name, "Domain", domain), "".join(behind)


def _check_prefix(name: str, domain: str | None, path: str, *, secure: bool, partitioned: bool) -> None:
    if name.startswith("__Host-") and (domain is not None or path != "/" or not secure):
        raise ValueError(f"cookie {name!r}: a __Host- cookie is secure=True, with path='/' and no domain")
    if name.startswith("__Secure-") and not secure:
        raise ValueError(f"cookie {name!r}: a __Secure- cookie is secure=True")
    if partitioned and not secure:
        raise ValueError(f"cookie {name!r}: a partitioned cookie is secure=True")


def _attribute(name: str, key: str, text: str | None) -> str:
    if not text:
        return ""
    if not _is_attribute(text):
        raise ValueError(f"cookie {name!r}: {text!r} cannot be its {key}; it has a semicolon or is not printable ASCII")
    return f"; {key}={text}"


def _quoted(name: str, text: str) -> str:
    if _is_plain(text):
        return text
    if _is_quotable(text):
        return f'"{text}"'
    if _has_control(text):
        raise ValueError(f"the value of cookie {name!r} has a control character: {text!r}; encode it first")
    from http.cookies import SimpleCookie

    quoted: str = SimpleCookie().value_encode(text)[1]
    if not quoted.isascii():
        raise ValueError(f"the value of cookie {name!r} has a character beyond Latin-1: {text!r}; encode it first")
    return quoted
