"""ProxyHeader: what the PROXY protocol allows, what it does not, and every way to cut it up."""

from __future__ import annotations

import socket
import struct
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eyewall.iostream import ProxyTLSInfo
from eyewall.tcpserver import ProxyHeaderError
from eyewall.tcpserver._crc32c import crc32c
from eyewall.tcpserver._proxy_header import ProxyHeader

if TYPE_CHECKING:
    from eyewall.iostream import ProxyInfo

PEER = ("10.0.0.1", 1000)
SIGNATURE = b"\x0d\x0a\x0d\x0a\x00\x0d\x0a\x51\x55\x49\x54\x0a"
SOURCE, DESTINATION = ("192.0.2.7", 56324), ("198.51.100.9", 443)
INET = socket.inet_aton("192.0.2.7") + socket.inet_aton("198.51.100.9") + struct.pack("!HH", 56324, 443)
V1 = b"PROXY TCP4 192.0.2.7 198.51.100.9 56324 443\r\n"


def tlv(kind: int, value: bytes) -> bytes:
    return struct.pack("!BH", kind, len(value)) + value


def v2(body: bytes, *, command: int = 0x21, family: int = 0x11, length: int | None = None) -> bytes:
    return SIGNATURE + struct.pack("!BBH", command, family, len(body) if length is None else length) + body


def parse(data: bytes, max_bytes: int = 4096) -> ProxyInfo:
    header = ProxyHeader(max_bytes)
    assert header.feed(data) == len(data)
    assert header.complete
    return header.info(PEER)


def refusal(data: bytes, max_bytes: int = 4096) -> str:
    with pytest.raises(ProxyHeaderError) as caught:
        parse(data, max_bytes)
    return str(caught.value)


@pytest.mark.parametrize("header", [V1, v2(INET)])
def test_both_versions_name_source_and_destination(header: bytes) -> None:
    info = parse(header)
    assert (info.peer, info.source, info.destination) == (PEER, SOURCE, DESTINATION)
    assert (info.tlvs, info.tls) == ((), None)


@pytest.mark.parametrize(
    "header",
    [
        b"PROXY TCP6 2001:db8::7 2001:DB8:0:0:0:0:0:9 0 65535\r\n",
        v2(
            socket.inet_pton(socket.AF_INET6, "2001:db8::7")
            + socket.inet_pton(socket.AF_INET6, "2001:db8::9")
            + struct.pack("!HH", 0, 65535),
            family=0x21,
        ),
    ],
)
def test_ipv6_addresses_look_as_accept_gives_them(header: bytes) -> None:
    info = parse(header)
    assert info.source == ("2001:db8::7", 0, 0, 0)
    assert info.destination == ("2001:db8::9", 65535, 0, 0)


def test_unix_addresses_are_paths() -> None:
    body = b"/run/client".ljust(108, b"\0") + b"\0abstract".ljust(108, b"\0")
    info = parse(v2(body, family=0x31))
    assert (info.source, info.destination) == ("/run/client", "\0abstract")
    assert parse(v2(bytes(216), family=0x31)).source == ""


@pytest.mark.parametrize(
    "header",
    [
        b"PROXY UNKNOWN\r\n",
        b"PROXY UNKNOWN ffff::1 ffff::2 1 2\r\n",
        b"PROXY UNKNOWN whatever it says\r\n",
        v2(b"", command=0x20, family=0),
        v2(INET + b"rubbish", command=0x20),
        v2(b"", family=0),
        v2(b"ignored", family=0),
    ],
)
def test_what_names_nobody_leaves_the_connection_as_it_is(header: bytes) -> None:
    info = parse(header)
    assert (info.peer, info.source, info.destination) == (PEER, None, None)


def test_further_values_are_kept_and_the_known_ones_read() -> None:
    values = (
        tlv(0x01, b"h2") + tlv(0x02, "bücher.test".encode()) + tlv(0x05, b"\xffid") + tlv(0xE0, b"") + tlv(4, b"no")
    )
    info = parse(v2(INET + values))
    assert (info.alpn, info.authority, info.unique_id) == ("h2", "bücher.test", b"\xffid")
    assert [kind for kind, _ in info.tlvs] == [0x01, 0x02, 0x05, 0xE0, 0x04]


@pytest.mark.parametrize(
    ("client", "verify", "expected"),
    [
        (0x01, 1, ProxyTLSInfo("TLSv1.3", "TLS_AES_128_GCM_SHA256", "client", False, False)),
        (0x03, 0, ProxyTLSInfo("TLSv1.3", "TLS_AES_128_GCM_SHA256", "client", True, True)),
        (0x05, 20, ProxyTLSInfo("TLSv1.3", "TLS_AES_128_GCM_SHA256", "client", True, False)),
        (0x00, 0, None),
    ],
)
def test_the_clients_tls_is_told(client: int, verify: int, expected: ProxyTLSInfo | None) -> None:
    details = (
        tlv(0x21, b"TLSv1.3") + tlv(0x22, b"client") + tlv(0x23, b"TLS_AES_128_GCM_SHA256") + tlv(0x25, b"RSA2048")
    )
    info = parse(v2(INET + tlv(0x20, struct.pack("!BI", client, verify) + details)))
    assert info.tls == expected


def with_checksum(value: bytes | None = None, before: bytes = b"", after: bytes = b"") -> bytes:
    blank = v2(INET + before + tlv(3, bytes(4)) + after)
    return v2(INET + before + tlv(3, value or struct.pack("!I", crc32c(blank))) + after)


def test_the_checksum_is_castagnolis() -> None:
    assert crc32c(b"123456789") == 0xE3069283
    assert crc32c(bytes(32)) == 0x8A9136AA  # RFC 3720, appendix B.4


def test_a_checksum_that_is_given_is_verified() -> None:
    good = with_checksum(before=tlv(1, b"h2"), after=tlv(0xE0, b"x"))
    assert parse(good).alpn == "h2"
    assert "checksum" in refusal(good[:-1] + b"y")
    assert "its checksum is 00000001" in refusal(with_checksum(b"\0\0\0\1"))
    assert "its checksum has 3 bytes" in refusal(with_checksum(b"abc"))


@pytest.mark.parametrize(
    ("header", "why"),
    [
        (b"GET / HTTP/1.1\r\n\r\n", r"begins with b'GET / HTTP"),
        (b"\x16\x03\x01\x02\x00\x01\x00", "not with a PROXY header"),
        (b"proxy TCP4 192.0.2.7 198.51.100.9 1 2\r\n", "not with a PROXY header"),
        (SIGNATURE[:-1] + b"\x0b", "not with a PROXY header"),
        (b"PROXY TCP4 192.0.2.7 198.51.100.9 1 2\n", "ends without CR"),
        (b"PROXY UNKNOWN\n", "ends without CR"),
        (b"PROXY UDP4 192.0.2.7 198.51.100.9 1 2\r\n", "none of the protocol's"),
        (b"PROXY TCP4 192.0.2.7 198.51.100.9 1\r\n", "none of the protocol's"),
        (b"PROXY TCP4 192.0.2.7 198.51.100.9 1 2 3\r\n", "none of the protocol's"),
        (b"PROXY TCP4  192.0.2.7 198.51.100.9 1 2\r\n", "none of the protocol's"),
        (b"PROXY TCP4 2001:db8::7 2001:db8::9 1 2\r\n", "not an address of its family"),
        (b"PROXY TCP6 192.0.2.7 198.51.100.9 1 2\r\n", "not an address of its family"),
        (b"PROXY TCP4 192.0.2.07 198.51.100.9 1 2\r\n", "not an address of its family"),
        (b"PROXY TCP4 192.0.2 198.51.100.9 1 2\r\n", "not an address of its family"),
        (b"PROXY TCP4 192.0.2.\xb2 198.51.100.9 1 2\r\n", "not an address of its family"),
        (b"PROXY TCP4 192.0.2.7\0 198.51.100.9 1 2\r\n", "not an address of its family"),
        (b"PROXY TCP4 192.0.2.7 198.51.100.9 65536 2\r\n", "no port"),
        (b"PROXY TCP4 192.0.2.7 198.51.100.9 01 2\r\n", "no port"),
        (b"PROXY TCP4 192.0.2.7 198.51.100.9 -1 2\r\n", "no port"),
        (b"PROXY TCP4 192.0.2.7 198.51.100.9 1 \xd9\xa1\r\n", "no port"),
        (b"PROXY UNKNOWN" + b"x" * 94, "first 107 bytes have no end of line"),
        (v2(INET, command=0x11), "0x11, and not 0x20 or 0x21"),
        (v2(INET, command=0x22), "0x22, and not 0x20 or 0x21"),
        (v2(INET, family=0x12), "0x12, which no TCP connection has"),
        (v2(INET, family=0x41), "0x41, which no TCP connection has"),
        (v2(INET, family=0x21), "length is 12, too little"),
        (v2(INET[:-1]), "length is 11, too little"),
        (v2(INET + b"\x01\x00"), "2 bytes are left over"),
        (v2(INET + tlv(1, b"h2")[:-1]), "0x01 goes beyond its end"),
        (v2(INET + tlv(5, bytes(129))), "unique id has 129 bytes"),
        (v2(INET + tlv(2, b"\xff")), "is not UTF-8"),
        (v2(INET + tlv(0x20, b"\x01\0\0\0")), "has 4 bytes, and not 5"),
        (v2(INET + tlv(0x20, b"\x01\0\0\0\0\x21\x00")), "left over"),
    ],
)
def test_what_breaks_the_rules_is_refused_with_the_reason(header: bytes, why: str) -> None:
    assert why in refusal(header)


def test_a_header_longer_than_max_bytes_is_refused_before_it_has_come() -> None:
    header = ProxyHeader(200)
    with pytest.raises(ProxyHeaderError, match="it has 201 bytes, and max_bytes is 200"):
        header.feed(v2(INET, length=185)[:16])


@pytest.mark.parametrize("header", [V1, b"PROXY UNKNOWN\r\n", v2(INET), v2(b"", command=0x20), with_checksum()])
def test_cut_at_every_byte_it_says_the_same_and_leaves_what_follows(header: bytes) -> None:
    for cut in range(len(header) + 1):
        reader = ProxyHeader(4096)
        taken = reader.feed(header[:cut])
        assert taken == cut
        assert reader.complete is (cut == len(header))
        if not reader.complete:
            assert reader.feed(header[cut:] + b"\r\nPROXY \r\n") == len(header) - cut
        assert reader.info(PEER) == parse(header)


@given(st.one_of(st.binary(), st.binary().map(v2), st.binary().map(lambda rest: b"PROXY " + rest)))
def test_whatever_comes_is_a_header_or_refused_and_never_outgrows_its_bound(data: bytes) -> None:
    header = ProxyHeader(300)
    try:
        while data and not header.complete:
            taken = header.feed(data[:7])
            assert 0 < taken <= 7
            data = data[taken:]
        if header.complete:
            header.info(PEER)
    except ProxyHeaderError:
        pass
    assert len(header._head) <= 300
