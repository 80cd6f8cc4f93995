"""The header fields that every response begins with."""

from __future__ import annotations

from time import time
from typing import Final

from eyewall.httpserver import HTTPHeaders

from ._dates import format_timestamp

SERVER: Final = "eyewall"


class _Defaults:
    """The fields as they are this second: a response starts with a copy."""

    __slots__ = ("_headers", "_second")

    def __init__(self) -> None:
        self._second = -1
        self._headers = HTTPHeaders()

    def copy(self) -> HTTPHeaders:
        now = int(time())
        if now != self._second:
            self._second = now
            self._headers = HTTPHeaders(
                {"Server": SERVER, "Content-Type": "text/html; charset=UTF-8", "Date": format_timestamp(now)}
            )
        return self._headers.copy()


default_headers: Final = _Defaults().copy
"""Give a fresh set of the default fields, with the date."""
