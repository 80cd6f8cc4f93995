"""The asyncio backend, where handlers of ours and readers, writers and transports of asyncio's share a poller."""

from __future__ import annotations

import asyncio
import socket
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from eyewall.ioloop import READ, WRITE, IOLoop

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def asyncio_loop() -> Iterator[IOLoop]:
    made = IOLoop(backend="asyncio")
    yield made
    made.shutdown()
    made.close()


@pytest.fixture
def pair() -> Iterator[tuple[socket.socket, socket.socket]]:
    near, far = socket.socketpair()
    with near, far:
        near.setblocking(False)
        far.setblocking(False)
        yield near, far


def test_readers_and_writers_of_asyncio_share_a_descriptor(
    asyncio_loop: IOLoop, pair: tuple[socket.socket, socket.socket]
) -> None:
    near, far = pair
    loop = asyncio_loop.asyncio_loop
    seen: list[object] = []

    def done(what: object) -> None:
        seen.append(what)
        if len(seen) == 2:
            loop.stop()

    def read(word: str) -> None:
        assert loop.remove_reader(near)
        done((word, near.recv(10)))

    def write() -> None:
        assert loop.remove_writer(near.fileno())
        done("writable")

    far.send(b"abc")
    loop.add_reader(near, seen.append, "replaced")
    loop.add_reader(near, read, "read")
    loop.add_writer(near, write)
    loop.run_forever()
    assert sorted(seen, key=str) == [("read", b"abc"), "writable"]
    assert not loop.remove_reader(near)
    assert not loop.remove_writer(near)


def test_a_handler_takes_away_the_reader_that_is_ready_in_the_same_round(
    asyncio_loop: IOLoop, pair: tuple[socket.socket, socket.socket]
) -> None:
    near, far = pair
    loop = asyncio_loop.asyncio_loop
    seen: list[str] = []

    def handler(_sock: socket.socket, _events: int) -> None:
        loop.remove_reader(far)
        asyncio_loop.remove_handler(near)
        asyncio_loop.add_callback(asyncio_loop.stop)

    near.send(b"x")
    far.send(b"x")
    loop.add_reader(far, seen.append, "readable")
    asyncio_loop.add_handler(near, handler, READ)
    asyncio_loop.start()
    assert seen == []


def test_a_descriptor_has_a_handler_or_readers_not_both(
    asyncio_loop: IOLoop, pair: tuple[socket.socket, socket.socket]
) -> None:
    near, _ = pair
    asyncio_loop.add_handler(near, lambda _fd, _events: None, READ)
    with pytest.raises(KeyError, match=f"descriptor {near.fileno()} is watched already"):
        asyncio_loop.asyncio_loop.add_reader(near, print)
    asyncio_loop.remove_handler(near)
    asyncio_loop.asyncio_loop.add_reader(near, print)
    with pytest.raises(ValueError, match=f"descriptor {near.fileno()} is watched already"):
        asyncio_loop.add_handler(near, lambda _fd, _events: None, WRITE)
    assert asyncio_loop.asyncio_loop.remove_reader(near)


def test_servers_and_connections_of_asyncio_run_beside_handlers(
    asyncio_loop: IOLoop, pair: tuple[socket.socket, socket.socket]
) -> None:
    near, far = pair
    heard = bytearray()

    def handler(sock: socket.socket, _: int) -> None:
        heard.extend(sock.recv(100))

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        far.send(await reader.readexactly(5))
        writer.write(bytes(1_000_000))  # more than the kernel takes at once
        writer.close()
        await writer.wait_closed()

    async def main() -> int:
        asyncio_loop.add_handler(near, handler, READ)
        async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
            reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
            writer.write(b"hello")
            received = await reader.read()
            writer.close()
            await writer.wait_closed()
        asyncio_loop.remove_handler(near)
        return len(received)

    assert asyncio_loop.run_sync(main) == 1_000_000
    assert heard == b"hello"


def test_a_reader_can_be_removed_after_its_socket_was_closed(asyncio_loop: IOLoop) -> None:
    loop = asyncio_loop.asyncio_loop
    near, far = socket.socketpair()
    number = near.fileno()
    with far:
        loop.add_reader(near, print)
        near.close()
        assert loop.remove_reader(near)
        assert not loop.remove_reader(number)


def test_a_closed_loop_watches_nothing_more(pair: tuple[socket.socket, socket.socket]) -> None:
    io_loop = IOLoop(make_current=False, backend="asyncio")
    io_loop.close()
    with pytest.raises(RuntimeError, match="closed"):
        io_loop.add_handler(pair[0], lambda _fd, _events: None, READ)
    io_loop.remove_handler(pair[0])


def test_a_loop_of_another_kind_that_asyncio_is_told_to_make_stays_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    class Loop(asyncio.SelectorEventLoop):
        pass

    monkeypatch.setattr(asyncio, "new_event_loop", Loop)
    with closing(IOLoop(make_current=False, backend="asyncio")) as io_loop:
        assert type(io_loop.asyncio_loop) is Loop
        assert io_loop.run_sync(lambda: asyncio.sleep(0.001, "slept")) == "slept"
