"""TCPClient on real sockets."""

from __future__ import annotations

import pickle
import socket
import ssl
from contextlib import closing
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from eyewall.iostream import SSLIOStream, StreamClosedError
from eyewall.iostream.testing import self_signed_certificate
from eyewall.tcpserver import ConnectError, OverrideResolver, ResolveError, Resolver, TCPClient, TCPServer, bind_sockets

if TYPE_CHECKING:
    from collections.abc import Iterator

    from eyewall.ioloop import IOLoop, Promise
    from eyewall.iostream import Address, IOStream, Stream

pytestmark = pytest.mark.needs("sockets")


class Fixed(Resolver):
    """Knows these addresses, and no others."""

    def __init__(self, *addresses: tuple[int, Any]) -> None:
        self.addresses = addresses
        self.closed = False

    async def resolve(self, host: str, port: int, family: int = 0) -> list[Any]:
        return [(family, (ip, port)) for family, ip in self.addresses]

    def close(self) -> None:
        self.closed = True


class Greeter(TCPServer):
    """Greets each client with its address."""

    async def handle_stream(self, stream: Stream, address: Address) -> None:
        await stream.write(f"{address[0]} {address[1]}\n".encode())
        await stream.read_until_close()


@pytest.fixture
def server(io_loop: IOLoop) -> Iterator[tuple[Greeter, int]]:
    server = Greeter(io_loop=io_loop)
    [sock] = bind_sockets(0, "127.0.0.1")
    server.add_socket(sock)
    yield server, sock.getsockname()[1]
    server.stop()


def refusing_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        port: int = sock.getsockname()[1]
        return port


async def test_it_connects_by_name_or_address(io_loop: IOLoop, server: tuple[Greeter, int]) -> None:
    client = TCPClient(OverrideResolver(Resolver(), {"one.test": "127.0.0.1"}))
    for host in ("127.0.0.1", "one.test"):
        stream = await client.connect(host, server[1])
        assert (await stream.read_until(b"\n")).startswith(b"127.0.0.1 ")
        stream.close()
    client.close()


async def test_it_connects_from_the_address_and_port_that_it_is_told(
    io_loop: IOLoop, server: tuple[Greeter, int]
) -> None:
    port = refusing_port()
    stream = await TCPClient().connect("127.0.0.1", server[1], source_ip="127.0.0.3", source_port=port)
    assert await stream.read_until(b"\n") == f"127.0.0.3 {port}\n".encode()
    stream.close()


async def test_a_port_alone_is_enough_to_connect_from(io_loop: IOLoop, server: tuple[Greeter, int]) -> None:
    stream, port = await connect_from_some_port(server[1])
    assert await stream.read_until(b"\n") == f"127.0.0.1 {port}\n".encode()
    stream.close()


async def connect_from_some_port(to: int) -> tuple[IOStream, int]:
    tried: list[ConnectError] = []
    while len(tried) < 20:
        port = refusing_port()
        try:
            return await TCPClient().connect("127.0.0.1", to, source_port=port), port
        except ConnectError as error:
            tried.append(error)  # another program has taken it meanwhile
    raise tried[-1]


async def test_an_address_of_the_wrong_family_is_passed_over(io_loop: IOLoop, server: tuple[Greeter, int]) -> None:
    client = TCPClient(Fixed((socket.AF_INET6, "::1"), (socket.AF_INET, "127.0.0.1")))
    stream = await client.connect("one.test", server[1], source_ip="127.0.0.1")
    assert stream.socket.family == socket.AF_INET
    stream.close()


async def test_a_source_that_this_machine_does_not_have_is_an_error(io_loop: IOLoop) -> None:
    with pytest.raises(ConnectError, match="Cannot assign requested address"):
        await TCPClient().connect("127.0.0.1", refusing_port(), source_ip="192.0.2.1")
    with pytest.raises(ValueError, match="source_ip 'localhost' is not an IP address"):
        await TCPClient().connect("127.0.0.1", 1, source_ip="localhost")


async def test_a_refusal_names_host_address_and_cause(io_loop: IOLoop) -> None:
    port = refusing_port()
    with pytest.raises(StreamClosedError) as caught:
        await TCPClient().connect("127.0.0.1", port)
    assert f"cannot connect to 127.0.0.1, port {port}: 127.0.0.1:{port}: [Errno 111] Connection refused" == str(
        caught.value
    )
    assert isinstance(caught.value.real_error, ConnectionRefusedError)


async def test_a_resolver_that_takes_too_long_is_named(io_loop: IOLoop) -> None:
    class Slow(Resolver):
        async def resolve(self, host: str, port: int, family: int = 0) -> list[Any]:
            never: Promise[list[Any]] = io_loop.create_future()
            return await never

    with pytest.raises(TimeoutError, match=r"^Timeout while resolving one\.test$"):
        await TCPClient(Slow()).connect("one.test", 80, timeout=0.01)


async def test_a_host_that_does_not_answer_is_named(io_loop: IOLoop, monkeypatch: pytest.MonkeyPatch) -> None:
    with closing(full_listener()) as (sock, fillers):
        port = sock.getsockname()[1]
        with pytest.raises(TimeoutError, match=rf"^Timeout while connecting to 127\.0\.0\.1:{port}$"):
            await answered_at_once().connect("127.0.0.1", port, timeout=timedelta(seconds=0.05))
        for filler in fillers:
            filler.close()


def answered_at_once() -> TCPClient:
    """A client that spends none of its time on asking for a name."""
    return TCPClient(Fixed((socket.AF_INET, "127.0.0.1")))


class full_listener:  # noqa: N801 - used like a function
    """A listening socket whose queue is full, so that the kernel drops what comes."""

    def __init__(self) -> None:
        self.sock = socket.socket()
        self.sock.bind(("127.0.0.1", 0))
        self.sock.listen(0)
        self.fillers: list[socket.socket] = []
        for _ in range(4):
            filler = socket.socket()
            filler.setblocking(False)
            filler.connect_ex(self.sock.getsockname())
            self.fillers.append(filler)

    def __iter__(self) -> Iterator[Any]:
        return iter((self.sock, self.fillers))

    def close(self) -> None:
        self.sock.close()


async def test_a_handshake_that_takes_too_long_is_named_and_leaves_nothing(
    io_loop: IOLoop,
) -> None:
    hung_up: Promise[bytes] = io_loop.create_future()

    class Silent(TCPServer):
        async def handle_stream(self, stream: Stream, address: Address) -> None:
            hung_up.set_result(await stream.read_until_close())

    server = Silent()
    [sock] = bind_sockets(0, "127.0.0.1")
    server.add_socket(sock)
    port = sock.getsockname()[1]
    with pytest.raises(TimeoutError, match=rf"^Timeout during TLS handshake with 127\.0\.0\.1:{port}$"):
        await answered_at_once().connect("127.0.0.1", port, ssl_options={}, timeout=0.5)
    assert (await hung_up)[:1] == b"\x16"
    server.stop()


async def test_tls_is_spoken_and_the_name_verified(io_loop: IOLoop) -> None:
    certificate = self_signed_certificate()
    server = Greeter(ssl_options=certificate.server_options)
    [sock] = bind_sockets(0, "127.0.0.1")
    server.add_socket(sock)
    port = sock.getsockname()[1]
    client = TCPClient(Fixed((socket.AF_INET, "127.0.0.1")))
    options = certificate.client_options
    stream = await client.connect("localhost", port, ssl_options=options)
    assert isinstance(stream, SSLIOStream)
    assert (await stream.read_until(b"\n")).startswith(b"127.0.0.1 ")
    stream.close()
    with pytest.raises(ssl.SSLCertVerificationError, match=r"not valid for 'elsewhere\.test'"):
        await client.connect("elsewhere.test", port, ssl_options=options)
    await server.drain(0)


def test_its_errors_survive_pickling() -> None:
    refused = ConnectionRefusedError(111, "Connection refused")
    error = ConnectError("cannot connect", refused, host="one.test", failures=((("192.0.2.1", 80), refused),))
    copy = pickle.loads(pickle.dumps(error))
    assert (str(copy), copy.host, str(copy.real_error)) == ("cannot connect", "one.test", str(refused))
    assert [address for address, _ in copy.failures] == [("192.0.2.1", 80)]
    unknown = pickle.loads(pickle.dumps(ResolveError(-2, "cannot resolve", host="one.test")))
    assert (str(unknown), unknown.errno, unknown.host) == ("cannot resolve", -2, "one.test")


def test_it_closes_its_own_resolver_only() -> None:
    resolver = Fixed()
    TCPClient(resolver).close()
    assert not resolver.closed


async def test_a_timeout_is_a_number_or_a_timedelta(io_loop: IOLoop) -> None:
    with pytest.raises(TypeError, match="not 'soon'"):
        await TCPClient().connect("127.0.0.1", 1, timeout="soon")  # type: ignore[arg-type]  # on purpose
