"""Connections that break, on real sockets: what can still be read, and with what error the rest fails."""

from __future__ import annotations

import socket
import struct
from typing import TYPE_CHECKING

import pytest

from eyewall.iostream import BaseIOStream, IOStream, StreamClosedError, StreamTimeoutError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from eyewall.ioloop import IOLoop

pytestmark = pytest.mark.needs("sockets")

Pair = tuple[IOStream, socket.socket]


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as sock:
        yield sock


@pytest.fixture
def pair(io_loop: IOLoop, listener: socket.socket) -> Iterator[Pair]:
    """A stream, and its peer's bare socket."""
    peer = socket.create_connection(listener.getsockname())
    stream = IOStream(listener.accept()[0], io_loop=io_loop)
    yield stream, peer
    stream.close()
    peer.close()


def reset(peer: socket.socket) -> None:
    peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    peer.close()


async def test_what_arrived_before_a_reset_is_read_first(pair: Pair) -> None:
    stream, peer = pair
    peer.sendall(b"last words\n")
    reset(peer)
    assert await stream.read_until(b"\n") == b"last words\n"
    with pytest.raises(StreamClosedError) as caught:
        await stream.read_bytes(1)
    assert isinstance(caught.value.real_error, ConnectionResetError)


async def test_an_idle_stream_with_a_close_callback_notices_a_reset(io_loop: IOLoop, pair: Pair) -> None:
    stream, peer = pair
    closed = io_loop.create_future()
    stream.set_close_callback(lambda: closed.set_result(None))
    reset(peer)
    await closed
    assert isinstance(stream.error, ConnectionResetError)


async def test_a_reset_that_only_shutdown_meets_is_called_a_reset(pair: Pair) -> None:
    stream, peer = pair
    reset(peer)
    stream.shutdown_write()
    assert isinstance(stream.error, ConnectionResetError)


async def test_a_reset_is_an_error_for_whoever_set_an_eof_callback(io_loop: IOLoop, pair: Pair) -> None:
    stream, peer = pair
    ends: list[str] = []
    closed = io_loop.create_future()
    stream.set_eof_callback(lambda: ends.append("eof"))
    stream.set_close_callback(lambda: closed.set_result(None))
    reset(peer)
    await closed
    assert ends == []
    assert isinstance(stream.error, ConnectionResetError)


async def test_an_answer_to_a_request_that_was_refused_midway_can_be_read(pair: Pair) -> None:
    stream, peer = pair
    write = stream.write(bytes(10_000_000))
    peer.sendall(b"413 too much\n")
    peer.close()  # with bytes unread, and so it is a reset
    with pytest.raises(StreamClosedError):
        await write
    assert stream.read_nowait() == b"413 too much\n"


async def test_a_late_connect_closes_the_stream(io_loop: IOLoop) -> None:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        address = listener.getsockname()
        # They fill the queue, so that the kernel answers nobody else.
        first, second = (IOStream(socket.socket(), io_loop=io_loop) for _ in range(2))
        await first.connect(address)
        second.connect(address)
        late = IOStream(socket.socket(), io_loop=io_loop)
        with pytest.raises(StreamClosedError, match="connect was not done at its deadline") as caught:
            await late.connect(address, deadline=io_loop.time())
        assert isinstance(caught.value.real_error, StreamTimeoutError)
        assert late.closed()
        first.close()
        second.close()


class Interrupted(socket.socket):
    """A socket whose connect is interrupted by a signal, and goes on in the kernel."""

    def connect(self, address: object, /) -> None:
        with pytest.raises(BlockingIOError):
            super().connect(address)  # type: ignore[arg-type] # what the stream was given
        raise InterruptedError


async def test_a_connect_that_a_signal_interrupts_goes_on(io_loop: IOLoop, listener: socket.socket) -> None:
    stream = IOStream(Interrupted(), io_loop=io_loop)
    assert await stream.connect(listener.getsockname()) is stream
    listener.accept()[0].close()
    stream.close()


class Mistaken(IOStream):
    def read_from_fd(self, buf: bytearray | memoryview, /) -> int | None:
        return 1 // 0


async def test_a_mistake_in_a_transport_is_logged_once_and_closes(
    io_loop: IOLoop, listener: socket.socket, caplog: pytest.LogCaptureFixture
) -> None:
    peer = socket.create_connection(listener.getsockname())
    stream = Mistaken(listener.accept()[0], io_loop=io_loop)
    waiting = stream.readable()
    peer.sendall(b"x")
    with pytest.raises(StreamClosedError) as caught:
        await waiting
    assert isinstance(caught.value.real_error, ZeroDivisionError)
    assert [record.name for record in caplog.records] == ["eyewall.iostream"]
    assert isinstance(stream, BaseIOStream)
    peer.close()
