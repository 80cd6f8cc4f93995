"""Content codings of responses, and the libraries that compress in them."""

from __future__ import annotations

import sys
from importlib import import_module
from typing import TYPE_CHECKING, Any, Final, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterable

_ZSTD: Final = "compression.zstd" if sys.version_info >= (3, 14) else "backports.zstd"
_LIBRARIES: Final = {"gzip": "zlib", "br": "brotli", "zstd": _ZSTD}
_known: Final[dict[str, bool]] = {}


class Compressor(Protocol):
    """Compresses one response."""

    def compress(self, chunk: bytes, finishing: bool, /) -> bytes:
        """Take a piece, the last if ``finishing``; give all that its receiver needs to read it."""
        ...


class _Gzip:
    def __init__(self, level: int) -> None:
        import zlib

        self._object = zlib.compressobj(level, zlib.DEFLATED, 16 + zlib.MAX_WBITS)
        self._flush = {True: zlib.Z_FINISH, False: zlib.Z_SYNC_FLUSH}

    def compress(self, chunk: bytes, finishing: bool, /) -> bytes:
        return self._object.compress(chunk) + self._object.flush(self._flush[finishing])


# The extras come without types that a checker would find where they are not installed: hence Any.


class _Brotli:
    QUALITY: Final = 4  # about as quick as gzip at 6, and smaller

    def __init__(self) -> None:
        self._object: Any = import_module("brotli").Compressor(quality=self.QUALITY)

    def compress(self, chunk: bytes, finishing: bool, /) -> bytes:
        rest = self._object.finish if finishing else self._object.flush
        compressed: bytes = self._object.process(chunk) + rest()
        return compressed


class _Zstd:
    def __init__(self) -> None:
        self._object: Any = import_module(_ZSTD).ZstdCompressor()

    def compress(self, chunk: bytes, finishing: bool, /) -> bytes:
        mode = self._object.FLUSH_FRAME if finishing else self._object.FLUSH_BLOCK
        compressed: bytes = self._object.compress(chunk, mode)
        return compressed


def make_compressor(coding: str, gzip_level: int) -> Compressor:
    """Begin to compress in a coding that :func:`installed` gave."""
    if coding == "br":
        return _Brotli()
    if coding == "zstd":
        return _Zstd()
    return _Gzip(gzip_level)


def installed(codings: Iterable[str]) -> list[str]:
    """Return those of the codings whose libraries are installed."""
    return [coding for coding in codings if _is_installed(coding)]


def _is_installed(coding: str) -> bool:
    if coding not in _known:
        _known[coding] = _is_there(_LIBRARIES[coding])
    return _known[coding]


def _is_there(module: str) -> bool:
    try:
        from importlib.util import find_spec

        return find_spec(module) is not None
    except ModuleNotFoundError:
        # Not even the package that it would be in.
        return False
