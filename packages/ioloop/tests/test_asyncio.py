"""The asyncio backend, where handlers of ours and readers, writers and transports of asyncio's share a poller."""

from __future__ import annotations

import asyncio
import os
import socket
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from eyewall.ioloop import READ, WRITE, IOLoop

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(params=[False, True], ids=["plain", "debug"])
def asyncio_loop(request: pytest.FixtureRequest) -> Iterator[IOLoop]:
    made = IOLoop(backend="asyncio")
    made.asyncio_loop.set_debug(request.param)
    yield made
    made.shutdown()
    made.close()


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


def test_a_reader_hears_nothing_of_what_its_number_stood_for_before(
    asyncio_loop: IOLoop, pair: tuple[socket.socket, socket.socket]
) -> None:
    near, far = pair
    loop = asyncio_loop.asyncio_loop
    seen: list[str] = []
    fresh, other = socket.socketpair()

    def handler(_sock: socket.socket, _events: int) -> None:
        # The far end is ready as well. Its number now stands for a socket with nothing to read.
        asyncio_loop.remove_handler(near)
        loop.remove_reader(far)
        os.dup2(fresh.fileno(), far.fileno())
        loop.add_reader(far, seen.append, "fresh")
        loop.call_soon(loop.call_soon, loop.stop)

    with fresh, other:
        near.send(b"x")
        far.send(b"x")
        loop.add_reader(far, seen.append, "removed")
        asyncio_loop.add_handler(near, handler, READ)
        asyncio_loop.start()
        assert seen == []
        other.send(b"x")
        loop.call_soon(loop.stop)
        asyncio_loop.start()
        assert loop.remove_reader(far)
    assert seen == ["fresh"]


def test_a_number_that_asyncio_was_not_told_is_closed_can_have_a_handler(
    asyncio_loop: IOLoop, pair: tuple[socket.socket, socket.socket]
) -> None:
    near, far = pair
    loop = asyncio_loop.asyncio_loop
    seen: list[bytes] = []

    def handler(sock: socket.socket, _events: int) -> None:
        seen.append(sock.recv(10))
        asyncio_loop.stop()

    forgotten, other = socket.socketpair()
    with other:
        number = forgotten.fileno()
        loop.add_reader(number, seen.append, b"forgotten")
        forgotten.close()
        with socket.socket(fileno=os.dup2(near.fileno(), number)) as again:
            asyncio_loop.add_handler(again, handler, READ)
            assert not loop.remove_reader(number)
            far.send(b"abc")
            asyncio_loop.start()
            asyncio_loop.remove_handler(again)
    assert seen == [b"abc"]


def test_an_interrupt_in_a_handler_loses_no_event_of_asyncios(
    asyncio_loop: IOLoop, pair: tuple[socket.socket, socket.socket]
) -> None:
    near, far = pair
    loop = asyncio_loop.asyncio_loop
    seen: list[bytes] = []

    def interrupt(_sock: socket.socket, _events: int) -> None:
        asyncio_loop.remove_handler(near)
        raise KeyboardInterrupt

    def read() -> None:
        seen.append(far.recv(10))
        loop.remove_reader(far)
        loop.stop()

    near.send(b"x")
    far.send(b"x")
    loop.add_reader(far, read)
    asyncio_loop.add_handler(near, interrupt, READ)
    with pytest.raises(KeyboardInterrupt):
        asyncio_loop.start()
    asyncio_loop.start()
    assert seen == [b"x"]


def test_a_handler_stops_the_loop_after_the_turn_and_it_goes_on_where_it_stood(
    asyncio_loop: IOLoop, pair: tuple[socket.socket, socket.socket]
) -> None:
    near, far = pair
    seen: list[bytes] = []

    def handler(sock: socket.socket, _events: int) -> None:
        seen.append(sock.recv(1))
        asyncio_loop.asyncio_loop.stop()

    far.send(b"abc")
    asyncio_loop.add_handler(near, handler, READ)
    for taken in (1, 2, 3):
        asyncio_loop.start()
        assert len(seen) == taken
    asyncio_loop.remove_handler(near)
    assert seen == [b"a", b"b", b"c"]


def test_a_handler_that_is_always_called_lets_readers_tasks_and_threads_come_to_their_turn(
    asyncio_loop: IOLoop, pair: tuple[socket.socket, socket.socket]
) -> None:
    near, far = pair
    calls = 0

    def busy(_sock: socket.socket, _events: int) -> None:
        nonlocal calls
        calls += 1

    async def main() -> bytes:
        asyncio_loop.add_handler(near, busy, WRITE)
        with pytest.raises(KeyError, match="watched already"):
            await asyncio_loop.asyncio_loop.sock_recv(near, 10)
        receiving = asyncio.ensure_future(asyncio_loop.asyncio_loop.sock_recv(far, 10))
        await asyncio.sleep(0)
        await asyncio_loop.run_in_executor(None, near.send, b"abc")
        received = await receiving
        asyncio_loop.remove_handler(near)
        return received

    assert asyncio_loop.run_sync(main, timeout=60) == b"abc"
    assert calls > 0


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


@pytest.mark.parametrize("backend", ["asyncio", "asyncio:plain", "selector"])
def test_what_is_left_on_a_loop_that_was_closed_by_itself_can_be_removed(
    backend: str, pair: tuple[socket.socket, socket.socket]
) -> None:
    io_loop = IOLoop(make_current=False, backend=backend)
    io_loop.add_handler(pair[0], lambda _fd, _events: None, READ)
    io_loop.add_handler(pair[1], lambda _fd, _events: None, READ)
    io_loop.asyncio_loop.close()
    with pytest.raises(RuntimeError, match="closed"):
        io_loop.update_handler(pair[0], READ | WRITE)
    io_loop.remove_handler(pair[0])
    io_loop.close()


def test_a_loop_of_another_kind_that_asyncio_is_told_to_make_stays_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    class Loop(asyncio.SelectorEventLoop):
        pass

    monkeypatch.setattr(asyncio, "new_event_loop", Loop)
    with closing(IOLoop(make_current=False, backend="asyncio")) as io_loop:
        assert type(io_loop.asyncio_loop) is Loop
        assert io_loop.run_sync(lambda: asyncio.sleep(0.001, "slept")) == "slept"
