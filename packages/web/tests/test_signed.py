"""Signed values: what is read back, and what an attacker may try."""

from __future__ import annotations

import hashlib
import hmac
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eyewall.web import create_signed_value, decode_signed_value, get_signature_key_version

if TYPE_CHECKING:
    from eyewall.web import Secret

SECRET = "It's a secret to everybody"
NOW = 1_400_000_000.0
DAY = 86400


def signed(value: str | bytes = "value", *, name: str = "key", secret: Secret = SECRET, version: int = 2) -> bytes:
    return create_signed_value(secret, name, value, version=version, clock=lambda: NOW)


def read(value: str | bytes | None, *, name: str = "key", secret: Secret = SECRET, later: float = 0) -> bytes | None:
    return decode_signed_value(secret, name, value, clock=lambda: NOW + later)


@given(st.binary(), st.text(), st.sampled_from([1, 2]))
def test_what_was_signed_is_read_back(value: bytes, name: str, version: int) -> None:
    assert read(signed(value, name=name, version=version), name=name) == value


def test_the_formats_are_those_that_tornado_reads() -> None:
    # Worked out from their description, and checked against Tornado 6.6.
    assert signed(name="key", value=b"\xe9") == (
        b"2|1:0|10:1400000000|3:key|4:6Q==|"
        + hmac.new(SECRET.encode(), b"2|1:0|10:1400000000|3:key|4:6Q==|", hashlib.sha256).hexdigest().encode()
    )
    assert signed(version=1) == b"dmFsdWU=|1400000000|" + v1_signature(b"keydmFsdWU=1400000000")


def v1_signature(text: bytes) -> bytes:
    return hmac.new(SECRET.encode(), text, hashlib.sha1).hexdigest().encode()


@pytest.mark.parametrize("version", [1, 2])
def test_another_name_another_key_and_another_value_are_not_taken(version: int) -> None:
    value = signed(version=version)
    assert read(value, name="other") is None
    assert read(value, secret="another secret") is None
    for index in range(len(value)):
        changed = bytearray(value)
        changed[index] ^= 1
        assert read(bytes(changed)) is None, f"byte {index} may be changed"
    assert read(value[:-1]) is None
    assert read(value + b"0") is None


@pytest.mark.parametrize("version", [1, 2])
def test_a_value_ends_after_max_age_days(version: int) -> None:
    value = signed(version=version)
    assert read(value, later=31 * DAY) == b"value"
    assert read(value, later=31 * DAY + 1) is None
    assert decode_signed_value(SECRET, "key", value, max_age_days=40, clock=lambda: NOW + 39 * DAY) == b"value"


def test_digits_that_were_moved_from_the_value_to_the_timestamp_are_found() -> None:
    value, timestamp, signature = signed(b"\xd7m\xf8\xe7\xae\xfc", version=1).split(b"|")
    assert value == b"12345678"
    assert read(value[:4] + b"|" + value[4:] + timestamp + b"|" + signature) is None
    zeros = b"QUJD0000"
    forged = b"|".join([zeros[:4], b"0000" + timestamp, v1_signature(b"key" + zeros + timestamp)])
    assert read(forged) is None


def test_old_values_may_be_refused_by_their_version() -> None:
    assert decode_signed_value(SECRET, "key", signed(version=1), clock=lambda: NOW, min_version=2) is None
    assert decode_signed_value(SECRET, "key", signed(version=2), clock=lambda: NOW, min_version=2) == b"value"
    with pytest.raises(ValueError, match="no signed value of version 3"):
        decode_signed_value(SECRET, "key", b"2|", min_version=3)
    with pytest.raises(ValueError, match="no signed value of version 3"):
        signed(version=3)


def test_keys_can_be_changed_while_old_cookies_are_read() -> None:
    keys = {0: "ajklasdf0ojaisdf", 1: "aslkjasaolwkjsdf"}
    value = create_signed_value(keys, "key", "value", clock=lambda: NOW, key_version=0)
    assert get_signature_key_version(value) == 0
    assert read(value, secret=keys) == b"value"
    assert read(value, secret={1: keys[1]}) is None
    assert read(signed(version=1, secret=keys[0]), secret=keys) is None
    with pytest.raises(ValueError, match="no key of version 2 to sign with"):
        create_signed_value(keys, "key", "value", key_version=2)
    with pytest.raises(ValueError, match="no key version"):
        create_signed_value(keys, "key", "value", version=1, key_version=0)


@given(st.one_of(st.none(), st.text(), st.binary(), st.text().map("2|".__add__), st.binary().map(b"2|".__add__)))
def test_garbage_is_none_and_never_an_error(garbage: str | bytes | None) -> None:
    assert read(garbage) is None
    assert garbage is None or get_signature_key_version(garbage) is None or garbage


@pytest.mark.parametrize(
    "value",
    [
        b"2|1:0|10:1400000000|3:key|999999999999:dmFsdWU=|0",
        b"2|1:0|1" + b"0" * 5000 + b":1|3:key|8:dmFsdWU=|0",
        b"2|1:x|10:1400000000|3:key|8:dmFsdWU=|0",
        b"2|1:0|10:1400000000|3:key|-8:dmFsdWU=|0",
    ],
)
def test_lengths_that_lie_are_refused(value: bytes) -> None:
    assert read(value) is None
    assert get_signature_key_version(value) is None
