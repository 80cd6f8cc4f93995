"""What a photograph's file says beside the picture, such as where it was taken, is left out. No pixel is touched.

Whatever is not known to be needed for the picture goes: a camera may write what it likes, and wherever it likes. Of
Exif stays which way is up, as phones turn no pixels either.
"""

from __future__ import annotations

import re
import struct
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

# JPEG, ITU-T T.81 annex B.
_SCAN: Final = 0xDA
_END: Final = 0xD9
_EXIF_SEGMENT: Final = 0xE1
_COMMENT: Final = 0xFE
# Segments of applications that say how the picture looks: its colours, mostly.
_NEEDED: Final = {0xE0: b"JFIF\0", 0xE2: b"ICC_PROFILE\0", 0xEE: b"Adobe"}
_EXIF: Final = b"Exif\0\0"
_marker = re.compile(rb"\xff+([\x01-\xfe])", re.DOTALL).match
# Within a scan 0xff is data where a zero follows, and some markers belong to it.
_end_of_scan = re.compile(rb"\xff[^\x00\xd0-\xd7\xff]", re.DOTALL).search

# PNG, and its animations.
_CHUNKS: Final = frozenset(b"IHDR PLTE IDAT IEND tRNS gAMA cHRM sRGB iCCP sBIT cICP bKGD pHYs acTL fcTL fdAT".split())
# WebP, RFC 9649.
_WEBP_CHUNKS: Final = frozenset((b"VP8X", b"VP8 ", b"VP8L", b"ALPH", b"ANIM", b"ANMF", b"ICCP"))
_WEBP_FLAGS: Final = 0x0C
"""What the first chunk says of Exif and XMP behind it."""

# TIFF, which Exif is written in.
_ORIENTATION: Final = 0x0112
_SHORT: Final = 3


class DamagedError(ValueError):
    """A file ends where it should not, or is otherwise none of its kind."""


def without_metadata(kind: str, content: bytes) -> bytes:
    """Give a photograph of a kind (``"jpg"``, ``"png"``, ``"webp"``) with nothing but the picture; others as they are.

    Raises :class:`DamagedError`.
    """
    cleaned = _CLEANERS.get(kind)
    return content if cleaned is None else b"".join(cleaned(content))


def _jpeg(content: bytes) -> Iterator[bytes]:
    yield content[:2]
    at, scans = 2, 0
    while (marker := _marker(content, at)) is not None:
        code, at = marker[1][0], marker.end()
        if code == _END:
            yield b"\xff\xd9"
            return  # what stands behind is another file: a film, or a smaller picture
        segment = content[at : at + int.from_bytes(content[at : at + 2], "big")]
        if len(segment) < 2 or len(segment) != int.from_bytes(segment[:2], "big"):
            raise DamagedError("a segment is cut off")
        at += len(segment)
        yield from _of_segment(code, segment)
        if code == _SCAN:
            scans += 1
            end = _end_of_scan(content, at)
            start, at = at, len(content) if end is None else end.start()
            yield content[start:at]
    if at < len(content) or not scans:
        raise DamagedError("there is no picture in it")


def _of_segment(code: int, segment: bytes) -> Iterator[bytes]:
    """Give a segment if it is needed, and of Exif what is."""
    is_application = 0xE0 <= code <= 0xEF or code == _COMMENT
    if not is_application or (code in _NEEDED and segment.startswith(_NEEDED[code], 2)):
        yield bytes((0xFF, code)) + segment
    elif code == _EXIF_SEGMENT and segment.startswith(_EXIF, 2):
        orientation = _orientation(segment[2 + len(_EXIF) :])
        if 1 < orientation <= 8:
            # A directory of one entry, as in section 2 of TIFF 6.0.
            tiff = struct.pack(">4sIHHHIHHI", b"MM\0*", 8, 1, _ORIENTATION, _SHORT, 1, orientation, 0, 0)
            yield struct.pack(">BBH", 0xFF, code, 2 + len(_EXIF) + len(tiff)) + _EXIF + tiff


def _orientation(tiff: bytes) -> int:
    """Give which way is up, 1 to 8; 1 where nothing is said of it."""
    order = {b"II*\0": "<", b"MM\0*": ">"}.get(tiff[:4])
    if order is None:
        return 1
    try:
        (directory,) = struct.unpack_from(order + "I", tiff, 4)
        (count,) = struct.unpack_from(order + "H", tiff, directory)
        for entry in range(directory + 2, directory + 2 + 12 * count, 12):
            tag, type_, _, value = struct.unpack_from(order + "HHIH", tiff, entry)
            if (tag, type_) == (_ORIENTATION, _SHORT):
                return int(value)
    except struct.error:
        pass  # it is not needed to see the picture
    return 1


def _png(content: bytes) -> Iterator[bytes]:
    yield content[:8]
    at, name = 8, b""
    while name != b"IEND":
        name = content[at + 4 : at + 8]
        end = at + 12 + int.from_bytes(content[at : at + 4], "big")
        if len(name) < 4 or end > len(content):
            raise DamagedError("a chunk is cut off")
        if name in _CHUNKS:
            yield content[at:end]
        at = end


def _webp(content: bytes) -> Iterator[bytes]:
    kept: list[bytes] = []
    at, over = 12, min(len(content), 8 + int.from_bytes(content[4:8], "little"))
    while at < over:
        name, size = content[at : at + 4], int.from_bytes(content[at + 4 : at + 8], "little")
        chunk = content[at : at + 8 + size]
        if len(chunk) < 8 + size or not size:
            raise DamagedError("a chunk is cut off")
        if name == b"VP8X":
            chunk = chunk[:8] + bytes((chunk[8] & ~_WEBP_FLAGS,)) + chunk[9:]
        if name in _WEBP_CHUNKS:
            kept += [chunk, b"\0" * (size % 2)]
        at += 8 + size + size % 2
    yield struct.pack("<4sI4s", b"RIFF", 4 + sum(map(len, kept)), b"WEBP")
    yield from kept


_CLEANERS: Final[dict[str, Callable[[bytes], Iterator[bytes]]]] = {"jpg": _jpeg, "png": _png, "webp": _webp}
