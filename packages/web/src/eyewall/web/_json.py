"""JSON as it goes into a response."""

from __future__ import annotations

from json import dumps
from typing import Any

from ._decode import installed_msgspec


def json_encode(value: object) -> str:
    r"""Write a value as JSON that may stand inside an HTML ``<script>``: ``</`` becomes ``<\/``, the same to JSON."""
    return dumps(value).replace("</", "<\\/")


def encode_result(value: object) -> bytes:
    """Write what a typed handler returned as JSON, dataclasses and their like too; by msgspec where it is installed.

    Raises ``TypeError`` for what has no form in JSON.
    """
    codec = installed_msgspec()
    if codec is not None:
        encoded: bytes = codec.json.encode(value, enc_hook=_plain)
        return encoded
    return dumps(value, default=_plain, separators=(",", ":"), ensure_ascii=False).encode()


def _plain(value: Any) -> object:
    """Make what JSON can hold of what it cannot."""
    if hasattr(value, "model_dump"):
        return value.model_dump(mode="json")
    if hasattr(value, "__dataclass_fields__"):
        return {name: getattr(value, name) for name in value.__dataclass_fields__}
    if hasattr(value, "isoformat"):
        return value.isoformat()
    if isinstance(value, set | frozenset):
        return list(value)
    from enum import Enum
    from uuid import UUID

    if isinstance(value, Enum):
        return value.value
    if isinstance(value, UUID):
        return str(value)
    raise TypeError(f"{value!r} has no form in JSON: return a dict, a list, a dataclass or a text")
