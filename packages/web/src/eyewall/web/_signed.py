"""Signed values: text that a client carries and cannot forge, in the formats that Tornado reads and writes.

Version 1, of Tornado before 3.2, is ``value|timestamp|signature`` with HMAC-SHA1 and is only read. Version
2 is ``2|key version|timestamp|name|value|signature``, each field but the first and last with its length
before it and a colon, with HMAC-SHA256. The value is in Base64; the timestamp, in seconds since 1970, and the
name are under the signature, so that neither an old value nor another cookie's passes for this one.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final, NamedTuple

from ._log import general_log

if TYPE_CHECKING:
    from collections.abc import Callable

Secret = str | bytes | dict[int, str] | dict[int, bytes]
"""A key, or several by their versions, so that keys can be changed while old cookies are still read."""

DEFAULT_SIGNED_VALUE_VERSION: Final = 2
DEFAULT_SIGNED_VALUE_MIN_VERSION: Final = 1

_DAY: Final = 86400
_FUTURE: Final = 31 * _DAY


class _Fields(NamedTuple):
    key_version: int
    timestamp: int
    name: bytes
    value: bytes
    signed: bytes
    signature: bytes


def create_signed_value(
    secret: Secret,
    name: str,
    value: str | bytes,
    version: int | None = None,
    clock: Callable[[], float] | None = None,
    key_version: int | None = None,
) -> bytes:
    """Sign a value for a name, with the key ``key_version`` where ``secret`` is a dict.

    ``clock`` gives the seconds since 1970 (default: ``time.time``). Raises ``ValueError`` for a
    version other than 1 and 2, and where the key's version and the secret do not go together.
    """
    from base64 import b64encode

    version = DEFAULT_SIGNED_VALUE_VERSION if version is None else version
    timestamp = str(int((clock or time.time)())).encode()
    encoded = b64encode(_bytes(value))
    if version == 1:
        if isinstance(secret, dict):
            raise ValueError("a value of version 1 has no key version: sign it with a single key")
        return b"|".join([encoded, timestamp, _signature_v1(_bytes(secret), name, encoded, timestamp)])
    if version != 2:
        raise ValueError(f"there is no signed value of version {version!r}; there are 1 and 2")
    key = _key(secret, key_version)
    if key is None:
        raise ValueError(
            f"there is no key of version {key_version!r} to sign with; give key_version one of the secret's"
        )
    fields = [str(key_version or 0).encode(), timestamp, _bytes(name), encoded]
    signed = b"2|" + b"".join([b"%d:%s|" % (len(field), field) for field in fields])
    return signed + _signature_v2(key, signed)


def decode_signed_value(
    secret: Secret,
    name: str,
    value: str | bytes | None,
    max_age_days: float = 31,
    clock: Callable[[], float] | None = None,
    min_version: int | None = None,
) -> bytes | None:
    """Return the value that was signed for this name; None if it was not, or more than ``max_age_days`` ago.

    Raises ``ValueError`` for a ``min_version`` above 2.
    """
    min_version = DEFAULT_SIGNED_VALUE_MIN_VERSION if min_version is None else min_version
    if min_version > 2:
        raise ValueError(f"there is no signed value of version {min_version!r}; there are 1 and 2")
    if not value:
        return None
    given = _bytes(value)
    oldest = (clock or time.time)() - max_age_days * _DAY
    if given.startswith(b"2|"):
        return _decode_v2(secret, name, given, oldest)
    if min_version > 1 or isinstance(secret, dict):
        return None
    return _decode_v1(_bytes(secret), name, given, oldest, (clock or time.time)())


def get_signature_key_version(value: str | bytes) -> int | None:
    """Return the version of the key that a value claims to be signed with; None if it has none."""
    fields = _fields(_bytes(value))
    return None if fields is None else fields.key_version


def _decode_v2(secret: Secret, name: str, given: bytes, oldest: float) -> bytes | None:
    from hmac import compare_digest

    fields = _fields(given)
    key = None if fields is None else _key(secret, fields.key_version)
    if fields is None or key is None or not compare_digest(fields.signature, _signature_v2(key, fields.signed)):
        return None
    if fields.name != _bytes(name) or fields.timestamp < oldest:
        return None
    return _from_base64(fields.value)


def _decode_v1(secret: bytes, name: str, given: bytes, oldest: float, now: float) -> bytes | None:
    from hmac import compare_digest

    parts = given.split(b"|")
    if len(parts) != 3:
        return None
    value, timestamp, signature = parts
    if not compare_digest(signature, _signature_v1(secret, name, value, timestamp)):
        general_log.warning("Invalid cookie signature of %r", name)
        return None
    # Digits of the value could be moved into the timestamp, as the signature runs over both without a
    # mark between them. What comes of it is far in the future or begins with a zero.
    if not _is_number(timestamp):
        return None
    if timestamp.startswith(b"0") or int(timestamp) > now + _FUTURE:
        general_log.warning("Cookie timestamp of %r in the future; possible tampering", name)
        return None
    if int(timestamp) < oldest:
        return None
    return _from_base64(value)


def _fields(given: bytes) -> _Fields | None:
    """Take a value of version 2 apart; None if it is not of that form."""
    if not given.startswith(b"2|"):
        return None
    fields: list[bytes] = []
    rest = given[2:]
    for _ in range(4):
        length, colon, rest = rest.partition(b":")
        if not colon or not length.isdigit() or len(length) > 9:
            return None
        field, rest = rest[: int(length)], rest[int(length) :]
        if len(field) != int(length) or not rest.startswith(b"|"):
            return None
        fields.append(field)
        rest = rest[1:]
    key_version, timestamp, name, value = fields
    if not (_is_number(key_version) and _is_number(timestamp)):
        return None
    return _Fields(int(key_version), int(timestamp), name, value, given[: len(given) - len(rest)], rest)


def _is_number(field: bytes) -> bool:
    return field.isdigit() and len(field) <= 20


def _key(secret: Secret, key_version: int | None) -> bytes | None:
    if not isinstance(secret, dict):
        return _bytes(secret)
    key = None if key_version is None else secret.get(key_version)
    return None if key is None else _bytes(key)


def _signature_v1(secret: bytes, name: str, value: bytes, timestamp: bytes) -> bytes:
    return _hmac("sha1", secret, _bytes(name) + value + timestamp)


def _signature_v2(secret: bytes, signed: bytes) -> bytes:
    return _hmac("sha256", secret, signed)


def _hmac(digest: str, secret: bytes, signed: bytes) -> bytes:
    from hmac import digest as hmac_digest

    # Named, and in one call: OpenSSL does it all, in a fifth of the time.
    return hmac_digest(secret, signed, digest).hex().encode()


def _from_base64(value: bytes) -> bytes | None:
    from base64 import b64decode

    try:
        return b64decode(value)
    except ValueError:
        return None


def _bytes(text: str | bytes) -> bytes:
    return text.encode() if isinstance(text, str) else text
