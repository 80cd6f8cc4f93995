"""Peers that do wrong: each is bounded in time and memory, logged at most once, and leaves nothing behind."""

from __future__ import annotations

import gc
import logging
import socket
import ssl
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from eyewall.iostream import IOStream, SSLIOStream, ssl_options_to_context
from eyewall.iostream.testing import self_signed_certificate
from eyewall.tcpserver import ConnectionLimits, ProxyProtocol, TCPServer, bind_sockets
from eyewall.tcpserver._connections import Connection
from eyewall.tcpserver._proxy_header import ProxyHeader

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator

    from eyewall.ioloop import IOLoop, Promise
    from eyewall.iostream import Address, Stream

    Peer = Callable[[IOLoop, socket.socket], Awaitable[None]]

pytestmark = pytest.mark.needs("sockets")

PEERS = 6
HEADER = b"PROXY TCP4 192.0.2.7 198.51.100.9 56324 443\r\n"
CLIENT_HELLO_BEGUN = b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"


class Lines(TCPServer):
    """Echoes short lines, over TLS behind a proxy."""

    def __init__(self, io_loop: IOLoop, *, header_seconds: float = 60, handshake_seconds: float = 60) -> None:
        super().__init__(
            self_signed_certificate().server_options,
            max_buffer_size=4096,
            proxy_protocol=ProxyProtocol(["127.0.0.1"], timeout=header_seconds, max_bytes=200),
            connection_limits=ConnectionLimits(PEERS),
            handshake_timeout=handshake_seconds,
            io_loop=io_loop,
        )
        [sock] = bind_sockets(0, "127.0.0.1")
        self.add_socket(sock)
        self.address: tuple[str, int] = sock.getsockname()
        self.accepted = 0

    def _handle_connection(self, sock: socket.socket, address: Address) -> None:
        self.accepted += 1
        super()._handle_connection(sock, address)

    async def handle_stream(self, stream: Stream, address: Address) -> None:
        while True:
            await stream.write(await stream.read_until(b"\n"))


async def says_nothing(io_loop: IOLoop, sock: socket.socket) -> None:
    await until_hung_up(io_loop, sock)


async def leaves_at_once(io_loop: IOLoop, sock: socket.socket) -> None:
    pass


async def resets_at_once(io_loop: IOLoop, sock: socket.socket) -> None:
    reset(sock)


async def sends_its_header_byte_by_byte_and_too_slowly(io_loop: IOLoop, sock: socket.socket) -> None:
    sock.sendall(HEADER[:1])
    for byte in HEADER[1:]:
        await wait(io_loop, 0.01)
        try:
            sock.sendall(bytes([byte]))
        except OSError:
            return
    raise AssertionError("the whole header was waited for")


async def sends_a_header_that_never_ends(io_loop: IOLoop, sock: socket.socket) -> None:
    sock.sendall(b"PROXY UNKNOWN " + b"x" * 10_000)
    await until_hung_up(io_loop, sock)


async def announces_a_header_that_is_too_long(io_loop: IOLoop, sock: socket.socket) -> None:
    sock.sendall(b"\r\n\r\n\x00\r\nQUIT\n\x21\x11\xff\xff")
    await until_hung_up(io_loop, sock)


async def sends_garbage_for_a_hello(io_loop: IOLoop, sock: socket.socket) -> None:
    sock.sendall(HEADER + b"GET / HTTP/1.1\r\n\r\n")
    await until_hung_up(io_loop, sock)


async def sends_half_a_hello(io_loop: IOLoop, sock: socket.socket) -> None:
    sock.sendall(HEADER + CLIENT_HELLO_BEGUN)
    await until_hung_up(io_loop, sock)


async def sends_half_a_hello_and_resets(io_loop: IOLoop, sock: socket.socket) -> None:
    sock.sendall(HEADER + CLIENT_HELLO_BEGUN)
    await turns(io_loop)
    reset(sock)


class ResetsInTheHandshake:
    """Shakes hands by hand as far as it was told, and then resets the connection."""

    STEPS = ("header", "a byte of the hello", "hello", "the server's answer", "half of the end", "end")

    def __init__(self, last: str) -> None:
        self._last = self.STEPS.index(last)

    async def __call__(self, io_loop: IOLoop, sock: socket.socket) -> None:
        stream = IOStream(socket.socket(fileno=sock.detach()), io_loop=io_loop)
        steps = self._steps(stream)
        for _ in range(self._last + 1):
            await anext(steps)
        await turns(io_loop)  # or the reset would overtake it all
        linger(stream.socket)
        stream.close()
        await steps.aclose()

    async def _steps(self, stream: IOStream) -> AsyncGenerator[None]:
        incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        context = ssl_options_to_context(self_signed_certificate().client_options)
        session = context.wrap_bio(incoming, outgoing, server_hostname="localhost")
        await stream.write(HEADER)
        yield
        with suppress(ssl.SSLWantReadError):
            session.do_handshake()
        hello = outgoing.read()
        await stream.write(hello[:1])
        yield
        await stream.write(hello[1:])
        yield
        while not (end := outgoing.read()):
            incoming.write(await stream.read_bytes(65536, partial=True))
            with suppress(ssl.SSLWantReadError):
                session.do_handshake()
        yield
        await stream.write(end[: len(end) // 2])
        yield
        await stream.write(end[len(end) // 2 :])
        yield


async def shakes_hands_and_resets(io_loop: IOLoop, sock: socket.socket) -> None:
    stream = await shake_hands(io_loop, sock)
    await stream.write(b"half a line")
    linger(stream.socket)
    stream.close()


async def sends_a_line_that_never_ends(io_loop: IOLoop, sock: socket.socket) -> None:
    stream = await shake_hands(io_loop, sock)
    closed: Promise[None] = io_loop.create_future()
    stream.set_close_callback(lambda: closed.set_result(None))
    stream.write_nowait(b"x" * 20_000)
    await closed


@pytest.fixture
def log() -> Iterator[list[tuple[int, bool]]]:
    """The level of each line in the log, and whether it has a trace."""
    lines: list[tuple[int, bool]] = []

    def note(record: logging.LogRecord) -> bool:
        lines.append((record.levelno, record.exc_info is not None))
        # pytest keeps records, and they the errors, and those what was at hand where they were raised.
        record.msg, record.args, record.exc_info = record.getMessage(), (), None
        return True

    logger = logging.getLogger("eyewall.tcpserver")
    level = logger.level
    logger.setLevel(logging.DEBUG)
    logger.addFilter(note)
    yield lines
    logger.removeFilter(note)
    logger.setLevel(level)


# Only what is to run out is short, so that a slow machine sees no other limit reached before it.
SHORT_HEADER = {"header_seconds": 0.02}
SHORT_HANDSHAKE = {"handshake_seconds": 0.02}
PLENTY: dict[str, float] = {}


@pytest.fixture
def server(io_loop: IOLoop, request: pytest.FixtureRequest) -> Iterator[Lines]:
    server = Lines(io_loop, **getattr(request, "param", {}))
    yield server
    server.stop()


@pytest.mark.parametrize(
    ("server", "peer", "level"),
    [
        (SHORT_HEADER, says_nothing, logging.WARNING),
        (PLENTY, leaves_at_once, logging.DEBUG),
        (PLENTY, resets_at_once, logging.DEBUG),
        (SHORT_HEADER, sends_its_header_byte_by_byte_and_too_slowly, logging.WARNING),
        (PLENTY, sends_a_header_that_never_ends, logging.WARNING),
        (PLENTY, announces_a_header_that_is_too_long, logging.WARNING),
        (PLENTY, sends_garbage_for_a_hello, logging.DEBUG),
        (SHORT_HANDSHAKE, sends_half_a_hello, logging.INFO),
        (PLENTY, sends_half_a_hello_and_resets, logging.INFO),
        *[(PLENTY, ResetsInTheHandshake(last), logging.INFO) for last in ResetsInTheHandshake.STEPS],
        (PLENTY, shakes_hands_and_resets, logging.INFO),
        (PLENTY, sends_a_line_that_never_ends, logging.INFO),
    ],
    indirect=["server"],
)
async def test_it_leaves_nothing_behind(
    io_loop: IOLoop, server: Lines, peer: Peer, level: int, log: list[tuple[int, bool]]
) -> None:
    await meet(io_loop, server, peer)  # what the first time loads and opens is no leak
    log.clear()
    opened, known = descriptors_and_tasks(io_loop), {id(made) for made in objects()}
    for _ in range(PEERS - 1):
        await meet(io_loop, server, peer)
    assert [made for made in objects() if id(made) not in known] == []
    assert descriptors_and_tasks(io_loop) == opened
    assert server.connection_count == 0
    assert log == [(level, False)] * (PEERS - 1)


@pytest.mark.parametrize("server", [{"header_seconds": 0.1}], indirect=True)
async def test_peers_that_stall_hold_up_others_no_longer_than_their_time(io_loop: IOLoop, server: Lines) -> None:
    stalling = [socket.create_connection(server.address) for _ in range(PEERS)]
    good = await shake_hands(io_loop, socket.create_connection(server.address))
    await good.write(b"hello\n")
    assert await good.read_until(b"\n") == b"hello\n"
    for sock in stalling:
        sock.close()
    good.close()
    await server.drain()


async def meet(io_loop: IOLoop, server: Lines, peer: Peer) -> None:
    """Let a peer do its worst, and wait until the server is done with it."""
    accepted = server.accepted
    with socket.create_connection(server.address) as sock:
        await peer(io_loop, sock)
    while server.accepted == accepted or server.connection_count:
        await wait(io_loop, 0.001)


def descriptors_and_tasks(io_loop: IOLoop) -> tuple[int, int]:
    return len(list(Path("/proc/self/fd").iterdir())), len(io_loop.describe_tasks().splitlines())


def objects() -> list[object]:
    """List what connections are made of, that of other tests too: what these left may go at any time."""
    gc.collect()
    kinds = (socket.socket, IOStream, SSLIOStream, Connection, ProxyHeader)
    return [made for made in gc.get_objects() if isinstance(made, kinds)]


async def shake_hands(io_loop: IOLoop, sock: socket.socket) -> SSLIOStream:
    sock.sendall(HEADER)
    options = self_signed_certificate().client_options
    stream = SSLIOStream(
        socket.socket(fileno=sock.detach()), ssl_options=options, server_hostname="localhost", io_loop=io_loop
    )
    return await stream.wait_for_handshake()


async def until_hung_up(io_loop: IOLoop, sock: socket.socket) -> None:
    """Wait until the server has closed; a reset will do, since it may have left bytes unread."""
    stream = IOStream(socket.socket(fileno=sock.detach()), io_loop=io_loop)
    closed: Promise[None] = io_loop.create_future()
    stream.set_close_callback(lambda: closed.set_result(None))
    await closed


def reset(sock: socket.socket) -> None:
    linger(sock)
    sock.close()


def linger(sock: socket.socket) -> None:
    """Let the socket's close be a reset."""
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")


async def wait(io_loop: IOLoop, seconds: float) -> None:
    later: Promise[None] = io_loop.create_future()
    io_loop.call_later(seconds, later.set_result, None)
    await later


async def turns(io_loop: IOLoop) -> None:
    """Let the server come to all that has been sent."""
    for _ in range(30):
        turn: Promise[None] = io_loop.create_future()
        io_loop.add_callback(turn.set_result, None)
        await turn
