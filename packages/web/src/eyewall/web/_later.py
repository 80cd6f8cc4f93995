"""Imports what not every program needs when it is first asked for, as PEP 562 has it: the start is quicker so."""

from __future__ import annotations

import sys
from typing import Final

MODULES: Final[dict[str, tuple[str, ...]]] = {
    "._compress": ("ContentEncoding", "GZipContentEncoding"),
    "._events": ("EventSourceHandler", "ServerSentEvent"),
    "._fallback": ("FallbackHandler",),
    "._logformat": ("JSONLogFormatter", "TextLogFormatter"),
    "._redirect": ("RedirectHandler",),
    "._signed": (
        "DEFAULT_SIGNED_VALUE_MIN_VERSION",
        "DEFAULT_SIGNED_VALUE_VERSION",
        "Secret",
        "create_signed_value",
        "decode_signed_value",
        "get_signature_key_version",
    ),
    "._slashes": ("addslash", "removeslash"),
    "._static": ("StaticFileHandler",),
    "._typed": ("ROOT", "Handler", "Takes", "TakesNoState", "TakesState", "TypedPath", "TypedRoute"),
    "._uploads._files": ("UploadedFile",),
    "._uploads._handler": ("Form", "UploadHandler"),
    "._uploads._limits": ("FormLimits",),
    "._uploads._parts": ("FormPart", "PartReader"),
    "._uuid_part": ("UUID_PART",),
    "._websocket._client": ("WebSocketClientConnection", "websocket_connect"),
    "._websocket._errors": ("HTTPClientError", "WebSocketClosedError", "WebSocketError"),
    "._websocket._handler": ("WebSocketHandler", "broadcast"),
}
"""The public names that are taken from each such module; ``__init__`` says the same to a type checker."""
_homes: Final = {name: module for module, names in MODULES.items() for name in names}


def load(name: str) -> object:
    """Give a name of this package, which from then on has it; ``AttributeError`` for one that it has not."""
    from importlib import import_module

    package = sys.modules[__package__]
    if name not in _homes:
        raise AttributeError(f"module {__package__!r} has no attribute {name!r}", name=name, obj=package)
    value = getattr(import_module(_homes[name], __package__), name)
    setattr(package, name, value)
    return value


def public_names() -> list[str]:
    """Give what the package has, and what it would have when asked."""
    return sorted({*vars(sys.modules[__package__]), *_homes})
