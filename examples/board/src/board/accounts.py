"""Who may write: accounts, which names and passwords they may have, and what is kept of a password."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from dataclasses import dataclass
from typing import Final

from .messages import clean_line

MAX_NAME: Final = 60
MIN_PASSWORD: Final = 8
MAX_PASSWORD: Final = 200

DEFAULT_COST: Final = 15
"""The logarithm of scrypt's N. 15 takes 32 MiB and about a tenth of a second, which a guess costs as well."""

_BLOCK: Final = 8  # scrypt's r, in units of 128 bytes
_SALT_BYTES: Final = 16


@dataclass(frozen=True, slots=True)
class Account:
    """Somebody who may write."""

    id: int
    name: str
    password: str
    """As :func:`hash_password` gives it, never as it was entered."""


@dataclass(frozen=True, slots=True)
class Credentials:
    """A name and a password, as somebody entered them."""

    name: str = ""
    password: str = ""

    def clean(self) -> Credentials:
        """The same without control characters and needless space in the name; a password stays as it is."""
        return Credentials(clean_line(self.name), self.password)

    def problems(self) -> dict[str, str]:
        """What keeps them from being those of a new account: a sentence for each field at fault."""
        found: dict[str, str] = {}
        if not self.name:
            found["name"] = "Please enter your name."
        elif len(self.name) > MAX_NAME:
            found["name"] = f"Please shorten this to {MAX_NAME} characters; it has {len(self.name)}."
        if not MIN_PASSWORD <= len(self.password) <= MAX_PASSWORD:
            found["password"] = f"Please choose a password of {MIN_PASSWORD} to {MAX_PASSWORD} characters."
        return found


def hash_password(password: str, cost: int = DEFAULT_COST) -> str:
    """What is kept of a password, from which it cannot be told. Takes long, on purpose: call it in a thread."""
    salt = secrets.token_bytes(_SALT_BYTES)
    return f"scrypt:{cost}:{salt.hex()}:{_scrypt(password, salt, cost).hex()}"


def password_matches(password: str, kept: str) -> bool:
    """True for the password of which ``kept`` was made. Takes as long."""
    _, cost, salt, digest = kept.split(":")
    return hmac.compare_digest(_scrypt(password, bytes.fromhex(salt), int(cost)), bytes.fromhex(digest))


def _scrypt(password: str, salt: bytes, cost: int) -> bytes:
    memory = 128 * _BLOCK << cost
    entered = password.encode("utf-8", "surrogatepass")
    return hashlib.scrypt(entered, salt=salt, n=1 << cost, r=_BLOCK, p=1, maxmem=memory + (1 << 20))
