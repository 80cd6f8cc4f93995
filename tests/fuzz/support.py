"""What the targets share: how an input is cut, and what the code under test says went wrong in it."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


def pieces(how: int, data: bytes) -> Iterator[bytes]:
    """Cut the data in one of 256 ways; 0 leaves it whole."""
    if not how:
        yield data
        return
    at = 0
    size = how
    while at < len(data):
        yield data[at : at + size]
        at += size
        size = (size * 7 + how) % 31 + 1


class Failures(logging.Handler):
    """Keeps what is logged as an error."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.messages: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Keep it."""
        self.messages.append(self.format(record))


FAILURES = Failures()
logging.getLogger("eyewall").addHandler(FAILURES)
logging.getLogger("eyewall").propagate = False
