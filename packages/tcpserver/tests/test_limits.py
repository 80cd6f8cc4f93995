"""Admission: the ceiling on connections, the cap for one client, the time a TLS handshake gets."""

from __future__ import annotations

import logging
import socket
from typing import TYPE_CHECKING

import pytest

from eyewall.iostream import IOStream, StreamClosedError
from eyewall.iostream.testing import self_signed_certificate
from eyewall.tcpserver import ConnectionLimits, TCPServer, bind_sockets
from eyewall.tcpserver._gate import client_of

if TYPE_CHECKING:
    from eyewall.ioloop import IOLoop, Promise
    from eyewall.iostream import Address, Stream

pytestmark = pytest.mark.needs("sockets")


class Echo(TCPServer):
    async def handle_stream(self, stream: Stream, address: Address) -> None:
        while True:
            await stream.write(await stream.read_until(b"\n"))


def listen(server: TCPServer, host: str = "127.0.0.1") -> Address:
    [sock] = bind_sockets(0, host)
    server.add_socket(sock)
    address: Address = sock.getsockname()
    return address


def connect(address: Address, source: str = "127.0.0.1") -> IOStream:
    assert isinstance(address, tuple)
    return IOStream(socket.create_connection(address[:2], source_address=(source, 0)))


async def ask(client: IOStream) -> bytes:
    await client.write(b"hello\n")
    return await client.read_until(b"\n")


async def one_turn(io_loop: IOLoop) -> None:
    turn: Promise[None] = io_loop.create_future()
    io_loop.call_later(0.001, turn.set_result, None)
    await turn


async def test_at_the_ceiling_clients_wait_in_the_queue_until_the_low_water_mark(
    io_loop: IOLoop, caplog: pytest.LogCaptureFixture
) -> None:
    server = Echo(connection_limits=ConnectionLimits(4, accept_again_at=2))
    first, second = listen(server), listen(server)
    clients = [connect(first) for _ in range(6)]
    for client in clients[:4]:
        assert await ask(client) == b"hello\n"
    late = connect(second)
    await one_turn(io_loop)
    assert server.connection_count == 4
    clients.pop(0).close()
    while server.connection_count == 4:
        await one_turn(io_loop)
    await one_turn(io_loop)
    assert server.connection_count == 3
    clients.pop(0).close()
    while server.connection_count != 4:
        await one_turn(io_loop)
    for _ in range(3):
        clients.pop(0).close()
    assert await ask(late) == b"hello\n"
    assert await ask(clients[0]) == b"hello\n"
    for client in (late, *clients):
        client.close()
    await server.drain()
    full = [record for record in caplog.records if "max_connections, 4" in record.getMessage()]
    assert [record.levelno for record in full] == [logging.WARNING]


async def test_a_listener_that_is_added_while_the_server_is_full_waits_too(io_loop: IOLoop) -> None:
    server = Echo(connection_limits=ConnectionLimits(1))
    client = connect(listen(server))
    await ask(client)
    other = connect(listen(server))
    await one_turn(io_loop)
    assert server.connection_count == 1
    client.close()
    assert await ask(other) == b"hello\n"
    other.close()
    await server.drain()


async def test_beyond_the_cap_of_one_address_connections_are_closed_and_others_served(
    io_loop: IOLoop, caplog: pytest.LogCaptureFixture
) -> None:
    server = Echo(connection_limits=ConnectionLimits(max_per_address=2))
    address = listen(server)
    greedy = [connect(address, "127.0.0.1") for _ in range(2)]
    for client in greedy:
        assert await ask(client) == b"hello\n"
    for _ in range(3):
        refused = connect(address, "127.0.0.1")
        assert await refused.read_until_close() == b""
    modest = connect(address, "127.0.0.2")
    assert await ask(modest) == b"hello\n"
    assert server.connection_count == 3
    greedy.pop().close()
    while server.connection_count > 2:
        await one_turn(io_loop)
    again = connect(address, "127.0.0.1")
    assert await ask(again) == b"hello\n"
    for client in (again, modest, *greedy):
        client.close()
    await server.drain()
    [record] = [record for record in caplog.records if record.levelno == logging.WARNING]
    assert "127.0.0.1 has max_per_address, 2, already" in record.getMessage()
    assert server._entrance is not None
    assert server._entrance._by_client == {}
    assert server._entrance._turned_away == set()


@pytest.mark.parametrize(
    ("address", "client"),
    [
        (("192.0.2.1", 5), "192.0.2.1"),
        (("2001:db8:1:2:3:4:5:6", 5, 0, 0), "2001:db8:1:2::/64"),
        (("fe80::1%lo", 5, 0, 1), "fe80::/64"),
        (("::ffff:192.0.2.1", 5, 0, 0), "192.0.2.1"),
        (("::1", 5, 0, 0), "::/64"),
        ("/run/client", None),
        ("", None),
    ],
)
def test_a_client_is_an_ipv4_address_or_a_64_bit_network(address: Address, client: str | None) -> None:
    assert client_of(address) == client


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        ({"max_connections": 0}, "max_connections is 0"),
        ({"max_per_address": 0}, "max_per_address is 0"),
        ({"max_connections": 5, "accept_again_at": 5}, "accept_again_at 5 must be below max_connections, 5"),
        ({"accept_again_at": 5}, "accept_again_at 5 must be below max_connections, None"),
        ({"max_connections": 5, "accept_again_at": -1}, "accept_again_at -1 must be"),
    ],
)
def test_limits_that_make_no_sense_are_refused(arguments: dict[str, int], why: str) -> None:
    with pytest.raises(ValueError, match=why):
        ConnectionLimits(**arguments)


def test_the_low_water_mark_is_below_the_ceiling_of_itself() -> None:
    assert [ConnectionLimits(most).accept_again_at for most in (1, 2, 10, 1000)] == [0, 1, 9, 900]


async def test_a_handshake_that_stalls_is_ended_in_time_and_logged_once(
    io_loop: IOLoop, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "eyewall")
    server = Echo(ssl_options=self_signed_certificate().server_options, handshake_timeout=0.02)
    address = listen(server)
    silent, halting = connect(address), connect(address)
    await halting.write(b"\x16\x03\x01")
    for client in (silent, halting):
        assert await client.read_until_close() == b""
    while server.connection_count:
        await one_turn(io_loop)
    assert [record.levelno for record in caplog.records] == [logging.INFO] * 2
    assert all("handshake is not over after handshake_timeout, 0.02 s" in text for text in caplog.messages)
    server.stop()


def test_a_handshake_needs_time() -> None:
    with pytest.raises(ValueError, match="handshake_timeout of 0 seconds"):
        TCPServer(handshake_timeout=0)


async def test_a_reset_in_the_handshake_leaves_nothing(io_loop: IOLoop) -> None:
    server = Echo(ssl_options=self_signed_certificate().server_options)
    address = listen(server)
    client = connect(address)
    await client.write(b"\x16\x03\x01\x02\x00\x01\x00")
    while not server.connection_count:
        await one_turn(io_loop)
    client.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    client.close()
    while server.connection_count:
        await one_turn(io_loop)
    with pytest.raises(StreamClosedError):
        client.read_bytes(1)
    server.stop()
