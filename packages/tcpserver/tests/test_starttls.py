"""A server that begins to speak TLS in the middle: the connection stays one."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING

import pytest

from eyewall.iostream import IOStream
from eyewall.iostream.testing import self_signed_certificate
from eyewall.tcpserver import ProxyProtocol, TCPServer, bind_sockets

if TYPE_CHECKING:
    from eyewall.ioloop import IOLoop
    from eyewall.iostream import Address, Stream

pytestmark = pytest.mark.needs("sockets")

HEADER = b"PROXY TCP4 192.0.2.7 198.51.100.9 56324 443\r\n"


class Upgrading(TCPServer):
    """Takes a line, then speaks TLS and echoes."""

    async def handle_stream(self, stream: Stream, address: Address) -> None:
        assert isinstance(stream, IOStream)
        await stream.read_until(b"STARTTLS\r\n")
        await stream.write(b"go\n")
        secure = await stream.start_tls(True, self_signed_certificate().server_options)
        assert secure.info.address == address
        while True:
            await secure.write(await secure.read_until(b"\n"))


async def upgraded(server: TCPServer) -> IOStream:
    [sock] = bind_sockets(0, "127.0.0.1")
    server.add_socket(sock)
    plain = IOStream(socket.create_connection(sock.getsockname()))
    await plain.write(HEADER + b"STARTTLS\r\n")
    await plain.read_until(b"go\n")
    client = await plain.start_tls(False, self_signed_certificate().client_options, "localhost")
    await client.write(b"hello\n")
    assert await client.read_until(b"\n") == b"hello\n"
    return client


async def test_a_connection_that_went_over_to_tls_counts_until_it_ends(io_loop: IOLoop) -> None:
    server = Upgrading(proxy_protocol=ProxyProtocol(["127.0.0.1"]))
    client = await upgraded(server)
    assert server.connection_count == 1
    client.close()
    report = await server.drain(100)
    assert (report.ended, report.cut) == (1, ())


async def test_a_drain_cuts_a_connection_that_went_over_to_tls(io_loop: IOLoop) -> None:
    server = Upgrading(proxy_protocol=ProxyProtocol(["127.0.0.1"]))
    client = await upgraded(server)
    report = await server.drain(0)
    assert (report.ended, report.cut, report.stuck) == (0, (("192.0.2.7", 56324),), ())
    with pytest.raises(OSError, match="closed"):
        await client.read_bytes(1)
