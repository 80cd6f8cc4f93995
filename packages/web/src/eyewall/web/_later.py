"""What not every program needs: it is imported when it is first asked for, which makes the start quicker."""

from __future__ import annotations

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
    "._static._handler": ("StaticFileHandler",),
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
