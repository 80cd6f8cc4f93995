"""TCPServer.drain: what ends by itself, what is cut, and who is told."""

from __future__ import annotations

import gc
import logging
import socket
from typing import TYPE_CHECKING

import pytest

from eyewall.iostream import IOStream, StreamClosedError
from eyewall.tcpserver import DrainedError, ServerState, TCPServer, bind_sockets
from eyewall.tcpserver.testing import connect

if TYPE_CHECKING:
    from eyewall.ioloop import IOLoop, Promise
    from eyewall.iostream import Address, Stream


class Echo(TCPServer):
    """Answers each line with itself, and notes what ended its streams."""

    def __init__(self) -> None:
        super().__init__()
        self.ends: list[BaseException | None] = []

    async def handle_stream(self, stream: Stream, address: Address) -> None:
        try:
            while True:
                await stream.write(await stream.read_until(b"\n"))
        except StreamClosedError as error:
            self.ends.append(error.real_error)
            raise


async def talk(stream: Stream, line: bytes) -> bytes:
    await stream.write(line)
    return await stream.read_until(b"\n")


async def test_a_drain_without_connections_is_over_at_once(io_loop: IOLoop) -> None:
    server = Echo()
    before = io_loop.time()
    report = await server.drain()
    assert (report.ended, report.cut, report.stuck) == (0, (), ())
    assert io_loop.time() - before < 1


async def test_a_drain_waits_for_those_who_are_still_served(io_loop: IOLoop) -> None:
    server = Echo()
    client = connect(server)
    await talk(client, b"one\n")
    drained = io_loop.spawn(server.drain(1000))
    assert await talk(client, b"two\n") == b"two\n"
    assert not drained.done()
    client.close()
    report = await drained
    assert (report.ended, report.cut) == (1, ())


async def test_what_is_left_after_the_grace_is_cut_and_reported(
    io_loop: IOLoop, caplog: pytest.LogCaptureFixture
) -> None:
    server = Echo()
    caplog.set_level(logging.INFO, "eyewall.tcpserver")
    first, second = connect(server, address=("192.0.2.1", 1)), connect(server, address=("192.0.2.2", 2))
    await talk(first, b"one\n")
    await talk(second, b"one\n")
    drained = io_loop.spawn(server.drain(1000))
    first.close()
    while server.connection_count > 1:
        await one_turn(io_loop)
    await server.drain(0.01)
    report = await drained
    assert (report.ended, report.cut, report.stuck) == (1, (("192.0.2.2", 2),), ())
    assert server.connection_count == 0
    assert await second.read_until_close() == b""
    [record] = caplog.records
    assert record.levelno == logging.WARNING
    assert "1 connections have ended, 1 had to be cut: 192.0.2.2:2" in record.getMessage()


async def test_a_handler_that_is_cut_is_told_why(io_loop: IOLoop) -> None:
    told: list[BaseException | None] = []

    class Plain(TCPServer):
        def handle_stream(self, stream: Stream, address: Address) -> None:
            stream.read_bytes(1).add_done_callback(lambda future: told.append(future.exception()))

    server = Plain()
    client = connect(server)  # nobody else holds the stream
    await server.drain(0)
    await one_turn(io_loop)
    client.close()
    [error] = told
    assert isinstance(error, StreamClosedError)
    assert isinstance(error.real_error, DrainedError)


async def test_a_handler_that_waits_for_something_else_is_cancelled(io_loop: IOLoop) -> None:
    ended: list[str] = []

    class Slow(TCPServer):
        async def handle_stream(self, stream: Stream, address: Address) -> None:
            never: Promise[None] = io_loop.create_future()
            try:
                await never
            finally:
                ended.append("cancelled")

    server = Slow()
    connect(server)
    await one_turn(io_loop)
    report = await server.drain(0)
    assert ended == ["cancelled"]
    assert len(report.cut) == 1
    assert report.stuck == ()


async def test_a_handler_that_does_not_end_holds_up_the_drain_for_a_second_only(
    io_loop: IOLoop, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("eyewall.tcpserver._drain.CUT_SECONDS", 0.01)
    release: Promise[None] = io_loop.create_future()

    class Stubborn(TCPServer):
        async def handle_stream(self, stream: Stream, address: Address) -> None:
            never: Promise[None] = io_loop.create_future()
            try:
                await never
            finally:
                with io_loop.cancel_scope(shield=True):
                    await release

    server = Stubborn()
    connect(server, address=("192.0.2.7", 7))
    await one_turn(io_loop)
    report = await server.drain(0)
    assert report.stuck == (("192.0.2.7", 7),)
    assert "1 tasks do not end although they were cancelled; they served 192.0.2.7:7" in caplog.messages[-1]
    release.set_result(None)


async def test_a_task_that_goes_on_after_its_stream_has_closed_is_waited_for(io_loop: IOLoop) -> None:
    release: Promise[None] = io_loop.create_future()

    class Tidy(TCPServer):
        async def handle_stream(self, stream: Stream, address: Address) -> None:
            stream.close()
            await release

    server = Tidy()
    connect(server)
    drained = io_loop.spawn(server.drain(1000))
    while server.state is not ServerState.DRAINING:
        await one_turn(io_loop)
    assert server.connection_count == 1
    release.set_result(None)
    report = await drained
    assert report.ended == 1


async def test_the_state_can_be_watched(io_loop: IOLoop, caplog: pytest.LogCaptureFixture) -> None:
    seen: list[ServerState] = []
    server = Echo()
    forget = server.watch_state(seen.append)

    def fail(state: ServerState) -> None:
        raise ZeroDivisionError(state)

    server.watch_state(fail)
    client = connect(server)
    drained = io_loop.spawn(server.drain())
    while server.state is not ServerState.DRAINING:
        await one_turn(io_loop)
    with socket.socket() as sock, pytest.raises(RuntimeError, match="takes no new sockets"):
        server.add_socket(sock)
    client.close()
    await drained
    forget()
    forget()
    await server.drain()
    assert seen == [ServerState.DRAINING, ServerState.STOPPED]
    assert "uncaught exception in <function" in caplog.text


async def test_a_second_drain_shortens_the_first(io_loop: IOLoop) -> None:
    server = Echo()
    connect(server)
    patient = io_loop.spawn(server.drain(1000))
    await one_turn(io_loop)
    impatient = await server.drain(0)
    assert len(impatient.cut) == 1
    assert (await patient).cut == impatient.cut
    assert server.state is ServerState.STOPPED


async def test_a_drain_that_is_cancelled_leaves_the_server_stopped_and_its_connections_alone(io_loop: IOLoop) -> None:
    server = Echo()
    client = connect(server)
    with io_loop.cancel_scope(deadline=io_loop.time() + 0.01) as scope:
        await server.drain(1000)
    assert scope.cancelled_caught
    assert server.state is ServerState.STOPPED
    assert await talk(client, b"still there\n") == b"still there\n"
    client.close()


async def test_a_subclass_may_end_idle_connections_as_a_drain_begins(io_loop: IOLoop) -> None:
    class Polite(Echo):
        def on_drain(self) -> None:
            for stream in self.streams:
                stream.close()

        async def handle_stream(self, stream: Stream, address: Address) -> None:
            self.streams.append(stream)
            await super().handle_stream(stream, address)

        def __init__(self) -> None:
            super().__init__()
            self.streams: list[Stream] = []

    server = Polite()
    client = connect(server)
    await talk(client, b"one\n")
    assert (await server.drain(1000)).ended == 1


async def test_an_on_drain_that_raises_does_not_stop_the_drain(
    io_loop: IOLoop, caplog: pytest.LogCaptureFixture
) -> None:
    class Broken(Echo):
        def on_drain(self) -> None:
            raise ZeroDivisionError

    await Broken().drain()
    assert "uncaught exception in on_drain" in caplog.text


async def test_leaving_the_block_drains_and_an_exception_cuts(io_loop: IOLoop) -> None:
    async with Echo() as server:
        client = connect(server)
        await talk(client, b"one\n")
        client.close()
    assert server.ends == [None]
    with pytest.raises(ZeroDivisionError):  # noqa: PT012 - what is tested is how the block ends
        async with Echo() as server:
            client = connect(server)
            await talk(client, b"one\n")
            raise ZeroDivisionError
    assert isinstance(server.ends[0], DrainedError)
    assert await client.read_until_close() == b""


async def test_a_negative_grace_is_refused(io_loop: IOLoop) -> None:
    with pytest.raises(ValueError, match="grace of -1 seconds"):
        await Echo().drain(-1)


async def test_a_stream_that_its_handler_forgets_counts_no_longer(io_loop: IOLoop) -> None:
    class Forgetful(TCPServer):
        def handle_stream(self, stream: Stream, address: Address) -> None:
            pass

    server = Forgetful()
    connect(server)
    gc.collect()
    assert server.connection_count == 0


@pytest.mark.needs("sockets")
async def test_who_waits_in_the_queue_when_a_drain_begins_is_served(io_loop: IOLoop) -> None:
    server = Echo()
    [sock] = bind_sockets(0, "127.0.0.1")
    server.add_socket(sock)
    address = sock.getsockname()
    clients = [IOStream(socket.create_connection(address)) for _ in range(5)]
    drained = io_loop.spawn(server.drain(1000))
    for client in clients:
        assert await talk(client, b"hello\n") == b"hello\n"
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(address)
    for client in clients:
        client.close()
    assert (await drained).ended == 5


@pytest.mark.needs("sockets")
async def test_a_queue_longer_than_what_a_turn_accepts_is_served_too(io_loop: IOLoop) -> None:
    server = Echo()
    [sock] = bind_sockets(0, "127.0.0.1", backlog=300)
    server.add_socket(sock)
    clients = [socket.create_connection(sock.getsockname()) for _ in range(200)]
    drained = io_loop.spawn(server.drain(1000))
    await one_turn(io_loop)
    assert server.connection_count == 200
    for client in clients:
        client.close()
    assert (await drained).ended == 200


@pytest.mark.needs("sockets")
async def test_a_connection_that_no_stream_can_be_made_for_does_not_count(
    io_loop: IOLoop, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(sock: socket.socket, address: Address) -> IOStream:
        raise MemoryError

    server = Echo()
    monkeypatch.setattr(server, "_make_stream", fail)
    [sock] = bind_sockets(0, "127.0.0.1")
    server.add_socket(sock)
    client = IOStream(socket.create_connection(sock.getsockname()))
    assert await client.read_until_close() == b""
    assert server.connection_count == 0
    assert "its accept callback failed" in caplog.text
    server.stop()


@pytest.mark.needs("sockets")
async def test_a_server_may_serve_again_after_a_drain(io_loop: IOLoop) -> None:
    server = Echo()
    for _ in range(2):
        [sock] = bind_sockets(0, "127.0.0.1")
        server.add_socket(sock)
        states = [server.state]
        client = IOStream(socket.create_connection(sock.getsockname()))
        assert await talk(client, b"hello\n") == b"hello\n"
        client.close()
        await server.drain()
        assert [*states, server.state] == [ServerState.SERVING, ServerState.STOPPED]


async def one_turn(io_loop: IOLoop) -> None:
    turn: Promise[None] = io_loop.create_future()
    io_loop.add_callback(turn.set_result, None)
    await turn
