"""What becomes of a connection, and of what its handler raises; on memory streams."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import pytest

from eyewall.iostream import StreamClosedError
from eyewall.tcpserver import TCPServer
from eyewall.tcpserver.testing import connect

if TYPE_CHECKING:
    from collections.abc import Awaitable

    from eyewall.ioloop import IOLoop, Promise
    from eyewall.iostream import Address, Stream


@pytest.fixture(autouse=True)
def _log_everything(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, "eyewall.tcpserver")


class Echo(TCPServer):
    async def handle_stream(self, stream: Stream, address: Address) -> None:
        while True:
            await stream.write(await stream.read_until(b"\n"))


class Raising:
    """Raises what it is told to, at once or after it has read a byte."""

    def __init__(self, error: Exception) -> None:
        self.error = error
        self.stream: Stream | None = None

    def handle_stream(self, stream: Stream, address: Address) -> None:
        self.stream = stream
        raise self.error


class RaisingLater(Raising):
    def handle_stream(self, stream: Stream, address: Address) -> Awaitable[None]:  # type: ignore[override]  # None or an awaitable: both are handlers
        return self.read_and_raise(stream)

    async def read_and_raise(self, stream: Stream) -> None:
        self.stream = stream
        await stream.read_bytes(1)
        raise self.error


async def test_a_coroutine_serves_the_stream(io_loop: IOLoop) -> None:
    client = connect(Echo(), io_loop=io_loop)
    await client.write(b"hello\n")
    assert await client.read_until(b"\n") == b"hello\n"
    client.close()


async def test_a_plain_handler_may_keep_the_stream_for_later(io_loop: IOLoop) -> None:
    kept: list[tuple[Stream, Address]] = []

    class Keeper:
        def handle_stream(self, stream: Stream, address: Address) -> None:
            kept.append((stream, address))

    client = connect(Keeper(), address=("198.51.100.7", 1), io_loop=io_loop)
    [(stream, address)] = kept
    assert address == ("198.51.100.7", 1)
    await stream.write(b"later")
    assert await client.read_bytes(5) == b"later"
    client.close()
    stream.close()


async def test_a_future_is_waited_for_like_a_coroutine(io_loop: IOLoop, caplog: pytest.LogCaptureFixture) -> None:
    promise: Promise[None] = io_loop.create_future()

    class Promising:
        def handle_stream(self, stream: Stream, address: Address) -> Awaitable[None]:
            return promise

    client = connect(Promising(), io_loop=io_loop)
    promise.set_exception(ZeroDivisionError("too small"))
    assert await client.read_until_close() == b""
    client.close()
    [record] = caplog.records
    assert record.levelno == logging.ERROR


@pytest.mark.parametrize("kind", [Raising, RaisingLater])
async def test_an_exception_is_logged_with_the_address_and_closes_the_stream(
    io_loop: IOLoop, kind: type[Raising], caplog: pytest.LogCaptureFixture
) -> None:
    handler = kind(ZeroDivisionError("too small"))
    client = connect(handler, address=("2001:db8::1", 443, 0, 0), io_loop=io_loop)
    client.write_nowait(b"x") if not client.closed() else None
    with pytest.raises(StreamClosedError):
        await client.read_bytes(1)
    client.close()
    assert handler.stream is not None
    assert handler.stream.closed()
    [record] = caplog.records
    assert record.levelno == logging.ERROR
    assert record.getMessage().startswith("[2001:db8::1]:443: ")
    assert record.exc_info is not None
    assert record.exc_info[1] is handler.error


async def test_a_peer_that_hangs_up_is_no_error(io_loop: IOLoop, caplog: pytest.LogCaptureFixture) -> None:
    handler = RaisingLater(ZeroDivisionError())
    connect(handler, io_loop=io_loop).close()
    closed: Promise[None] = io_loop.create_future()
    assert handler.stream is None
    io_loop.add_callback(closed.set_result, None)
    await closed
    assert handler.stream is not None
    ended: Promise[None] = io_loop.create_future()
    handler.stream.set_close_callback(lambda: ended.set_result(None))
    await ended
    assert [record.levelno for record in caplog.records if record.levelno > logging.DEBUG] == []


async def test_a_closed_stream_other_than_the_connection_is_an_error(
    io_loop: IOLoop, caplog: pytest.LogCaptureFixture
) -> None:
    client = connect(Raising(StreamClosedError()), io_loop=io_loop)
    client.close()
    assert [record.levelno for record in caplog.records] == [logging.ERROR]


async def test_a_failure_that_came_from_outside_is_told(io_loop: IOLoop, caplog: pytest.LogCaptureFixture) -> None:
    class Failing:
        def handle_stream(self, stream: Stream, address: Address) -> None:
            stream.close(ConnectionResetError("reset by peer"))
            raise StreamClosedError(ConnectionResetError("reset by peer"))

    connect(Failing(), address="/run/x", io_loop=io_loop).close()
    [record] = caplog.records
    assert (record.levelno, record.getMessage()) == (logging.INFO, "/run/x: the stream is closed: reset by peer")


async def test_a_server_that_does_not_override_handle_stream_says_so(
    io_loop: IOLoop, caplog: pytest.LogCaptureFixture
) -> None:
    connect(TCPServer(), io_loop=io_loop).close()
    [record] = caplog.records
    assert record.exc_info is not None
    assert "override handle_stream in TCPServer" in str(record.exc_info[1])
