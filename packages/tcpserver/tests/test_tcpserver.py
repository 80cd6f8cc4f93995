"""TCPServer on real sockets, plain and TLS."""

from __future__ import annotations

import logging
import socket
import ssl
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from eyewall.iostream import IOStream, SSLIOStream, StreamClosedError
from eyewall.tcpserver import BindError, TCPServer, bind_sockets, bind_unix_socket

if TYPE_CHECKING:
    from pathlib import Path

    from eyewall.ioloop import IOLoop
    from eyewall.iostream import Address, Stream

pytestmark = pytest.mark.needs("sockets")


class Echo(TCPServer):
    """Answers each line with itself; ``"bye"`` raises."""

    seen: list[tuple[Stream, Address]]

    async def handle_stream(self, stream: Stream, address: Address) -> None:
        self.__dict__.setdefault("seen", []).append((stream, address))
        while (line := await stream.read_until(b"\n")) != b"bye\n":
            await stream.write(line)
        raise ZeroDivisionError


def listen(server: TCPServer) -> tuple[str, int]:
    """Listen on a port that is free, and give its address."""
    [sock] = bind_sockets(0, "127.0.0.1")
    server.add_socket(sock)
    host, port = sock.getsockname()
    return host, port


async def talk(stream: Stream, line: bytes) -> bytes:
    await stream.write(line)
    return await stream.read_until(b"\n")


async def test_a_connection_is_served_with_its_address(io_loop: IOLoop) -> None:
    server = Echo()
    with socket.create_connection(listen(server)) as sock:
        client = IOStream(sock, io_loop=io_loop)
        assert await talk(client, b"hello\n") == b"hello\n"
        [(_, address)] = server.seen
        assert address == sock.getsockname()
        client.close()
    server.stop()


async def test_what_it_accepts_sends_without_delay_and_never_blocks(io_loop: IOLoop) -> None:
    accepted: list[socket.socket] = []

    class Spy(Echo):
        def _handle_connection(self, connection: socket.socket, address: Address) -> None:
            accepted.append(connection)
            super()._handle_connection(connection, address)

    server = Spy()
    client = IOStream(socket.create_connection(listen(server)))
    await talk(client, b"hello\n")
    [connection] = accepted
    assert connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
    assert not connection.getblocking()
    client.close()
    server.stop()


async def test_a_handler_that_raises_leaves_the_server_serving(
    io_loop: IOLoop, caplog: pytest.LogCaptureFixture
) -> None:
    server = Echo()
    address = listen(server)
    first = IOStream(socket.create_connection(address))
    await first.write(b"bye\n")
    with pytest.raises(StreamClosedError):
        await first.read_bytes(1)
    second = IOStream(socket.create_connection(address))
    assert await talk(second, b"hello\n") == b"hello\n"
    first.close()
    second.close()
    server.stop()
    assert [record.levelno for record in caplog.records] == [logging.ERROR]


async def test_stop_closes_the_port_and_lets_connections_go_on(io_loop: IOLoop) -> None:
    server = Echo()
    address = listen(server)
    client = IOStream(socket.create_connection(address))
    await talk(client, b"one\n")
    server.stop()
    server.stop()
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(address)
    assert await talk(client, b"two\n") == b"two\n"
    client.close()


async def test_a_handler_may_stop_the_server(io_loop: IOLoop, caplog: pytest.LogCaptureFixture) -> None:
    class Once(TCPServer):
        def handle_stream(self, stream: Stream, address: Address) -> None:
            self.stop()
            stream.close()

    server = Once()
    address = listen(server)
    first = IOStream(socket.create_connection(address))
    with socket.create_connection(address):
        assert await first.read_until_close() == b""
    first.close()
    assert caplog.records == []


OUT_OF_DESCRIPTORS = """
import os, resource
from eyewall.ioloop import IOLoop
from eyewall.tcpserver import TCPServer, _accept, bind_sockets

_accept.PAUSE_SECONDS = 0.01

class Echo(TCPServer):
    async def handle_stream(self, stream, address):
        while True:
            await stream.write(await stream.read_until(b"\\n"))

server = Echo()
[sock] = bind_sockets(0, "127.0.0.1")
server.add_socket(sock)
next_descriptor = os.dup(0)
os.close(next_descriptor)
resource.setrlimit(resource.RLIMIT_NOFILE, (next_descriptor + 2, next_descriptor + 2))
print(sock.getsockname()[1], flush=True)
IOLoop.current().start()
"""


def test_out_of_descriptors_nobody_is_dropped_and_the_log_says_so_once() -> None:
    def ask(client: socket.socket) -> bytes:
        client.sendall(b"hello\n")
        return client.recv(100)

    with subprocess.Popen(
        [sys.executable, "-c", OUT_OF_DESCRIPTORS], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        address = ("127.0.0.1", int(process.stdout.readline()))
        clients = [socket.create_connection(address, timeout=30) for _ in range(4)]
        assert [ask(client) for client in clients[:2]] == [b"hello\n"] * 2
        assert "Too many open files; trying again" in process.stderr.readline()
        for client in clients[:2]:
            client.close()
        assert [ask(client) for client in clients[2:]] == [b"hello\n"] * 2
        for client in clients:
            client.close()
        process.kill()
        assert process.stderr.read() == ""


async def test_bind_accepts_only_after_start(io_loop: IOLoop) -> None:
    server = Echo(io_loop=io_loop)
    [free] = bind_sockets(0, "127.0.0.1")
    address = free.getsockname()
    free.close()
    server.bind(address[1], "127.0.0.1")
    client = IOStream(socket.create_connection(address))
    assert "seen" not in vars(server)
    server.start()
    assert await talk(client, b"hello\n") == b"hello\n"
    client.close()
    server.stop()


def test_a_server_is_started_once(io_loop: IOLoop) -> None:
    server = Echo()
    server.start()
    with pytest.raises(RuntimeError, match="started already; call start"):
        server.start()


def test_a_server_with_a_loop_does_not_fork(io_loop: IOLoop) -> None:
    with pytest.raises(RuntimeError, match="call start"):
        Echo(io_loop=io_loop).start(2)


def test_stop_closes_what_was_bound_and_never_started() -> None:
    server = Echo()
    [free] = bind_sockets(0, "127.0.0.1")
    port = free.getsockname()[1]
    free.close()
    server.bind(port, "127.0.0.1")
    server.stop()
    bind_sockets(port, "127.0.0.1")[0].close()


def test_listening_on_a_port_in_use_raises_and_holds_nothing(io_loop: IOLoop) -> None:
    with bind_sockets(0, "127.0.0.1")[0] as taken, pytest.raises(BindError, match="another program listens"):
        Echo().listen(taken.getsockname()[1], "127.0.0.1")


async def test_a_unix_socket_is_served(io_loop: IOLoop, tmp_path: Path) -> None:
    server = Echo()
    path = str(tmp_path / "s")
    server.add_socket(bind_unix_socket(path))
    sock = socket.socket(socket.AF_UNIX)
    sock.connect(path)
    client = IOStream(sock)
    assert await talk(client, b"hello\n") == b"hello\n"
    client.close()
    server.stop()


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    folder = tmp_path_factory.mktemp("tls")
    key, cert = str(folder / "test.key"), str(folder / "test.pem")
    subprocess.run(
        [
            *("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"),
            *("-days", "2", "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"),
            *("-keyout", key, "-out", cert),
        ],
        check=True,
        capture_output=True,
    )
    return {"certfile": cert, "keyfile": key}


@pytest.mark.openssl
async def test_ssl_options_make_every_connection_tls(io_loop: IOLoop, certificate: dict[str, str]) -> None:
    server = Echo(ssl_options={"certfile": certificate["certfile"], "keyfile": certificate["keyfile"]})
    sock = socket.create_connection(listen(server))
    client = SSLIOStream(
        sock,
        ssl_options=ssl.create_default_context(cafile=certificate["certfile"]),
        server_hostname="localhost",
    )
    assert await talk(client, b"hello\n") == b"hello\n"
    client.close()
    server.stop()


@pytest.mark.openssl
async def test_a_failed_handshake_is_logged_once_and_the_server_goes_on(
    io_loop: IOLoop, certificate: dict[str, str], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "eyewall")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate["certfile"], certificate["keyfile"])
    server = Echo(ssl_options=context)
    address = listen(server)
    garbage = IOStream(socket.create_connection(address))
    await garbage.write(b"GET / HTTP/1.1\r\n\r\n")
    await garbage.read_until_close()
    garbage.close()
    [record] = caplog.records
    assert record.levelno == logging.WARNING
    assert "127.0.0.1" in record.getMessage()
    client = SSLIOStream(
        socket.create_connection(address),
        ssl_options={"ca_certs": certificate["certfile"]},
        server_hostname="localhost",
    )
    assert await talk(client, b"hello\n") == b"hello\n"
    client.close()
    server.stop()


@pytest.mark.openssl
async def test_a_handshake_that_fails_after_a_reset_is_logged_with_the_peer_s_address(
    io_loop: IOLoop, certificate: dict[str, str], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, "eyewall")
    server = Echo(ssl_options={"certfile": certificate["certfile"], "keyfile": certificate["keyfile"]})
    with socket.create_connection(listen(server)) as peer:
        _, port = peer.getsockname()
        peer.sendall(b"no TLS at all, " * 4)
        peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    await server.drain(30)
    [failed] = [record.getMessage() for record in caplog.records if record.name == "eyewall.iostream"]
    assert f"with 127.0.0.1 port {port} failed" in failed


def test_a_certificate_that_cannot_be_read_is_an_error_at_once() -> None:
    with pytest.raises(ValueError, match=r"cannot read certfile '/nonexistent/cert\.pem': No such file"):
        TCPServer(ssl_options={"certfile": "/nonexistent/cert.pem"})


@pytest.mark.parametrize(("name", "value"), [("connection_limits", 100), ("proxy_protocol", True)])
def test_an_option_of_the_wrong_type_is_named(name: str, value: Any) -> None:
    with pytest.raises(TypeError, match=f"{name} is {value}: give "):
        TCPServer(**{name: value})
