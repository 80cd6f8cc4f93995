"""What of a photograph's file is kept: the picture, and nothing of who took it, when and where."""

from __future__ import annotations

import struct

import pytest

from board.metadata import DamagedError, without_metadata

SECRET = b"59.3293 N 18.0686 E"


def segment(code: int, content: bytes) -> bytes:
    return struct.pack(">BBH", 0xFF, code, 2 + len(content)) + content


def exif(order: str, orientation: int | None) -> bytes:
    """What a camera writes: a directory in either order of bytes, with more than the one entry that is needed."""
    entries = [(0x010F, 2, len(SECRET), 100), (0x8825, 4, 1, 200)]
    tiff = struct.pack(order + "4sI", b"II*\0" if order == "<" else b"MM\0*", 12) + b"gap!"
    tiff += struct.pack(order + "H", len(entries) + (orientation is not None))
    tiff += struct.pack(order + "HHII", *entries[0])
    if orientation is not None:
        tiff += struct.pack(order + "HHIHH", 0x0112, 3, 1, orientation, 0)
    tiff += struct.pack(order + "HHII", *entries[1])
    return segment(0xE1, b"Exif\0\0" + tiff + SECRET)


SOI, EOI = b"\xff\xd8", b"\xff\xd9"
JFIF = segment(0xE0, b"JFIF\0\1\2\0\0\1\0\1\0\0")
COLOURS = segment(0xE2, b"ICC_PROFILE\0\1\1profile") + segment(0xEE, b"Adobe\0\x64\0\0\0\0\1")
TABLES = segment(0xDB, b"quantization") + segment(0xC2, b"frame") + segment(0xC4, b"huffman")
# Data that holds an escaped 0xff and a restart marker, in two scans with a table between.
SCANS = segment(0xDA, b"head") + b"one\xff\0\xff\xd0two" + segment(0xC4, b"h") + segment(0xDA, b"head") + b"three\xff\0"
BARE = SOI + JFIF + COLOURS + TABLES + SCANS + EOI


def jpeg(*more: bytes, behind: bytes = b"") -> bytes:
    """The same picture with more in it, also between its scans."""
    between = SCANS.replace(segment(0xC4, b"h"), segment(0xFE, SECRET) + segment(0xC4, b"h"))
    return SOI + JFIF + b"".join(more) + COLOURS + TABLES + between + EOI + behind


def test_a_jpeg_without_anything_stays_as_it_is() -> None:
    assert without_metadata("jpg", BARE) == BARE


@pytest.mark.parametrize(
    "more",
    [
        exif("<", None),
        exif(">", 1),
        exif("<", 9),
        segment(0xE1, b"http://ns.adobe.com/xap/1.0/\0<x:xmpmeta>" + SECRET),
        segment(0xE2, b"MPF\0" + SECRET),
        segment(0xED, b"Photoshop 3.0\0" + SECRET),
        segment(0xE0, b"JFXX\0" + SECRET),
        segment(0xE5, SECRET),
        segment(0xFE, SECRET),
        segment(0xE1, b"Exif\0\0II*\0\xff\xff\xff\xff" + SECRET),
        segment(0xE1, b"Exif\0\0MM"),
        b"\xff\xff" + segment(0xE1, b"Exif\0\0neither order" + SECRET),
    ],
)
def test_of_a_jpeg_only_the_picture_stays(more: bytes) -> None:
    assert without_metadata("jpg", jpeg(more, behind=SECRET)) == BARE


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("orientation", [2, 6, 8])
def test_which_way_is_up_stays_and_nothing_else_of_exif(order: str, orientation: int) -> None:
    cleaned = without_metadata("jpg", jpeg(exif(order, orientation)))
    entry = struct.pack(">HHIHH", 0x0112, 3, 1, orientation, 0)
    kept = segment(0xE1, b"Exif\0\0MM\0*\0\0\0\x08\0\1" + entry + bytes(4))
    assert cleaned == BARE.replace(JFIF, JFIF + kept)
    assert without_metadata("jpg", cleaned) == cleaned


def test_a_jpeg_that_is_cut_off_within_its_picture_is_kept_as_far_as_it_goes() -> None:
    assert without_metadata("jpg", BARE[:-5]) == BARE[:-5]


@pytest.mark.parametrize(
    "content", [SOI, BARE[:10], SOI + JFIF, SOI + JFIF + EOI[:1], SOI + b"\xff\xe1\0\1", SOI + SECRET]
)
def test_a_jpeg_without_a_picture_is_damaged(content: bytes) -> None:
    with pytest.raises(DamagedError):
        without_metadata("jpg", content)


def chunk(name: bytes, content: bytes = b"") -> bytes:
    return struct.pack(">I", len(content)) + name + content + b"crc!"


@pytest.mark.parametrize("name", [b"tEXt", b"zTXt", b"iTXt", b"eXIf", b"tIME", b"prVt"])
def test_of_a_png_only_the_picture_stays(name: bytes) -> None:
    before = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", b"size") + chunk(b"iCCP", b"colours")
    after = chunk(b"IDAT", b"picture") + chunk(b"IEND")
    assert without_metadata("png", before + chunk(name, SECRET) + after + SECRET) == before + after
    with pytest.raises(DamagedError):
        without_metadata("png", before + after[:-5])


def test_of_a_webp_only_the_picture_stays() -> None:
    def riff(*chunks: tuple[bytes, bytes]) -> bytes:
        body = b"".join(
            name + struct.pack("<I", len(content)) + content + b"\0" * (len(content) % 2) for name, content in chunks
        )
        return b"RIFF" + struct.pack("<I", 4 + len(body)) + b"WEBP" + body

    picture = (b"VP8 ", b"picture")
    said = riff((b"VP8X", b"\x2c" + bytes(9)), picture, (b"EXIF", SECRET), (b"XMP ", SECRET), (b"mine", SECRET))
    assert without_metadata("webp", said + SECRET) == riff((b"VP8X", b"\x20" + bytes(9)), picture)
    assert without_metadata("webp", riff(picture)) == riff(picture)
    with pytest.raises(DamagedError):
        without_metadata("webp", riff(picture)[:-3])


def test_what_has_no_place_for_it_stays_as_it_is() -> None:
    assert without_metadata("gif", b"GIF89a whatever") == b"GIF89a whatever"
