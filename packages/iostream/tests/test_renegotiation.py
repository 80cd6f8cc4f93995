"""A client of TLS 1.2 that asks for one handshake after another: each is refused, and what waits for it is bounded."""

from __future__ import annotations

import hmac
import ssl
import struct
from contextlib import suppress
from typing import TYPE_CHECKING

import pytest

from eyewall.iostream import StreamClosedError, StreamError, ssl_options_to_context
from eyewall.iostream.testing import memory_streams, self_signed_certificate

if TYPE_CHECKING:
    from pathlib import Path

    from eyewall.ioloop import IOLoop
    from eyewall.iostream import BaseTLSStream, Stream
    from eyewall.iostream.testing import MemoryStream

CERTIFICATE = self_signed_certificate()
ALERT, HANDSHAKE, DATA = 21, 22, 23
NO_RENEGOTIATION = b"\x01\x64"
"""A warning, and what it warns of (RFC 5246 section 7.2)."""


def unencrypted(context: ssl.SSLContext) -> ssl.SSLContext:
    """Let a session have keys for checksums only, so that a test can write the client's records by hand."""
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers("ECDHE-ECDSA-NULL-SHA:@SECLEVEL=0")
    return context


def derive(secret: bytes, label: bytes, seed: bytes, size: int) -> bytes:
    """The pseudo-random function of RFC 5246 section 5."""
    part, made = label + seed, b""
    while len(made) < size:
        part = hmac.digest(secret, part, "sha256")
        made += hmac.digest(secret, part + label + seed, "sha256")
    return made[:size]


class Client:
    """One end of a session, by hand once hands are shaken."""

    def __init__(self, stream: Stream, keys: Path) -> None:
        self.stream = stream
        self.hello = b""
        self._keys = keys
        self._checksum_key = b""
        self._sent = 1  # the Finished of the handshake

    async def shake_hands(self) -> None:
        context = unencrypted(ssl_options_to_context(CERTIFICATE.client_options))
        context.keylog_filename = str(self._keys)
        incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        session = context.wrap_bio(incoming, outgoing, server_hostname="localhost")
        sent = received = b""
        while True:
            try:
                session.do_handshake()
                break
            except ssl.SSLWantReadError:
                sent += (records := outgoing.read())
                await self.stream.write(records)
                received += (records := await self.stream.read_bytes(65536, partial=True))
                incoming.write(records)
        await self.stream.write(outgoing.read())
        self.hello = sent[5 : 5 + int.from_bytes(sent[3:5], "big")]
        master = bytes.fromhex(self._keys.read_text().split()[-1])
        # Each hello begins with its random value, behind a record's head of 5 bytes and its own of 6.
        self._checksum_key = derive(master, b"key expansion", received[11:43] + sent[11:43], 40)[:20]

    def record(self, kind: int, data: bytes) -> bytes:
        """Make a record: what it holds, and a checksum (RFC 5246 section 6.2.3.1)."""
        head = struct.pack(">QBHH", self._sent, kind, 0x303, len(data))
        self._sent += 1
        data += hmac.digest(self._checksum_key, head + data, "sha1")
        return struct.pack(">BHH", kind, 0x303, len(data)) + data

    async def read_record(self) -> tuple[int, bytes]:
        kind, _, size = struct.unpack(">BHH", await self.stream.read_bytes(5))
        return kind, (await self.stream.read_bytes(size))[:-20]


async def shaken(near: MemoryStream, far: MemoryStream, keys: Path) -> tuple[Client, BaseTLSStream]:
    context = unencrypted(ssl_options_to_context(CERTIFICATE.server_options, server_side=True))
    accepting = far.start_tls(True, context)
    client = Client(near, keys)
    await client.shake_hands()
    return client, await accepting


async def test_each_wish_for_another_handshake_is_refused_and_the_session_goes_on(
    io_loop: IOLoop, tmp_path: Path
) -> None:
    client, server = await shaken(*memory_streams(io_loop), tmp_path / "keys")
    for number in range(20):
        line = f"line {number}\n".encode()
        await client.stream.write(client.record(HANDSHAKE, client.hello), client.record(DATA, line))
        assert await server.read_until(b"\n") == line
        assert await client.read_record() == (ALERT, NO_RENEGOTIATION)
    server.close()
    client.stream.close()


async def test_a_client_that_wishes_on_and_reads_no_answer_is_closed(io_loop: IOLoop, tmp_path: Path) -> None:
    client, server = await shaken(*memory_streams(io_loop), tmp_path / "keys")
    reading = server.read_bytes(1)
    with suppress(StreamClosedError):
        # An answer takes 27 bytes: 64 KiB of them wait in between, and 256 KiB before the server gives up.
        for _ in range(100):
            await client.stream.write(*(client.record(HANDSHAKE, client.hello) for _ in range(200)))
    with pytest.raises(StreamClosedError) as caught:
        await reading
    assert type(caught.value.real_error) is StreamError
    assert "does not read" in str(caught.value.real_error)
    client.stream.close()
