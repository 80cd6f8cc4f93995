"""A message that comes in several frames."""

from __future__ import annotations

import codecs
from typing import Any, Final

_decoder: Final = codecs.getincrementaldecoder("utf-8")


class Fragments:
    """What has come of a message: a text is decoded piece by piece, so that one that is none is found at once."""

    __slots__ = ("_decoder", "_pieces")

    def __init__(self, *, is_text: bool) -> None:
        self._decoder = _decoder() if is_text else None
        self._pieces: list[Any] = []

    def add(self, data: bytes, *, is_last: bool) -> str | bytes | None:
        """Add what a frame holds; give the message once it is whole. Raises ``UnicodeDecodeError``."""
        if self._decoder is None:
            self._pieces.append(data)
            return b"".join(self._pieces) if is_last else None
        self._pieces.append(self._decoder.decode(data, is_last))
        return "".join(self._pieces) if is_last else None
