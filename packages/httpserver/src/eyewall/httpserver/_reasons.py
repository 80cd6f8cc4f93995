"""Reason phrases, and status lines made once."""

from __future__ import annotations

from functools import lru_cache
from http import HTTPStatus
from typing import Final

responses: Final[dict[int, str]] = {status.value: status.phrase for status in HTTPStatus}
"""The reason phrase of each status that there is."""


@lru_cache(maxsize=256)
def status_line(code: int, reason: str) -> bytes:
    """The first line of a response, with its end."""
    return f"HTTP/1.1 {code} {reason}\r\n".encode("latin-1")
