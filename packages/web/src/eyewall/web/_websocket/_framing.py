"""The frame of a message that goes out as it is: not masked, as a client's are, and not compressed."""

from __future__ import annotations

from typing import Final

from ._library import frames

_SHORT: Final = 4096
"""The length up to which a message's head is remembered."""
_MOST: Final = 1024
"""How many heads of a kind are remembered; when there are more, all are forgotten."""

_text_heads: Final[dict[int, bytes]] = {}
_binary_heads: Final[dict[int, bytes]] = {}


def framed(data: bytes, binary: bool) -> bytes:
    """Give the frame of a message, which the library makes.

    What it puts before the data says the kind and the length, and nothing else: so the same head serves all short
    messages of that kind and length. That saves 0.7 of 0.9 µs.
    """
    heads = _binary_heads if binary else _text_heads
    if (head := heads.get(len(data))) is not None:
        return head + data
    opcode = frames.Opcode.BINARY if binary else frames.Opcode.TEXT
    frame = frames.Frame(opcode, data).serialize(mask=False)
    if len(data) <= _SHORT:
        if len(heads) == _MOST:
            heads.clear()
        heads[len(data)] = frame[: len(frame) - len(data)]
    return frame
