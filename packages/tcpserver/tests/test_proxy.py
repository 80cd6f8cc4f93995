"""TCPServer behind a proxy that sends PROXY headers, and behind things that are none."""

from __future__ import annotations

import gc
import logging
import socket
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from eyewall.iostream import IOStream, ProxyInfo, SSLIOStream
from eyewall.iostream.testing import self_signed_certificate
from eyewall.tcpserver import ConnectionLimits, ProxyProtocol, TCPServer, bind_sockets, bind_unix_socket

if TYPE_CHECKING:
    from eyewall.ioloop import IOLoop, Promise
    from eyewall.iostream import Address, Stream

pytestmark = pytest.mark.needs("sockets")

V1 = b"PROXY TCP4 192.0.2.7 198.51.100.9 56324 443\r\n"
LOCAL = b"\r\n\r\n\x00\r\nQUIT\n\x20\x00\x00\x00"
V2 = b"\r\n\r\n\x00\r\nQUIT\n\x21\x11\x00\x0c\xc0\x00\x02\x07\xc6\x33\x64\x09\xdc\x04\x01\xbb"


class Echo(TCPServer):
    """Echoes lines, and keeps who it has served."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.served: list[tuple[Address, Stream]] = []
        self.accepted = 0

    def _handle_connection(self, sock: socket.socket, address: Address) -> None:
        self.accepted += 1
        super()._handle_connection(sock, address)

    async def handle_stream(self, stream: Stream, address: Address) -> None:
        self.served.append((address, stream))
        while True:
            await stream.write(await stream.read_until(b"\n"))


def behind_proxy(**options: Any) -> Echo:
    return Echo(proxy_protocol=ProxyProtocol(["127.0.0.1"], **options))


def connect(server: TCPServer, source: str = "127.0.0.1") -> IOStream:
    [sock] = bind_sockets(0, "127.0.0.1")
    server.add_socket(sock)
    return IOStream(socket.create_connection(sock.getsockname(), source_address=(source, 0)))


async def until_gone(server: TCPServer, io_loop: IOLoop) -> None:
    while server.connection_count:
        await wait(io_loop)


async def wait(io_loop: IOLoop, seconds: float = 0.001) -> None:
    later: Promise[None] = io_loop.create_future()
    io_loop.call_later(seconds, later.set_result, None)
    await later


@pytest.mark.parametrize("header", [V1, V2])
async def test_a_connection_is_the_clients_and_the_proxy_is_in_the_info(io_loop: IOLoop, header: bytes) -> None:
    server = behind_proxy()
    client = connect(server)
    await client.write(header + b"hello\n")
    assert await client.read_until(b"\n") == b"hello\n"
    [(address, stream)] = server.served
    assert address == stream.info.address == ("192.0.2.7", 56324)
    assert stream.info.proxy == ProxyInfo(client.socket.getsockname(), address, ("198.51.100.9", 443))
    client.close()
    await server.drain()


@pytest.mark.parametrize("header", [LOCAL, b"PROXY UNKNOWN\r\n"])
async def test_a_proxy_that_speaks_for_itself_is_served_as_itself(io_loop: IOLoop, header: bytes) -> None:
    server = behind_proxy()
    client = connect(server)
    await client.write(header + b"hello\n")
    assert await client.read_until(b"\n") == b"hello\n"
    [(address, stream)] = server.served
    assert address == stream.info.address == client.socket.getsockname()
    assert stream.info.proxy == ProxyInfo(address, None, None)
    client.close()
    await server.drain()


@pytest.mark.parametrize("header", [V1, V2])
async def test_a_header_may_come_byte_by_byte(io_loop: IOLoop, header: bytes) -> None:
    server = behind_proxy()
    client = connect(server)
    for byte in header + b"hello\n":
        await client.write(bytes([byte]))
        await wait(io_loop, 0)
    assert await client.read_until(b"\n") == b"hello\n"
    client.close()
    await server.drain()


async def test_the_header_comes_before_tls(io_loop: IOLoop) -> None:
    certificate = self_signed_certificate()
    server = Echo(ssl_options=certificate.server_options, proxy_protocol=ProxyProtocol(["127.0.0.1"]))
    plain = connect(server)
    plain.socket.send(V2)
    client = SSLIOStream(
        socket.socket(fileno=plain.socket.detach()),
        ssl_options=certificate.client_options,
        server_hostname="localhost",
    )
    await client.write(b"hello\n")
    assert await client.read_until(b"\n") == b"hello\n"
    [(address, stream)] = server.served
    assert address == stream.info.address == ("192.0.2.7", 56324)
    assert stream.info.proxy is not None
    assert stream.info.tls is not None
    client.close()
    await server.drain()


@pytest.mark.parametrize(
    "lie", [b"GET / HTTP/1.1\r\n\r\n", V1.replace(b"TCP4", b"TCP6"), V2.replace(b"\x21\x11", b"\x21\x12"), b"x" * 5000]
)
async def test_a_lie_is_refused_and_logged_once(io_loop: IOLoop, lie: bytes, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, "eyewall.tcpserver")
    server = behind_proxy()
    client = connect(server)
    await client.write(lie)
    assert await gone(client)
    await until_gone(server, io_loop)
    [record] = caplog.records
    assert record.levelno == logging.WARNING
    assert "its PROXY header was refused" in record.getMessage()
    assert server.served == []
    server.stop()


async def gone(client: IOStream) -> bool:
    """True once the server has hung up, be it with a reset because it left bytes unread."""
    closed: Promise[None] = client.io_loop.create_future()
    client.set_close_callback(lambda: closed.set_result(None))
    await closed
    return True


async def test_a_header_that_is_too_slow_is_given_up(io_loop: IOLoop, caplog: pytest.LogCaptureFixture) -> None:
    server = behind_proxy(timeout=0.03)
    client = connect(server)
    await client.write(V1[:10])
    assert await gone(client)
    await until_gone(server, io_loop)
    assert "it is not complete after 0.03 s" in caplog.text
    server.stop()


async def test_somebody_who_looks_whether_the_port_is_open_is_no_event(
    io_loop: IOLoop, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "eyewall.tcpserver")
    server = behind_proxy()
    connect(server).close()
    while not server.accepted:
        await wait(io_loop)
    await until_gone(server, io_loop)
    assert caplog.records == []
    server.stop()


@pytest.mark.parametrize("header", [V1, V2])
async def test_a_reset_at_any_byte_leaves_nothing(io_loop: IOLoop, header: bytes) -> None:
    server = behind_proxy()
    [sock] = bind_sockets(0, "127.0.0.1")
    server.add_socket(sock)
    # The first round shows what the loop itself opens when it is first used.
    before = 0
    for cut in (0, *range(len(header) + 1)):
        client = socket.create_connection(sock.getsockname())
        client.sendall(header[:cut])
        await wait(io_loop, 0)
        client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        client.close()
        while server.accepted <= cut + (before > 0):
            await wait(io_loop)
        await until_gone(server, io_loop)
        before = before or descriptors()
    server.served.clear()
    gc.collect()
    assert descriptors() == before
    server.stop()


def descriptors() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


async def test_others_are_refused(io_loop: IOLoop, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "eyewall.tcpserver")
    server = behind_proxy()
    client = connect(server, "127.0.0.2")
    assert await client.read_until_close() == b""
    [record] = caplog.records
    assert record.levelno == logging.INFO
    assert "no trusted proxy has this address" in record.getMessage()
    assert server.connection_count == 0
    server.stop()


async def test_others_may_be_served_as_they_are_and_their_headers_mean_nothing(io_loop: IOLoop) -> None:
    server = behind_proxy(others="serve")
    client = connect(server, "127.0.0.2")
    await client.write(V1)
    assert await client.read_until(b"\n") == V1
    [(address, stream)] = server.served
    assert address == client.socket.getsockname()
    assert stream.info.proxy is None
    client.close()
    await server.drain()


async def test_the_cap_of_one_address_counts_the_clients_of_a_proxy(io_loop: IOLoop) -> None:
    server = Echo(proxy_protocol=ProxyProtocol(["127.0.0.1"]), connection_limits=ConnectionLimits(max_per_address=1))
    first, second, other = connect(server), connect(server), connect(server)
    await first.write(V1 + b"hello\n")
    assert await first.read_until(b"\n") == b"hello\n"
    await second.write(V2)
    assert await second.read_until_close() == b""
    await other.write(V1.replace(b"192.0.2.7", b"192.0.2.8") + b"hello\n")
    assert await other.read_until(b"\n") == b"hello\n"
    first.close()
    other.close()
    await server.drain()


async def test_a_proxy_may_come_over_a_unix_socket(io_loop: IOLoop, tmp_path: Path) -> None:
    server = Echo(proxy_protocol=ProxyProtocol(["unix"]))
    path = str(tmp_path / "s")
    server.add_socket(bind_unix_socket(path))
    sock = socket.socket(socket.AF_UNIX)
    sock.connect(path)
    client = IOStream(sock)
    await client.write(V2 + b"hello\n")
    assert await client.read_until(b"\n") == b"hello\n"
    assert server.served[0][0] == ("192.0.2.7", 56324)
    client.close()
    await server.drain()


async def test_a_drain_cuts_who_has_not_sent_a_header(io_loop: IOLoop) -> None:
    server = behind_proxy()
    client = connect(server)
    while not server.accepted:
        await wait(io_loop)
    report = await server.drain(0)
    assert report.cut == (client.socket.getsockname(),)
    assert report.stuck == ()
    assert await client.read_until_close() == b""


@pytest.mark.parametrize(
    ("trusted", "address", "expected"),
    [
        (["10.0.0.0/8"], ("10.9.8.7", 1), True),
        (["10.0.0.0/8"], ("11.9.8.7", 1), False),
        (["10.0.0.0/8"], ("::ffff:10.9.8.7", 1, 0, 0), True),
        (["fe80::/10"], ("fe80::1%eth0", 1, 0, 2), True),
        (["::1", "unix"], ("::1", 1, 0, 0), True),
        (["::1", "unix"], "", True),
        (["::1"], "/run/s", False),
    ],
)
def test_who_is_trusted(trusted: list[str], address: Address, expected: bool) -> None:
    assert ProxyProtocol(trusted).trusts(address) is expected


@pytest.mark.parametrize(
    ("options", "why"),
    [
        ({"trusted": []}, "nobody is trusted"),
        ({"trusted": ["proxy.test"]}, "'proxy.test' does not appear to be an IPv4 or IPv6 network"),
        ({"trusted": ["10.0.0.1/8"]}, "has host bits set"),
        ({"trusted": ["::1"], "timeout": 0}, "timeout 0 must be above 0"),
        ({"trusted": ["::1"], "max_bytes": 50}, "max_bytes 50 107 or more"),
        ({"trusted": ["::1"], "others": "ignore"}, "'refuse' or 'serve', not 'ignore'"),
    ],
)
def test_options_that_make_no_sense_are_refused(options: dict[str, Any], why: str) -> None:
    with pytest.raises(ValueError, match=why):
        ProxyProtocol(**options)


def test_a_single_address_is_to_stand_in_a_list() -> None:
    with pytest.raises(TypeError, match=r"write \['10\.0\.0\.1'\]"):
        ProxyProtocol("10.0.0.1")
