"""Media types of files by their names: those of ``mimetypes``, and newer ones that it may not know."""

from __future__ import annotations

from typing import Final

# What pages load today; the list of Python 3.11 is older, and whether the system has one of its own is chance.
_NEWER: Final = {
    ".avif": "image/avif",
    ".gltf": "model/gltf+json",
    ".ico": "image/vnd.microsoft.icon",
    ".jxl": "image/jxl",
    ".map": "application/json",
    ".md": "text/markdown",
    ".mjs": "text/javascript",
    ".opus": "audio/ogg",
    ".otf": "font/otf",
    ".ttf": "font/ttf",
    ".wasm": "application/wasm",
    ".webm": "video/webm",
    ".webmanifest": "application/manifest+json",
    ".webp": "image/webp",
    ".woff": "font/woff",
    ".woff2": "font/woff2",
    ".yaml": "application/yaml",
}
_UNKNOWN: Final = "application/octet-stream"


def media_type_of(path: str) -> str:
    """Return the media type of a file; ``application/octet-stream`` for one that is not known, or is compressed.

    What a program has told ``mimetypes.add_type`` counts first.
    """
    from mimetypes import guess_type  # slow to import, and needed here only

    media_type, encoding = guess_type(path)
    if encoding is not None:
        return "application/gzip" if encoding == "gzip" else _UNKNOWN
    if media_type is None:
        media_type = _NEWER.get("." + path.rpartition(".")[2].lower())
    return media_type or _UNKNOWN


def is_text(media_type: str) -> bool:
    """True if a charset says something of the file; XML says for itself in what it is written (RFC 7303)."""
    return media_type == "application/javascript" or (media_type.startswith("text/") and media_type != "text/xml")
