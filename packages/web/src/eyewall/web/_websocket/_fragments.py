"""A message that comes in several frames."""

from __future__ import annotations

import codecs
from io import StringIO
from typing import Final

_decoder: Final = codecs.getincrementaldecoder("utf-8")


class Fragments:
    """What has come of a message: a text is decoded piece by piece, so that one that is none is found at once.

    The pieces are joined as they come: as objects of their own, very small ones would take many times their size.
    """

    __slots__ = ("_bytes", "_decoder", "_text", "size")

    def __init__(self, *, is_text: bool) -> None:
        self._decoder = _decoder() if is_text else None
        self._text = StringIO(newline="")
        self._bytes = bytearray()
        self.size = 0
        """How many bytes have come."""

    def add(self, data: bytes | bytearray | memoryview, *, is_last: bool) -> str | bytes | None:
        """Add what a frame holds; give the message once it is whole. Raises ``UnicodeDecodeError``."""
        self.size += len(data)
        if self._decoder is None:
            self._bytes += data
            return bytes(self._bytes) if is_last else None
        self._text.write(self._decoder.decode(data, is_last))
        return self._text.getvalue() if is_last else None
