"""A stream that waits costs nothing: no event calls it before its peer has done something."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING, Any, cast

import pytest

from eyewall.iostream import IOStream, SSLIOStream
from eyewall.iostream.testing import self_signed_certificate

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from eyewall.ioloop import EventLoop, IOLoop

pytestmark = pytest.mark.needs("sockets")

CERTIFICATE = self_signed_certificate()
PLENTY = 4 * 1024 * 1024


class CountingLoop:
    """A loop that counts how often it calls handlers."""

    def __init__(self, io_loop: IOLoop) -> None:
        self._io_loop = io_loop
        self.events = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._io_loop, name)

    def add_handler(self, fd: int, handler: Callable[[int, int], object], events: int) -> None:
        def count(fd: int, events: int) -> None:
            self.events += 1
            handler(fd, events)

        self._io_loop.add_handler(fd, count, events)

    async def is_idle(self) -> bool:
        """Let things settle, and see whether nothing more is called."""
        await self._turns()
        self.events = 0
        await self._turns()
        return self.events == 0

    async def _turns(self) -> None:
        for _ in range(50):
            turn = self._io_loop.create_future()
            self._io_loop.add_callback(turn.set_result, None)
            await turn


@pytest.fixture
def counting(io_loop: IOLoop) -> CountingLoop:
    return CountingLoop(io_loop)


@pytest.fixture
def sockets() -> Iterator[tuple[socket.socket, socket.socket]]:
    pair = socket.socketpair()
    yield pair
    for sock in pair:
        sock.close()


def plain(sock: socket.socket, counting: CountingLoop) -> IOStream:
    return IOStream(sock, io_loop=cast("EventLoop", counting))


def client(sock: socket.socket, counting: CountingLoop) -> SSLIOStream:
    return SSLIOStream(
        sock,
        ssl_options=CERTIFICATE.client_options,
        server_hostname="localhost",
        io_loop=cast("EventLoop", counting),
    )


def server(sock: socket.socket, counting: CountingLoop) -> SSLIOStream:
    return SSLIOStream(
        sock, ssl_options=CERTIFICATE.server_options, server_side=True, io_loop=cast("EventLoop", counting)
    )


kinds = pytest.mark.parametrize("kind", [plain, client, server])


@kinds
async def test_waiting_for_bytes(
    counting: CountingLoop,
    sockets: tuple[socket.socket, socket.socket],
    kind: Callable[[socket.socket, CountingLoop], IOStream],
) -> None:
    stream = kind(sockets[0], counting)
    read = stream.read_bytes(1)
    assert await counting.is_idle()
    assert not read.done()
    stream.close()


@kinds
async def test_waiting_with_bytes_to_send(
    counting: CountingLoop,
    sockets: tuple[socket.socket, socket.socket],
    kind: Callable[[socket.socket, CountingLoop], IOStream],
) -> None:
    stream = kind(sockets[0], counting)
    write = stream.write(bytes(PLENTY))
    stream.shutdown_write()
    assert await counting.is_idle()
    assert not write.done()
    stream.close()


@kinds
async def test_waiting_with_more_to_read_than_anyone_reads(
    counting: CountingLoop,
    sockets: tuple[socket.socket, socket.socket],
    kind: Callable[[socket.socket, CountingLoop], IOStream],
) -> None:
    stream, other = kind(sockets[0], counting), plain(sockets[1], counting)
    if kind is not plain:
        other = (server if kind is client else client)(sockets[1], counting)
    stream.set_close_callback(lambda: None)
    other.write_nowait(bytes(PLENTY))
    other.write_nowait(b"end")
    assert await counting.is_idle()
    assert stream.read_nowait()
    stream.close()
    other.close()


@kinds
async def test_waiting_half_closed(
    counting: CountingLoop,
    sockets: tuple[socket.socket, socket.socket],
    kind: Callable[[socket.socket, CountingLoop], IOStream],
) -> None:
    stream, other = kind(sockets[0], counting), plain(sockets[1], counting)
    if kind is not plain:
        other = (server if kind is client else client)(sockets[1], counting)
    ends: list[str] = []
    stream.set_eof_callback(lambda: ends.append("stream"))
    other.set_close_callback(lambda: None)
    other.write_nowait(b"last words")
    other.shutdown_write()
    assert await counting.is_idle()
    assert ends == ["stream"]
    assert stream.read_nowait() == b"last words"
    stream.write_nowait(bytes(PLENTY))
    assert await counting.is_idle()
    assert stream.writing()
    stream.close()
    other.close()


@pytest.mark.parametrize("sent", [b"", b"\x16\x03\x01\x02\x00\x01\x00"], ids=["nothing", "half a hello"])
async def test_waiting_in_a_handshake(
    counting: CountingLoop, sockets: tuple[socket.socket, socket.socket], sent: bytes
) -> None:
    stream = server(sockets[0], counting)
    handshake = stream.wait_for_handshake()
    write = stream.write(b"hello")
    sockets[1].sendall(sent)
    assert await counting.is_idle()
    assert not handshake.done()
    assert not write.done()
    stream.close()
