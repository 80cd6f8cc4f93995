"""Output transforms that compress: loaded by an application that does."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from eyewall.httpserver import best_encoding

from ._codings import installed, make_compressor
from ._transforms import OutputTransform, add_vary

if TYPE_CHECKING:
    from eyewall.httpserver import HTTPHeaders, HTTPServerRequest

    from ._codings import Compressor
    from ._transforms import Remembered


class ContentEncoding(OutputTransform):
    """Compresses text that is worth it, in the coding that the client prefers (RFC 9110 section 12.5.3).

    The setting ``compress_response=True`` enables it. It supports ``gzip``, and ``br`` and ``zstd`` if the extras
    ``eyewall-web[brotli]`` and ``eyewall-web[zstd]`` are installed. A response that already has a
    ``Content-Encoding``, or is only a part (206), is left alone, and so is a complete response shorter than
    :attr:`MIN_LENGTH`.
    """

    CONTENT_TYPES: ClassVar[frozenset[str]] = frozenset(
        (
            "application/javascript",
            "application/x-javascript",
            "application/xml",
            "application/atom+xml",
            "application/json",
            "application/ld+json",
            "application/manifest+json",
            "application/wasm",
            "application/xhtml+xml",
            "image/svg+xml",
        )
    )
    """The media types that are compressed, in addition to ``text/*``."""

    GZIP_LEVEL: ClassVar[int] = 6
    """1 (quick) to 9 (small)."""

    MIN_LENGTH: ClassVar[int] = 1024
    """Bytes: a complete response shorter than this is not compressed."""

    CODINGS: ClassVar[tuple[str, ...]] = ("zstd", "br", "gzip")
    """The codings to use, in order of preference if the client likes several equally."""

    def __init__(self, request: HTTPServerRequest) -> None:
        self._coding = best_encoding(request.headers.get("Accept-Encoding"), installed(self.CODINGS))
        self._compressor: Compressor | None = None
        self._remembered: Remembered | None = None

    def transform_first_chunk(
        self, status_code: int, headers: HTTPHeaders, chunk: bytes, finishing: bool
    ) -> tuple[int, HTTPHeaders, bytes]:
        """Begin to compress, if it is worth it."""
        if not self._is_text(headers.get("Content-Type", "")):
            return status_code, headers, chunk
        headers = headers.copy()
        add_vary(headers, "Accept-Encoding")
        coding = self._coding
        if coding is not None and coding != "identity" and self._is_worth_it(status_code, headers, chunk, finishing):
            headers["Content-Encoding"] = coding
            _weaken_etag(headers)
            chunk = self._first_chunk(coding, chunk, finishing)
            if "Content-Length" in headers:
                if finishing:
                    headers["Content-Length"] = str(len(chunk))
                else:
                    del headers["Content-Length"]
        return status_code, headers, chunk

    def transform_chunk(self, chunk: bytes, finishing: bool) -> bytes:
        """Compress a piece."""
        if self._compressor is None:
            return chunk
        return self._compressor.compress(chunk, finishing)

    def _first_chunk(self, coding: str, chunk: bytes, finishing: bool) -> bytes:
        remembered = self._remembered if finishing else None
        if remembered is not None and (known := remembered.get(coding)) is not None:
            return known
        self._compressor = make_compressor(coding, self.GZIP_LEVEL)
        encoded = self.transform_chunk(chunk, finishing)
        if remembered is not None:
            remembered.put(coding, encoded)
        return encoded

    def remember(self, remembered: Remembered) -> None:
        """Compress what comes next only where that is not known already; not in a subclass with steps of its own."""
        own = type(self)
        if (own.transform_first_chunk, own.transform_chunk) == _STEPS:
            self._remembered = remembered

    def changes_body(self) -> bool:
        """True if it compresses."""
        return self._compressor is not None

    def _is_text(self, content_type: str) -> bool:
        media_type = content_type.partition(";")[0].strip().lower()
        return media_type.startswith("text/") or media_type in self.CONTENT_TYPES

    def _is_worth_it(self, status_code: int, headers: HTTPHeaders, chunk: bytes, finishing: bool) -> bool:
        return (
            status_code not in {204, 206, 304}
            and "Content-Encoding" not in headers
            and "no-transform" not in headers.get("Cache-Control", "")
            and (not finishing or len(chunk) >= self.MIN_LENGTH)
        )


_STEPS = (ContentEncoding.transform_first_chunk, ContentEncoding.transform_chunk)


class GZipContentEncoding(ContentEncoding):
    """Tornado's: :class:`ContentEncoding` with gzip only."""

    CODINGS: ClassVar[tuple[str, ...]] = ("gzip",)


def _weaken_etag(headers: HTTPHeaders) -> None:
    """Say that the tag is that of the meaning, not of these bytes (RFC 9110 section 8.8.1)."""
    etag = headers.get("Etag")
    if etag is not None and not etag.startswith("W/"):
        headers["Etag"] = f"W/{etag}"
