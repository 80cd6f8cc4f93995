"""SSLIOStream: handshakes that succeed and fail, the end of a session, records held back."""

from __future__ import annotations

import socket
import ssl
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import pytest

from eyewall.iostream import IOStream, SSLIOStream, SSLOptions, StreamClosedError, ssl_options_to_context
from eyewall.iostream.testing import self_signed_certificate

if TYPE_CHECKING:
    from collections.abc import Iterator

    from eyewall.ioloop import IOLoop

pytestmark = pytest.mark.needs("sockets")

CERTIFICATE = self_signed_certificate()


@pytest.fixture
def sockets() -> Iterator[tuple[socket.socket, socket.socket]]:
    pair = socket.socketpair()
    yield pair
    for sock in pair:
        sock.close()


def serve(sock: socket.socket, options: SSLOptions = CERTIFICATE.server_options) -> SSLIOStream:
    return SSLIOStream(sock, ssl_options=options, server_side=True)


def client(sock: socket.socket, read_chunk_size: int | None = None) -> SSLIOStream:
    return SSLIOStream(
        sock,
        ssl_options=CERTIFICATE.client_options,
        server_hostname="localhost",
        read_chunk_size=read_chunk_size,
    )


async def test_connect_is_done_when_the_handshake_is(io_loop: IOLoop) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        near = SSLIOStream(socket.socket(), ssl_options=CERTIFICATE.client_options)
        connected = near.connect(listener.getsockname())
        written = near.write(b"early")
        far = serve(listener.accept()[0])
        assert await far.read_bytes(5) == b"early"
        assert await connected is near
        await written
    assert near.info.address == listener_address(near)
    assert near.info.tls is not None
    assert (near.info.tls.version, near.info.tls.server_name) == ("TLSv1.3", "127.0.0.1")
    assert near.info.tls.cipher.startswith("TLS_")
    assert near.info.tls.peer_certificate is not None
    assert near.info.tls.peer_certificate["serialNumber"] == "01"
    assert far.info.tls is not None
    assert far.info.tls.peer_certificate is None
    assert await near.wait_for_handshake() is near
    near.close()
    far.close()


def listener_address(stream: IOStream) -> object:
    return stream.socket.getpeername()


async def test_its_socket_answers_what_an_ssl_socket_does(
    io_loop: IOLoop, sockets: tuple[socket.socket, socket.socket]
) -> None:
    contexts = (
        ssl_options_to_context(CERTIFICATE.client_options),
        ssl_options_to_context(CERTIFICATE.server_options, server_side=True),
    )
    for context in contexts:
        context.set_alpn_protocols(["x"])
        context.maximum_version = ssl.TLSVersion.TLSv1_2  # whose sessions have a name that both ends know
    near = SSLIOStream(sockets[0], ssl_options=contexts[0], server_hostname="localhost")
    far = serve(sockets[1], contexts[1])
    ours: Any = near.socket  # Any: Tornado's way to ask, of which a socket's type knows nothing
    theirs: Any = far.socket
    assert (ours.version(), ours.cipher(), ours.selected_alpn_protocol()) == (None, None, None)
    await near.wait_for_handshake()
    await far.wait_for_handshake()
    assert (ours.version(), ours.selected_alpn_protocol()) == ("TLSv1.2", "x")
    assert ours.cipher() == theirs.cipher()
    assert ours.get_channel_binding() == theirs.get_channel_binding()
    assert len(ours.get_channel_binding()) == 12
    near.close()
    far.close()


async def test_a_handshake_needs_nobody_who_reads_or_writes(
    io_loop: IOLoop, sockets: tuple[socket.socket, socket.socket]
) -> None:
    near, far = client(sockets[0]), serve(sockets[1])
    assert await near.wait_for_handshake() is near
    near.close()
    far.close()


async def test_an_ssl_socket_is_taken_apart(io_loop: IOLoop, sockets: tuple[socket.socket, socket.socket]) -> None:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(*CERTIFICATE)
    far = SSLIOStream(context.wrap_socket(sockets[1], server_side=True, do_handshake_on_connect=False))
    trusting = ssl.create_default_context(cafile=CERTIFICATE.certfile)
    near = SSLIOStream(trusting.wrap_socket(sockets[0], do_handshake_on_connect=False, server_hostname="localhost"))
    near.write_nowait(b"hello")
    assert await far.read_bytes(5) == b"hello"
    near.close()
    far.close()


async def test_a_certificate_that_nobody_vouches_for_is_refused(
    io_loop: IOLoop, sockets: tuple[socket.socket, socket.socket]
) -> None:
    far = serve(sockets[1])
    refused = far.wait_for_handshake()
    near = SSLIOStream(sockets[0], server_hostname="localhost")
    with pytest.raises(ssl.SSLCertVerificationError):
        await near.wait_for_handshake()
    assert isinstance(near.error, ssl.SSLCertVerificationError)
    assert near.info.tls is None
    with pytest.raises(ssl.SSLError, match=r"(?i)alert unknown ca"):
        await refused


async def test_a_certificate_of_another_name_is_refused(io_loop: IOLoop) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        near = SSLIOStream(socket.socket(), ssl_options=CERTIFICATE.client_options)
        connected = near.connect(listener.getsockname(), server_hostname="example.org")
        far = serve(listener.accept()[0])
        far.set_close_callback(lambda: None)
        with pytest.raises(ssl.SSLCertVerificationError, match=r"Hostname mismatch.*example\.org"):
            await connected
        far.close()


async def test_a_second_connect_is_refused_and_the_first_handshake_goes_on(io_loop: IOLoop) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        near = SSLIOStream(socket.socket(), ssl_options=CERTIFICATE.client_options)
        connected = near.connect(listener.getsockname())
        with pytest.raises(RuntimeError, match="connecting already"):
            near.connect(listener.getsockname())
        far = serve(listener.accept()[0])
        assert await connected is near
    near.close()
    far.close()


async def test_a_refused_connection_fails_connect(io_loop: IOLoop) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        address = listener.getsockname()
    near = SSLIOStream(socket.socket(), ssl_options=CERTIFICATE.client_options)
    with pytest.raises(ConnectionRefusedError):
        await near.connect(address)


@pytest.mark.parametrize("garbage", [b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", bytes(100), b"\x16\x03\x01\xff\xff" * 9])
async def test_garbage_instead_of_a_hello_closes_with_the_reason(
    io_loop: IOLoop, sockets: tuple[socket.socket, socket.socket], garbage: bytes
) -> None:
    far = serve(sockets[1])
    handshake = far.wait_for_handshake()
    waiting = [far.write(b"never"), far.read_bytes(1)]
    sockets[0].sendall(garbage)
    with pytest.raises(ssl.SSLError):
        await handshake
    for future in waiting:
        with pytest.raises(StreamClosedError) as caught:
            await future
        assert isinstance(caught.value.real_error, ssl.SSLError)


async def test_half_a_hello_and_an_end_fail_the_handshake(
    io_loop: IOLoop, sockets: tuple[socket.socket, socket.socket]
) -> None:
    far = serve(sockets[1])
    waiting = far.wait_for_handshake()
    sockets[0].sendall(b"\x16\x03\x01\x02\x00\x01")
    sockets[0].close()
    with pytest.raises(ssl.SSLError):
        await waiting


async def test_a_client_whose_server_speaks_no_tls_is_told(
    io_loop: IOLoop, sockets: tuple[socket.socket, socket.socket]
) -> None:
    near = client(sockets[0])
    waiting = near.wait_for_handshake()
    sockets[1].sendall(b"220 mail.example.org ready\r\n")
    with pytest.raises(ssl.SSLError, match=r"(?i)wrong.version.number"):
        await waiting


async def test_closing_ends_a_wait_for_the_handshake(
    io_loop: IOLoop, sockets: tuple[socket.socket, socket.socket]
) -> None:
    near = client(sockets[0])
    waiting = near.wait_for_handshake()
    near.close(ZeroDivisionError())
    for future in (waiting, near.wait_for_handshake()):
        with pytest.raises(StreamClosedError) as caught:
            await future
        assert isinstance(caught.value.real_error, ZeroDivisionError)


async def test_an_end_asked_for_before_the_handshake_waits_for_it(
    io_loop: IOLoop, sockets: tuple[socket.socket, socket.socket]
) -> None:
    near, far = client(sockets[0]), serve(sockets[1])
    near.write_nowait(b"all of it")
    near.shutdown_write()
    far.set_eof_callback(lambda: None)
    assert await far.read_until_close() == b"all of it"
    await far.write(b"answer")
    far.close()
    assert await near.read_until_close() == b"answer"


async def test_an_end_with_nothing_before_it_waits_for_the_handshake_too(
    io_loop: IOLoop, sockets: tuple[socket.socket, socket.socket]
) -> None:
    near, far = client(sockets[0]), serve(sockets[1])
    near.shutdown_write()
    far.set_eof_callback(lambda: None)
    assert await far.read_until_close() == b""
    assert far.info.tls is not None
    await far.write(b"answer")
    far.close()
    assert await near.read_until_close() == b"answer"


async def test_records_that_wait_to_be_decrypted_survive_the_end_of_writing(
    io_loop: IOLoop, sockets: tuple[socket.socket, socket.socket]
) -> None:
    near, far = client(sockets[0], read_chunk_size=1000), serve(sockets[1])
    sent = bytes(range(256)) * 160
    near.write_nowait(b"ready")
    assert await far.read_bytes(5) == b"ready"
    far.write_nowait(sent)
    far.set_eof_callback(lambda: None)
    got = await near.read_bytes(100)
    near.shutdown_write()
    assert got + await near.read_bytes(len(sent) - 100) == sent
    assert await far.read_until_close() == b""
    near.close()
    far.close()


async def test_a_close_tells_the_end_and_one_with_an_error_does_not(io_loop: IOLoop) -> None:
    ends: list[bool] = []
    for error in (None, ZeroDivisionError()):
        near, peer = socket.socketpair()
        stream = client(near)
        session = Peer(peer)
        handshake = stream.wait_for_handshake()
        while not (handshake.done() and session.handshaken):
            session.step()
            await turn(io_loop)
        stream.close(error)
        session.step()
        ends.append(session.told_of_end)
        peer.close()
    assert ends == [True, False]


async def test_a_close_that_drops_unsent_bytes_does_not_pass_for_an_orderly_end(io_loop: IOLoop) -> None:
    near, peer = socket.socketpair()
    stream = client(near)
    session = Peer(peer)
    handshake = stream.wait_for_handshake()
    while not (handshake.done() and session.handshaken):
        session.step()
        await turn(io_loop)
    stream.write_nowait(bytes(8_000_000))
    session.step()  # makes room, so that there would be some for close_notify
    assert stream.writing()
    stream.close()
    # Tickets that it has not read make the end a reset, which is no orderly end either.
    with suppress(ConnectionResetError):
        for _ in range(100):
            session.step()
    assert not session.told_of_end
    peer.close()


async def test_the_last_bytes_and_the_end_may_come_in_one_piece(io_loop: IOLoop) -> None:
    near, peer = socket.socketpair()
    stream = client(near)
    session = Peer(peer)
    handshake = stream.wait_for_handshake()
    while not (handshake.done() and session.handshaken):
        session.step()
        await turn(io_loop)
    read = stream.read_until(b"\n")
    rest = session.tls.write(b"line\nrest")
    assert rest == 9
    with pytest.raises(ssl.SSLWantReadError):
        session.tls.unwrap()
    session.flush()
    assert await read == b"line\n"
    assert await stream.read_until_close() == b"rest"
    assert stream.closed()
    assert stream.error is None
    peer.close()


async def test_a_forged_record_closes_with_the_reason(io_loop: IOLoop) -> None:
    near, peer = socket.socketpair()
    stream = client(near)
    session = Peer(peer)
    handshake = stream.wait_for_handshake()
    while not (handshake.done() and session.handshaken):
        session.step()
        await turn(io_loop)
    read = stream.read_bytes(1)
    peer.sendall(b"\x17\x03\x03\x00\x20" + bytes(32))
    with pytest.raises(StreamClosedError, match=r"(?i)bad record mac"):
        await read
    peer.close()


async def test_a_hello_may_come_byte_by_byte(io_loop: IOLoop) -> None:
    near, peer = socket.socketpair()
    far = serve(near)
    context = ssl.create_default_context(cafile=CERTIFICATE.certfile)
    session = Peer(peer, context, "localhost")
    handshake = far.wait_for_handshake()
    while not (handshake.done() and session.handshaken):
        session.step(chunk_size=1)
        await turn(io_loop)
    assert far.info.tls is not None
    far.close()
    peer.close()


async def turn(io_loop: IOLoop) -> None:
    passed = io_loop.create_future()
    io_loop.add_callback(passed.set_result, None)
    await passed


class Peer:
    """A TLS session by hand, over a socket, whose every byte a test can hold back."""

    def __init__(
        self, sock: socket.socket, context: ssl.SSLContext | None = None, server_hostname: str | None = None
    ) -> None:
        if context is None:
            context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
            context.load_cert_chain(CERTIFICATE.certfile, CERTIFICATE.keyfile)
        sock.setblocking(False)
        self.sock = sock
        self.incoming, self.outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.tls = context.wrap_bio(self.incoming, self.outgoing, server_hostname is None, server_hostname)
        self.held = b""
        self.handshaken = False
        self.told_of_end = False

    def step(self, chunk_size: int | None = None) -> None:
        """Take what has come, go on, and send what that makes, at most ``chunk_size`` bytes of it."""
        self.fetch()
        try:
            if self.handshaken:
                self.told_of_end = self.tls.read(1000) == b""
            else:
                self.tls.do_handshake()
                self.handshaken = True
        except ssl.SSLWantReadError:
            pass
        except ssl.SSLEOFError:
            pass
        self.flush(chunk_size)

    def fetch(self) -> None:
        try:
            raw = self.sock.recv(65536)
        except BlockingIOError:
            return
        if raw:
            self.incoming.write(raw)
        else:
            self.incoming.write_eof()

    def flush(self, chunk_size: int | None = None) -> None:
        self.held += self.outgoing.read()
        sent = self.held[:chunk_size]
        self.held = self.held[len(sent) :]
        with suppress(BrokenPipeError):
            self.sock.sendall(sent)
