"""The library that knows the frames, asked for when the first connection is made: it is an extra."""

from __future__ import annotations

from ..errors import SettingError

try:
    import websockets.extensions.permessage_deflate as deflate
    from websockets import frames, headers, protocol
    from websockets.exceptions import InvalidHandshake, InvalidHeader, NegotiationError, PayloadTooBig, ProtocolError
except ImportError as error:
    raise SettingError('WebSocket needs the library websockets: pip install "eyewall-web[websocket]"') from error

__all__ = [
    "InvalidHandshake",
    "InvalidHeader",
    "NegotiationError",
    "PayloadTooBig",
    "ProtocolError",
    "deflate",
    "frames",
    "headers",
    "protocol",
]
