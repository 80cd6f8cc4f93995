"""The header of the PROXY protocol, versions 1 and 2, without I/O: bytes in, a ProxyInfo out.

The rules are those of ``proxy-protocol.txt``, which HAProxy's authors keep; sections cited are its.
What a header may not be is refused, and never taken for the beginning of something else: whoever
reads it has been told to expect one (section 2).
"""

from __future__ import annotations

import os
import re
import socket
import struct
from typing import TYPE_CHECKING, Final, NamedTuple

from eyewall.iostream import ProxyInfo, ProxyTLSInfo

from ._crc32c import crc32c
from .errors import ProxyHeaderError

if TYPE_CHECKING:
    from eyewall.iostream import Address

V1_SIGNATURE: Final = b"PROXY "
V1_MAX_BYTES: Final = 107
V2_SIGNATURE: Final = b"\r\n\r\n\x00\r\nQUIT\n"
V2_FIXED_BYTES: Final = 16

_PORT: Final = re.compile(rb"0|[1-9][0-9]{0,4}")
_LOCAL, _PROXY = 0, 1
_STREAM = 1
_ALPN, _AUTHORITY, _CRC32C, _UNIQUE_ID, _SSL = 0x01, 0x02, 0x03, 0x05, 0x20
_SSL_VERSION, _SSL_CN, _SSL_CIPHER = 0x21, 0x22, 0x23
_CLIENT_SSL, _CLIENT_CERT = 0x01, 0x02 | 0x04
_UNIQUE_ID_MAX_BYTES: Final = 128


class _Endpoints(NamedTuple):
    source: Address | None = None
    destination: Address | None = None


class ProxyHeader:
    """A header that arrives in pieces."""

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._head = b""
        self._size: int | None = None

    @property
    def begun(self) -> bool:
        """True once something has come."""
        return bool(self._head)

    @property
    def complete(self) -> bool:
        """True once :meth:`info` can be asked."""
        return self._size is not None and len(self._head) == self._size

    def feed(self, data: bytes) -> int:
        """Take what belongs to the header, and say how many bytes that is; the rest is the client's.

        Raises :class:`ProxyHeaderError` as soon as this can be no header.
        """
        before = len(self._head)
        head = self._head + data
        if self._size is None:
            self._size = self._find_size(head)
        self._head = head if self._size is None else head[: self._size]
        return len(self._head) - before

    def info(self, peer: Address | None) -> ProxyInfo:
        """Return what the complete header says; ``peer`` is who sent it."""
        if self._head.startswith(V1_SIGNATURE):
            return ProxyInfo(peer, *_parse_v1(self._head))
        return _parse_v2(self._head, peer)

    def _find_size(self, head: bytes) -> int | None:
        if head.startswith(V2_SIGNATURE[: len(head)]):
            return self._find_v2_size(head)
        if head[: len(V1_SIGNATURE)] == V1_SIGNATURE[: len(head)]:
            return _find_v1_size(head)
        raise ProxyHeaderError(f"it begins with {head[:16]!r}, and not with a PROXY header")

    def _find_v2_size(self, head: bytes) -> int | None:
        if head[12:13] and head[12] not in {0x20 | _LOCAL, 0x20 | _PROXY}:
            raise ProxyHeaderError(f"version and command are {head[12]:#04x}, and not 0x20 or 0x21")
        if len(head) < V2_FIXED_BYTES:
            return None
        size: int = V2_FIXED_BYTES + struct.unpack_from("!H", head, 14)[0]
        if size > self._max_bytes:
            raise ProxyHeaderError(f"it has {size} bytes, and max_bytes is {self._max_bytes}")
        return size


def _find_v1_size(head: bytes) -> int | None:
    end = head.find(b"\n", 0, V1_MAX_BYTES)
    if end >= 0:
        return end + 1
    if len(head) >= V1_MAX_BYTES:
        raise ProxyHeaderError(f"its first {V1_MAX_BYTES} bytes have no end of line")
    return None


def _parse_v1(head: bytes) -> _Endpoints:
    """Section 2.1: ``PROXY TCP4 192.0.2.1 192.0.2.2 56324 443``."""
    if not head.endswith(b"\r\n"):
        raise ProxyHeaderError("its line ends without CR")
    words = head[:-2].split(b" ")
    if words[1] == b"UNKNOWN":
        return _Endpoints()
    families = {b"TCP4": socket.AF_INET, b"TCP6": socket.AF_INET6}
    if words[1] not in families or len(words) != 6:
        raise ProxyHeaderError(f"the line {head!r} is none of the protocol's")
    family = families[words[1]]
    source, destination = (_v1_address(family, words[n], words[n + 2], head) for n in (2, 3))
    return _Endpoints(source, destination)


def _v1_address(family: int, ip: bytes, port: bytes, head: bytes) -> Address:
    try:
        packed = socket.inet_pton(family, ip.decode("ascii"))
    except (OSError, ValueError):
        raise ProxyHeaderError(f"{ip!r} in {head!r} is not an address of its family") from None
    if not _PORT.fullmatch(port) or int(port) > 0xFFFF:
        raise ProxyHeaderError(f"{port!r} in {head!r} is no port")
    return _ip_address(family, packed, int(port))


def _ip_address(family: int, packed: bytes, port: int) -> Address:
    host = socket.inet_ntop(family, packed)
    return (host, port) if family == socket.AF_INET else (host, port, 0, 0)


def _parse_v2(head: bytes, peer: Address | None) -> ProxyInfo:
    """Section 2.2: fixed fields, addresses as long as their family has them, then typed values."""
    if head[12] & 0x0F == _LOCAL:
        return ProxyInfo(peer, None, None)
    family, kind = head[13] >> 4, head[13] & 0x0F
    if family > len(_ADDRESSES) or kind > _STREAM:
        raise ProxyHeaderError(f"family and protocol are {head[13]:#04x}, which no TCP connection has")
    if family == 0 or kind == 0:
        return ProxyInfo(peer, None, None)
    layout, read = _ADDRESSES[family - 1]
    end = V2_FIXED_BYTES + struct.calcsize(layout)
    if len(head) < end:
        raise ProxyHeaderError(f"its length is {len(head) - V2_FIXED_BYTES}, too little for two addresses")
    endpoints = read(*struct.unpack_from(layout, head, V2_FIXED_BYTES))
    tlvs = _parse_tlvs(head[end:])
    _check_sum(head, end, tlvs)
    return _with_tlvs(ProxyInfo(peer, *endpoints, tlvs), dict(tlvs))


def _inet(source: bytes, destination: bytes, source_port: int, destination_port: int) -> _Endpoints:
    family = socket.AF_INET if len(source) == 4 else socket.AF_INET6
    return _Endpoints(_ip_address(family, source, source_port), _ip_address(family, destination, destination_port))


def _unix(source: bytes, destination: bytes) -> _Endpoints:
    return _Endpoints(os.fsdecode(_unpadded(source)), os.fsdecode(_unpadded(destination)))


def _unpadded(path: bytes) -> bytes:
    """Cut a path at its NUL; the first byte of an abstract name is one."""
    end = path.find(b"\0", 1)
    return b"" if not path.strip(b"\0") else path[: end if end > 0 else None]


_ADDRESSES: Final = (("!4s4sHH", _inet), ("!16s16sHH", _inet), ("!108s108s", _unix))


def _parse_tlvs(data: bytes) -> tuple[tuple[int, bytes], ...]:
    """Section 2.2.1: a type, a length of two bytes, and so many bytes."""
    tlvs: list[tuple[int, bytes]] = []
    position = 0
    while position < len(data):
        if len(data) - position < 3:
            raise ProxyHeaderError(f"{len(data) - position} bytes are left over after its values")
        kind, length = struct.unpack_from("!BH", data, position)
        position += 3
        if position + length > len(data):
            raise ProxyHeaderError(f"its value of type {kind:#04x} goes beyond its end")
        tlvs.append((kind, data[position : position + length]))
        position += length
    return tuple(tlvs)


def _check_sum(head: bytes, position: int, tlvs: tuple[tuple[int, bytes], ...]) -> None:
    """Section 2.2.3: a checksum, where there is one, is over the header with zeros in its own place."""
    for kind, value in tlvs:
        position += 3
        if kind == _CRC32C:
            if len(value) != 4:
                raise ProxyHeaderError(f"its checksum has {len(value)} bytes, and not 4")
            computed = crc32c(head[:position] + bytes(4) + head[position + 4 :])
            if computed != int.from_bytes(value, "big"):
                raise ProxyHeaderError(f"its checksum is {value.hex()}, and that of its bytes {computed:08x}")
        position += len(value)


def _with_tlvs(info: ProxyInfo, values: dict[int, bytes]) -> ProxyInfo:
    unique_id = values.get(_UNIQUE_ID)
    if unique_id is not None and len(unique_id) > _UNIQUE_ID_MAX_BYTES:
        raise ProxyHeaderError(f"its unique id has {len(unique_id)} bytes; at most {_UNIQUE_ID_MAX_BYTES} are allowed")
    return info._replace(
        alpn=_text(values.get(_ALPN)),
        authority=_text(values.get(_AUTHORITY)),
        unique_id=unique_id,
        tls=_parse_ssl(values[_SSL]) if _SSL in values else None,
    )


def _parse_ssl(value: bytes) -> ProxyTLSInfo | None:
    """Section 2.2.6: flags, whether the certificate failed to verify, and further values."""
    if len(value) < 5:
        raise ProxyHeaderError(f"what it says of TLS has {len(value)} bytes, and not 5 or more")
    client, verify = struct.unpack_from("!BI", value)
    if not client & _CLIENT_SSL:
        return None
    details = dict(_parse_tlvs(value[5:]))
    shown = bool(client & _CLIENT_CERT)
    return ProxyTLSInfo(
        _text(details.get(_SSL_VERSION)),
        _text(details.get(_SSL_CIPHER)),
        _text(details.get(_SSL_CN)),
        shown,
        shown and verify == 0,
    )


def _text(value: bytes | None) -> str | None:
    if value is None:
        return None
    try:
        return value.decode()
    except UnicodeDecodeError:
        raise ProxyHeaderError(f"its value {value[:64]!r} is not UTF-8") from None
