"""IOStream on sockets: connecting, and the limits of its buffers."""

from __future__ import annotations

import errno
import socket
from typing import TYPE_CHECKING

import pytest

from eyewall.iostream import IOStream, StreamBufferFullError, StreamClosedError, UnsatisfiableReadError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from eyewall.ioloop import Future, IOLoop

pytestmark = pytest.mark.needs("sockets")


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as sock:
        yield sock


@pytest.fixture
def pair(io_loop: IOLoop) -> Iterator[tuple[IOStream, socket.socket]]:
    """A stream, and a plain socket at its other end."""
    near, far = socket.socketpair()
    stream = IOStream(near, io_loop=io_loop)
    yield stream, far
    stream.close()
    far.close()


async def test_connect_gives_the_stream_and_the_peers_address(io_loop: IOLoop, listener: socket.socket) -> None:
    stream = IOStream(socket.socket(), io_loop=io_loop)
    assert stream.info.address is None
    assert await stream.connect(listener.getsockname()) is stream
    assert stream.info.address == listener.getsockname()
    stream.close()
    assert stream.info.address == listener.getsockname()
    assert stream.fileno() == -1


async def test_what_is_written_and_ended_while_connecting_leaves_afterwards(
    io_loop: IOLoop, listener: socket.socket
) -> None:
    stream = IOStream(socket.socket(), io_loop=io_loop)
    connected = stream.connect(listener.getsockname())
    written = stream.write(b"early")
    answer = stream.read_bytes(2)
    stream.shutdown_write()
    assert await connected is stream
    await written
    accepted, _ = listener.accept()
    peer = IOStream(accepted, io_loop=io_loop)
    peer.set_eof_callback(lambda: None)
    assert await peer.read_until_close() == b"early"
    await peer.write(b"ok")
    assert await answer == b"ok"
    peer.close()
    stream.close()


async def test_a_refused_connection_is_the_real_error(io_loop: IOLoop, listener: socket.socket) -> None:
    address = listener.getsockname()
    listener.close()
    stream = IOStream(socket.socket(), io_loop=io_loop)
    with pytest.raises(StreamClosedError) as caught:
        await stream.connect(address)
    assert isinstance(caught.value.real_error, ConnectionRefusedError)
    assert isinstance(stream.error, ConnectionRefusedError)
    assert stream.closed()


async def test_connecting_a_closed_stream_fails(io_loop: IOLoop, listener: socket.socket) -> None:
    stream = IOStream(socket.socket(), io_loop=io_loop)
    stream.close()
    with pytest.raises(StreamClosedError):
        await stream.connect(listener.getsockname())


async def test_a_second_connect_is_refused_and_the_first_goes_on(io_loop: IOLoop, listener: socket.socket) -> None:
    stream = IOStream(socket.socket(), io_loop=io_loop)
    connected = stream.connect(listener.getsockname())
    with pytest.raises(RuntimeError, match="connecting already"):
        stream.connect(listener.getsockname())
    assert await connected is stream
    stream.close()


async def test_closing_ends_a_connect_that_waits(io_loop: IOLoop, listener: socket.socket) -> None:
    stream = IOStream(socket.socket(), io_loop=io_loop)
    connected = stream.connect(listener.getsockname())
    stream.close(ZeroDivisionError())
    with pytest.raises(StreamClosedError) as caught:
        await connected
    assert isinstance(caught.value.real_error, ZeroDivisionError)


async def test_a_unix_socket_whose_queue_is_full_fails_at_once(io_loop: IOLoop, tmp_path: Path) -> None:
    path = str(tmp_path / "socket")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(path)
        listener.listen(0)
        first, second = (IOStream(socket.socket(socket.AF_UNIX), io_loop=io_loop) for _ in range(2))
        await first.connect(path)
        with pytest.raises(StreamClosedError) as caught:
            await second.connect(path)
        assert isinstance(caught.value.real_error, BlockingIOError)
        first.close()


async def test_the_address_of_an_abstract_unix_socket_is_text(io_loop: IOLoop) -> None:
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind("")  # the kernel chooses an abstract name
        listener.listen()
        stream = IOStream(socket.socket(socket.AF_UNIX), io_loop=io_loop)
        await stream.connect(listener.getsockname().decode())
        assert stream.info.address == listener.getsockname().decode()
        stream.close()


async def test_a_socket_that_is_not_connected_fails_its_reads(io_loop: IOLoop) -> None:
    stream = IOStream(socket.socket(), io_loop=io_loop)
    with pytest.raises(StreamClosedError) as caught:
        await stream.read_bytes(1)
    assert isinstance(caught.value.real_error, OSError)
    assert caught.value.real_error.errno == errno.ENOTCONN


async def test_set_nodelay_reaches_the_socket(io_loop: IOLoop, listener: socket.socket) -> None:
    stream = IOStream(socket.create_connection(listener.getsockname()), io_loop=io_loop)
    for value in (True, False):
        stream.set_nodelay(value)
        assert bool(stream.socket.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)) is value
    stream.close()


async def test_a_read_that_gathers_too_much_closes_the_stream(io_loop: IOLoop) -> None:
    near, far = socket.socketpair()
    stream = IOStream(near, io_loop=io_loop, max_buffer_size=1000)
    far.sendall(bytes(2000))
    with pytest.raises(StreamClosedError) as caught:
        await stream.read_until(b"\n")
    assert isinstance(caught.value.real_error, StreamBufferFullError)
    assert "1000 bytes" in str(caught.value.real_error)
    far.close()


async def test_reads_of_max_buffer_size_go_on_for_ever(io_loop: IOLoop) -> None:
    near, far = socket.socketpair()
    stream = IOStream(near, io_loop=io_loop, max_buffer_size=1000)
    for _ in range(5):
        far.sendall(bytes(1000))
        assert await stream.read_bytes(1000) == bytes(1000)
    stream.close()
    far.close()


async def test_a_write_beyond_max_write_buffer_size_is_refused_whole(io_loop: IOLoop) -> None:
    near, far = socket.socketpair()
    stream = IOStream(near, io_loop=io_loop, max_write_buffer_size=1000)
    with pytest.raises(StreamBufferFullError, match=r"1001 bytes .* max_write_buffer_size is 1000"):
        stream.write(bytes(500), bytes(501))
    await stream.write(b"fits")
    stream.close()
    assert far.recv(100) == b"fits"
    far.close()


async def test_what_waits_counts_towards_max_write_buffer_size(io_loop: IOLoop) -> None:
    near, far = socket.socketpair()
    stream = IOStream(near, io_loop=io_loop, max_write_buffer_size=100_000)
    while not stream.writing():
        stream.write_nowait(bytes(60_000))
    stream.write_nowait(bytes(1000))
    with pytest.raises(StreamBufferFullError):
        stream.write_nowait(bytes(99_001))
    stream.close()
    far.close()


async def test_writing_and_reading_say_what_waits(io_loop: IOLoop, pair: tuple[IOStream, socket.socket]) -> None:
    stream, far = pair
    assert (stream.reading(), stream.writing()) == (False, False)
    stream.write_nowait(b"x")
    read = stream.read_bytes(1)
    assert (stream.reading(), stream.writing()) == (True, False)
    stream.write_nowait(bytes(10_000_000))
    assert stream.writing()
    far.sendall(b"y")
    assert await read == b"y"
    assert not stream.reading()


async def test_the_error_of_max_bytes_names_delimiter_and_bound(
    io_loop: IOLoop, pair: tuple[IOStream, socket.socket]
) -> None:
    stream, far = pair
    far.sendall(b"abcdef")
    with pytest.raises(StreamClosedError, match=r"no delimiter b'\\n' within 5 bytes"):
        await stream.read_until(b"\n", max_bytes=5)
    assert isinstance(stream.error, UnsatisfiableReadError)


async def test_each_limit_that_a_peer_exceeds_is_logged_once(io_loop: IOLoop, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO", "eyewall")
    reads: list[tuple[str, Callable[[IOStream], Future[bytes]]]] = [
        ("INFO", lambda stream: stream.read_until(b"\n", max_bytes=100)),
        ("INFO", lambda stream: stream.read_until_regex(rb"\n", max_bytes=100)),
        ("WARNING", lambda stream: stream.read_until(b"\n")),
        ("WARNING", lambda stream: stream.read_until_close()),
    ]
    for level, read in reads:
        near, far = socket.socketpair()
        stream = IOStream(near, io_loop=io_loop, max_buffer_size=1000)
        far.sendall(bytes(2000))
        with pytest.raises(StreamClosedError):
            await read(stream)
        (record,) = caplog.records
        assert (record.levelname, record.name) == (level, "eyewall.iostream")
        caplog.clear()
        far.close()


async def test_a_read_into_may_be_larger_than_max_buffer_size(io_loop: IOLoop) -> None:
    near, far = socket.socketpair()
    stream = IOStream(near, io_loop=io_loop, max_buffer_size=1000)
    far.sendall(bytes(5000))
    assert await stream.read_into(bytearray(5000)) == 5000
    stream.close()
    far.close()
