"""The header fields that every response begins with."""

from __future__ import annotations

from time import time
from typing import Final

from eyewall.httpserver import HTTPHeaders

from ._dates import format_timestamp

SERVER: Final = "eyewall"
MAX_LENGTHS: Final = 256


class DefaultHeaders:
    """The fields as they are this second: server, content type and date."""

    __slots__ = ("_by_length", "_headers", "_second")

    def __init__(self) -> None:
        self._second: int = -1
        self._headers = HTTPHeaders()
        self._by_length: dict[int, HTTPHeaders] = {}

    def copy(self) -> HTTPHeaders:
        """Give a set of one's own."""
        self._refresh()
        return self._headers.copy()

    def with_length(self, length: int) -> HTTPHeaders:
        """Give the set, with a Content-Length, that responses of this second share; it is not to be changed."""
        self._refresh()
        headers = self._by_length.get(length)
        if headers is None:
            headers = self._headers.copy()
            headers["Content-Length"] = str(length)
            if len(self._by_length) < MAX_LENGTHS:
                self._by_length[length] = headers
        return headers

    def _refresh(self) -> None:
        now = int(time())
        if now != self._second:
            self._second = now
            self._by_length = {}
            self._headers = HTTPHeaders(
                {"Server": SERVER, "Content-Type": "text/html; charset=UTF-8", "Date": format_timestamp(now)}
            )


default_headers: Final = DefaultHeaders()
