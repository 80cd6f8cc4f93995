"""Who is visiting: a name and a key in one cookie, so that people need no accounts.

The name fills in the forms. The key is a secret of the browser; a message keeps its digest, and
whoever shows the key again may pin, unpin or delete the message.
"""

from __future__ import annotations

import hashlib
import re
import secrets
from dataclasses import dataclass
from typing import Final
from urllib.parse import quote, unquote

from .messages import MAX_AUTHOR

_COOKIE: Final = "eyewall_board"
_ONE_YEAR: Final = 365 * 24 * 60 * 60
_KEY = re.compile(r"[A-Za-z0-9_-]{22}")


def new_key() -> str:
    """A key that nobody can guess: 128 bits in 22 characters."""
    return secrets.token_urlsafe(16)


def owner_of(key: str) -> str:
    """What a message keeps of the key of its author. The database alone lets nobody delete."""
    return hashlib.sha256(key.encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Visitor:
    """A browser: the name last posted under, and its key (both empty before it has posted)."""

    name: str = ""
    key: str = ""

    @classmethod
    def from_cookies(cls, header: str) -> Visitor:
        """Read the ``Cookie`` header field; a cookie that is missing or odd gives a new visitor."""
        for pair in header.split(";"):
            cookie, _, value = pair.strip().partition("=")
            key, _, name = value.partition(":")
            if cookie == _COOKIE and _KEY.fullmatch(key):
                return cls(unquote(name)[:MAX_AUTHOR], key)
        return cls()

    def named(self, name: str) -> Visitor:
        """The same visitor under this name, with a key."""
        return Visitor(name, self.key or new_key())

    def cookie(self) -> str:
        """The value of a ``Set-Cookie`` header field that brings this visitor back."""
        value = f"{self.key}:{quote(self.name, safe='')}"
        # Lax: a form on another site posts without it.
        return f"{_COOKIE}={value}; Path=/; Max-Age={_ONE_YEAR}; HttpOnly; SameSite=Lax"

    @property
    def owner(self) -> str:
        """What the messages of this visitor keep of the key; never a message's where there is no key."""
        return owner_of(self.key) if self.key else ""
