"""Content codings undone (RFC 9110 section 8.4).

gzip and deflate need the standard library only, br and zstd the extras ``brotli`` and ``zstd``.
"""

from __future__ import annotations

import sys
import zlib
from importlib import import_module
from typing import TYPE_CHECKING, Any, Final, Protocol

from .errors import HTTPInputError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

# A gzip body may have several members one behind the other; nobody needs many, and each costs a decompressor.
_MAX_MEMBERS: Final = 1000
# RFC 9659: whoever decodes zstd on the web need not hold more than 8 MiB of its past.
_ZSTD_WINDOW_LOG: Final = 23


class Decoder(Protocol):
    """Undoes one coding, piece by piece, never with more than asked for in memory."""

    @property
    def needs_input(self) -> bool:
        """True if :meth:`decode` has nothing to give before it gets more."""
        ...

    @property
    def complete(self) -> bool:
        """True if the input so far is a whole."""
        ...

    def decode(self, data: bytes, max_length: int, /) -> bytes:
        """Take ``data``, and give at most ``max_length`` bytes. Raises :class:`HTTPInputError`."""
        ...


class _Inflater:
    """Decodes gzip, with all its members, or deflate in zlib's format (which is what the RFC means by the name)."""

    __slots__ = ("_members", "_name", "_rest", "_window_bits", "_zlib", "needs_input")

    def __init__(self, name: str, window_bits: int) -> None:
        self._name = name
        self._window_bits = window_bits
        self._zlib = zlib.decompressobj(window_bits)
        self._rest = b""
        self._members = 1
        self.needs_input = True

    @property
    def complete(self) -> bool:
        return self._zlib.eof and not self._rest

    def decode(self, data: bytes, max_length: int, /) -> bytes:
        data = self._rest + data
        if self._zlib.eof and data:
            self._next_member()
        try:
            piece = self._zlib.decompress(data, max_length)
        except zlib.error as error:
            raise _invalid(self._name, error) from error
        self._rest = self._zlib.unused_data if self._zlib.eof else self._zlib.unconsumed_tail
        # A full piece may not be all: some of what was taken in can be still to come.
        self.needs_input = not self._rest and len(piece) < max_length
        return piece

    def _next_member(self) -> None:
        self._members += 1
        if self._name != "gzip" or self._members > _MAX_MEMBERS:
            raise _invalid(self._name, "something follows its end")
        self._zlib = zlib.decompressobj(self._window_bits)


class _Brotli:
    __slots__ = ("_brotli", "_error", "_full", "_held", "needs_input")

    def __init__(self) -> None:
        brotli: Any = import_module("brotli")  # Any: the library is not typed
        self._brotli: Any = brotli.Decompressor()
        self._error: type[Exception] = brotli.error
        self._held = b""
        self._full = False
        self.needs_input = True

    @property
    def complete(self) -> bool:
        return bool(self._brotli.is_finished())

    def decode(self, data: bytes, max_length: int, /) -> bytes:
        if data and self.complete:
            raise _invalid("br", "something follows its end")
        if not self._held:
            try:
                self._held = self._brotli.process(data, output_buffer_limit=max_length)
                self._full = len(self._held) >= max_length
            except self._error as error:
                raise _invalid("br", error) from error
        # The library takes its limit for a hint.
        piece, self._held = self._held[:max_length], self._held[max_length:]
        self.needs_input = not self._held and (self.complete or not self._full)
        return piece


class _Zstd:
    __slots__ = ("_error", "_zstd", "needs_input")

    def __init__(self) -> None:
        # Any: one of two modules of the same shape, of which each Python has but one.
        zstd: Any = import_module("compression.zstd" if sys.version_info >= (3, 14) else "backports.zstd")
        self._zstd: Any = zstd.ZstdDecompressor(options={zstd.DecompressionParameter.window_log_max: _ZSTD_WINDOW_LOG})
        self._error: type[Exception] = zstd.ZstdError
        self.needs_input = True

    @property
    def complete(self) -> bool:
        return bool(self._zstd.eof)

    def decode(self, data: bytes, max_length: int, /) -> bytes:
        if self.complete:
            if data:
                raise _invalid("zstd", "something follows its end")
            return b""
        try:
            piece: bytes = self._zstd.decompress(data, max_length)
        except self._error as error:
            raise _invalid("zstd", error) from error
        if self._zstd.unused_data:
            raise _invalid("zstd", "something follows its end")
        self.needs_input = bool(self._zstd.needs_input or self._zstd.eof)
        return piece


_GZIP_BITS: Final = 16 + zlib.MAX_WBITS
_DECODERS: Final[Mapping[str, Callable[[], Decoder]]] = {
    "gzip": lambda: _Inflater("gzip", _GZIP_BITS),
    "x-gzip": lambda: _Inflater("gzip", _GZIP_BITS),
    "deflate": lambda: _Inflater("deflate", zlib.MAX_WBITS),
    "br": _Brotli,
    "zstd": _Zstd,
}
_EXTRAS: Final = {"br": "brotli", "zstd": "zstd"}


def decoder_for(coding: str) -> Decoder | None:
    """Make what undoes a coding; None for one that is not known here.

    Raises :class:`HTTPInputError` (415) if its library is not installed.
    """
    make = _DECODERS.get(coding.lower())
    if make is None:
        return None
    try:
        return make()
    except ImportError as error:
        extra = f"eyewall-httpserver[{_EXTRAS.get(coding.lower(), coding)}]"
        raise HTTPInputError(
            f"Content-Encoding {coding!r} needs {extra}, which is not installed", status=415
        ) from error


def _invalid(name: str, why: object) -> HTTPInputError:
    return HTTPInputError(f"invalid {name} data: {why}")
