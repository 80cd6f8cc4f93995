"""A message for many connections, framed once, and compressed once for each size of window."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ._connection import encode
from ._library import deflate, frames

if TYPE_CHECKING:
    from collections.abc import Mapping


class SharedFrame:
    """A frame from a server: unmasked, and of a message that is compressed by itself, so that all can have the same."""

    def __init__(self, message: str | bytes | Mapping[str, object], binary: bool) -> None:
        data, binary = encode(message, binary)
        self._frame = frames.Frame(frames.Opcode.BINARY if binary else frames.Opcode.TEXT, data)
        self._made: dict[int | None, bytes] = {}

    def for_window(self, bits: int | None) -> bytes:
        """Give it compressed with a window of that size; None: as it is."""
        made = self._made.get(bits)
        if made is None:
            extensions = [] if bits is None else [deflate.PerMessageDeflate(True, True, 15, bits)]
            made = self._made[bits] = self._frame.serialize(mask=False, extensions=extensions)
        return made
