"""The methods that Tornado documents for subclasses: what reads, writes and closes a descriptor."""

from __future__ import annotations

import os
import socket
from typing import TYPE_CHECKING

import pytest

from eyewall.iostream import BaseIOStream, IOStream, StreamClosedError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from eyewall.ioloop import IOLoop


class Descriptor(BaseIOStream):
    """A subclass as Tornado's documentation asks for it."""

    def __init__(self, fd: int, io_loop: IOLoop) -> None:
        self.fd = fd
        self.closings = 0
        os.set_blocking(fd, False)
        super().__init__(io_loop=io_loop)

    def fileno(self) -> int:
        return self.fd

    def read_from_fd(self, buf: bytearray | memoryview, /) -> int | None:
        try:
            return os.readv(self.fd, [buf])
        except BlockingIOError:
            return None

    def write_to_fd(self, data: memoryview, /) -> int:
        try:
            return os.write(self.fd, data[:1000])
        except BlockingIOError:
            return 0

    def close_fd(self) -> None:
        self.closings += 1
        os.close(self.fd)


class Swapping(IOStream):
    """A socket's stream that changes what passes."""

    def read_from_fd(self, buf: bytearray | memoryview, /) -> int | None:
        count = super().read_from_fd(buf)
        if count:
            buf[:count] = bytes(buf[:count]).swapcase()
        return count

    def write_to_fd(self, data: memoryview, /) -> int:
        return super().write_to_fd(memoryview(bytes(data).swapcase()))


class Failing(IOStream):
    """A socket's stream whose reads fail."""

    def read_from_fd(self, buf: bytearray | memoryview, /) -> int | None:
        raise ConnectionResetError("made up")


@pytest.fixture
def sockets() -> Iterator[tuple[socket.socket, socket.socket]]:
    pair = socket.socketpair()
    yield pair
    for sock in pair:
        sock.close()


@pytest.mark.needs("sockets")
async def test_a_stream_can_be_made_of_the_methods_of_a_descriptor(io_loop: IOLoop) -> None:
    (near_fd, far_fd) = (sock.detach() for sock in socket.socketpair())
    near, far = Descriptor(near_fd, io_loop), Descriptor(far_fd, io_loop)
    sent = bytes(range(256)) * 4000
    write = near.write(sent[:10], sent[10:])
    assert await far.read_bytes(len(sent)) == sent
    await write
    reading = near.read_until_close()
    await far.write(b"bye")
    far.close()
    far.close()
    assert await reading == b"bye"
    assert near.closed()
    assert (near.closings, far.closings) == (1, 1)


@pytest.mark.needs("sockets")
async def test_each_byte_passes_the_overridden_methods_of_a_sockets_stream(
    io_loop: IOLoop, sockets: tuple[socket.socket, socket.socket]
) -> None:
    stream = Swapping(sockets[0], io_loop=io_loop)
    stream.set_eof_callback(lambda: None)
    await stream.write(b"Hello ", b"World")
    stream.shutdown_write()
    assert sockets[1].recv(100) == b"hELLO wORLD"
    assert sockets[1].recv(100) == b""
    sockets[1].sendall(b"Answer\n")
    assert await stream.read_until(b"\n") == b"aNSWER\n"
    stream.close()
    assert sockets[0].fileno() == -1


@pytest.mark.needs("sockets")
async def test_an_error_of_an_overridden_method_closes_the_stream(
    io_loop: IOLoop, sockets: tuple[socket.socket, socket.socket]
) -> None:
    stream = Failing(sockets[0], io_loop=io_loop)
    sockets[1].sendall(b"x")
    with pytest.raises(StreamClosedError, match="made up"):
        await stream.read_bytes(1)


async def test_a_stream_without_transport_or_methods_says_what_it_lacks(io_loop: IOLoop) -> None:
    stream = BaseIOStream(io_loop=io_loop)
    with pytest.raises(StreamClosedError, match=r"BaseIOStream .* does not override read_from_fd\(\)"):
        await stream.read_bytes(1)
    assert stream.get_fd_error() is None


class Clinging(IOStream):
    """A socket's stream that fails to close."""

    def write_to_fd(self, data: memoryview, /) -> int:
        return super().write_to_fd(data)

    def close_fd(self) -> None:
        raise ZeroDivisionError


@pytest.mark.needs("sockets")
async def test_whoever_waits_is_woken_even_where_the_descriptor_cannot_be_closed(
    io_loop: IOLoop, sockets: tuple[socket.socket, socket.socket], caplog: pytest.LogCaptureFixture
) -> None:
    stream = Clinging(sockets[0], io_loop=io_loop)
    waiting = stream.read_bytes(1)
    closed = io_loop.create_future()
    stream.set_close_callback(lambda: closed.set_result(None))
    stream.close()
    await closed
    with pytest.raises(StreamClosedError):
        await waiting
    assert [record.name for record in caplog.records] == ["eyewall.iostream"]
