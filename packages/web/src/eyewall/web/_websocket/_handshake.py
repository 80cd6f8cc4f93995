"""The opening handshake: what both sides say before the first frame (RFC 6455 section 4)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from ..errors import HTTPError
from ._errors import WebSocketError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from eyewall.httpserver import HTTPHeaders

    from ._library import deflate

VERSION: Final = "13"
_GUID: Final = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"


def accept_of(key: str) -> str:
    """Give the ``Sec-WebSocket-Accept`` that answers a key."""
    from base64 import b64encode
    from hashlib import sha1

    return b64encode(sha1(key.encode() + _GUID, usedforsecurity=False).digest()).decode()


def check_request(headers: HTTPHeaders) -> str:
    """Give the key of a request for WebSocket. Raises :class:`~eyewall.web.HTTPError` where it is not one."""
    if headers.get("Upgrade", "").strip().lower() != "websocket":
        raise HTTPError(400, 'Can "Upgrade" only to "WebSocket"')
    if "upgrade" not in [token.strip().lower() for token in headers.get("Connection", "").split(",")]:
        raise HTTPError(400, '"Connection" must be "Upgrade"')
    key = headers.get("Sec-WebSocket-Key", "").strip()
    from base64 import b64decode

    try:
        is_key = len(b64decode(key, validate=True)) == 16
    except ValueError:
        is_key = False
    if not is_key:
        raise HTTPError(400, "Sec-WebSocket-Key is not 16 bytes in Base64")
    return key


def tokens(headers: HTTPHeaders, name: str) -> list[str]:
    """Read a field that is a list of tokens."""
    return [token for item in headers.get_list(name) for token in map(str.strip, item.split(",")) if token]


def server_deflate(headers: HTTPHeaders, options: Mapping[str, Any]) -> tuple[str, deflate.PerMessageDeflate] | None:
    """Agree on compression, as far as the client offers it: give the field that says so, and the extension."""
    from ._library import InvalidHeader, NegotiationError, deflate
    from ._library import headers as fields

    factory = deflate.ServerPerMessageDeflateFactory(
        # Each message by itself: no window is kept for each connection, and a broadcast is compressed once.
        server_no_context_takeover=not options.get("persistent", False),
        compress_settings=_compress_settings(options),
    )
    for offer in headers.get_list("Sec-WebSocket-Extensions"):
        try:
            offered = fields.parse_extension(offer)
        except InvalidHeader as error:
            raise HTTPError(400, "%s", str(error)[:200]) from error
        for name, parameters in offered:
            if name == deflate.PerMessageDeflate.name:
                try:
                    agreed, extension = factory.process_request_params(parameters, [])
                except NegotiationError:
                    continue
                return fields.build_extension([(name, agreed)]), extension
    return None


def client_offer(options: Mapping[str, Any]) -> tuple[str, deflate.ClientPerMessageDeflateFactory]:
    """Give the field that offers compression, and what reads the answer to it."""
    from ._library import deflate
    from ._library import headers as fields

    factory = deflate.ClientPerMessageDeflateFactory(
        client_max_window_bits=True, compress_settings=_compress_settings(options)
    )
    return fields.build_extension([(deflate.PerMessageDeflate.name, list(factory.get_request_params()))]), factory


def client_deflate(
    headers: HTTPHeaders, factory: deflate.ClientPerMessageDeflateFactory | None
) -> Sequence[deflate.PerMessageDeflate]:
    """Read what the server agreed to. Raises :class:`WebSocketError` for what was not offered, or is no extension."""
    from ._library import InvalidHandshake, deflate
    from ._library import headers as fields

    accepted: list[deflate.PerMessageDeflate] = []
    try:
        for field in headers.get_list("Sec-WebSocket-Extensions"):
            for name, parameters in fields.parse_extension(field):
                if factory is None or name != deflate.PerMessageDeflate.name:
                    raise WebSocketError(f"the server chose the extension {name!r}, which was not offered")
                accepted.append(factory.process_response_params(parameters, accepted))
    except InvalidHandshake as error:
        raise WebSocketError(f"the server chose an extension as it was not offered: {error}") from error
    return accepted


def _compress_settings(options: Mapping[str, Any]) -> dict[str, Any]:
    return {"level": options.get("compression_level", 6), "memLevel": options.get("mem_level", 8)}
