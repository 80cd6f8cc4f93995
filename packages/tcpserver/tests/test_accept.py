"""add_accept_handler."""

from __future__ import annotations

import errno
import logging
import os
import socket
from typing import TYPE_CHECKING, Any

import pytest

from eyewall.tcpserver import add_accept_handler, bind_sockets

if TYPE_CHECKING:
    from collections.abc import Iterator

    from eyewall.ioloop import IOLoop, Promise
    from eyewall.iostream import Address

pytestmark = pytest.mark.needs("sockets")


class Listener(socket.socket):
    """A listening socket whose accept fails with ``errors`` first."""

    errors: list[int]
    accepts: int = 0

    def accept(self) -> tuple[socket.socket, Any]:
        self.accepts += 1
        if self.errors:
            number = self.errors.pop(0)
            raise OSError(number, os.strerror(number))
        return super().accept()


@pytest.fixture
def listener() -> Iterator[Listener]:
    [bound] = bind_sockets(0, "127.0.0.1")
    with Listener(fileno=bound.detach()) as sock:
        sock.errors = []
        yield sock


def ignore(connection: socket.socket, address: Address) -> None:
    connection.close()


def connect(listener: socket.socket) -> socket.socket:
    return socket.create_connection(listener.getsockname())


async def test_the_callback_gets_each_connection_and_its_address(io_loop: IOLoop, listener: Listener) -> None:
    arrived: Promise[tuple[socket.socket, Address]] = io_loop.create_future()
    remove = add_accept_handler(listener, lambda sock, address: arrived.set_result((sock, address)))
    with connect(listener) as client:
        connection, address = await arrived
        remove()
        with connection:
            assert connection.getpeername() == address == client.getsockname()


async def test_a_plain_listener_gives_the_same_as_its_accept(io_loop: IOLoop) -> None:
    arrived: Promise[tuple[socket.socket, Address]] = io_loop.create_future()
    [bound] = bind_sockets(0, "127.0.0.1")
    with bound:
        remove = add_accept_handler(bound, lambda sock, address: arrived.set_result((sock, address)))
        with connect(bound) as client:
            connection, address = await arrived
            remove()
            with connection:
                facts = (connection.family, connection.type, connection.proto)
                assert facts == (bound.family, bound.type, bound.proto)
                assert type(connection) is socket.socket
                assert connection.gettimeout() is None
                assert not connection.get_inheritable()
                assert connection.getpeername() == address == client.getsockname()


async def test_where_one_comes_at_a_time_a_second_is_looked_for_now_and_then(
    io_loop: IOLoop, listener: Listener
) -> None:
    arrived: Promise[None]

    def answer(connection: socket.socket, address: Address) -> None:
        connection.close()
        arrived.set_result(None)

    remove = add_accept_handler(listener, answer)
    for _ in range(19):
        arrived = io_loop.create_future()
        with connect(listener):
            await arrived
        await one_turn(io_loop)
    remove()
    assert 19 + 2 <= listener.accepts <= 19 + 6


async def test_who_comes_together_after_many_who_came_alone_is_accepted_as_well(
    io_loop: IOLoop, listener: Listener
) -> None:
    count = 0
    all_came: Promise[None] = io_loop.create_future()

    def answer(connection: socket.socket, address: Address) -> None:
        nonlocal count
        connection.close()
        count += 1
        if count == 31:
            all_came.set_result(None)

    remove = add_accept_handler(listener, answer)
    with connect(listener):
        while not count:
            await one_turn(io_loop)
    clients = [connect(listener) for _ in range(30)]
    await all_came
    remove()
    for client in clients:
        client.close()
    assert count == 31


async def test_after_removal_nothing_is_accepted(io_loop: IOLoop, listener: Listener) -> None:
    remove = add_accept_handler(listener, ignore, io_loop=io_loop)
    remove()
    remove()
    with connect(listener):
        turn: Promise[None] = io_loop.create_future()
        io_loop.add_callback(turn.set_result, None)
        await turn
    assert listener.accepts == 0


async def test_a_callback_that_closes_the_listener_ends_the_turn(io_loop: IOLoop, listener: Listener) -> None:
    accepted: Promise[None] = io_loop.create_future()

    def stop(connection: socket.socket, address: Address) -> None:
        connection.close()
        remove()
        listener.close()
        accepted.set_result(None)

    with connect(listener), connect(listener):
        remove = add_accept_handler(listener, stop)
        await accepted
    assert listener.accepts == 1


async def test_a_busy_port_gives_way_to_others_after_a_backlog(io_loop: IOLoop) -> None:
    class Busy(Listener):
        """Always has one more connection waiting."""

        def accept(self) -> tuple[socket.socket, Any]:
            self.accepts += 1
            return socket.socket(), ("192.0.2.1", 1)

    other_turn: Promise[int] = io_loop.create_future()

    def count(connection: socket.socket, address: Address) -> None:
        connection.close()
        if busy.accepts == 1:
            io_loop.add_callback(lambda: other_turn.set_result(busy.accepts))

    [bound] = bind_sockets(0, "127.0.0.1")
    with Busy(fileno=bound.detach()) as busy, connect(busy):
        remove = add_accept_handler(busy, count)
        accepts = await other_turn
        remove()
    assert accepts == 128


async def test_a_connection_that_was_aborted_in_the_queue_is_passed_over(io_loop: IOLoop, listener: Listener) -> None:
    listener.errors = [errno.ECONNABORTED, errno.EPROTO]
    arrived: Promise[socket.socket] = io_loop.create_future()
    remove = add_accept_handler(listener, lambda connection, _: arrived.set_result(connection))
    with connect(listener):
        (await arrived).close()
    remove()
    assert listener.errors == []


@pytest.mark.parametrize("number", [errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM])
async def test_out_of_descriptors_it_rests_says_so_once_and_goes_on(
    io_loop: IOLoop,
    listener: Listener,
    number: int,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr("eyewall.tcpserver._accept.PAUSE_SECONDS", 0.0)
    caplog.set_level(logging.INFO, "eyewall.tcpserver")
    listener.errors = [number] * 3
    arrived: Promise[socket.socket] = io_loop.create_future()
    remove = add_accept_handler(listener, lambda connection, _: arrived.set_result(connection))
    with connect(listener):
        (await arrived).close()
        while len(caplog.records) < 2:
            await one_turn(io_loop)
    remove()
    failure, recovery = [record.getMessage() for record in caplog.records]
    assert os.strerror(number) in failure
    assert "ulimit -n" in failure
    assert recovery.startswith("all who waited on 127.0.0.1:")


async def test_while_it_rests_it_burns_no_processor(io_loop: IOLoop, listener: Listener) -> None:
    listener.errors = [errno.EMFILE] * 1000
    remove = add_accept_handler(listener, ignore)
    with connect(listener):
        while not listener.accepts:
            await one_turn(io_loop)
        for _ in range(50):
            await one_turn(io_loop)
    remove()
    assert listener.accepts == 1


async def test_it_can_be_removed_while_it_rests(
    io_loop: IOLoop, listener: Listener, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("eyewall.tcpserver._accept.PAUSE_SECONDS", 0.01)
    listener.errors = [errno.EMFILE] * 1000
    remove = add_accept_handler(listener, ignore)
    with connect(listener):
        while not listener.accepts:
            await one_turn(io_loop)
        remove()
        accepts = listener.accepts
        later: Promise[None] = io_loop.create_future()
        io_loop.call_later(0.02, later.set_result, None)
        await later
    assert listener.accepts == accepts


async def test_a_callback_that_raises_loses_its_own_connection_only(
    io_loop: IOLoop, listener: Listener, caplog: pytest.LogCaptureFixture
) -> None:
    arrived: Promise[socket.socket] = io_loop.create_future()
    seen: list[socket.socket] = []

    def fail_once(connection: socket.socket, address: Address) -> None:
        seen.append(connection)
        if len(seen) == 1:
            raise ZeroDivisionError
        arrived.set_result(connection)

    remove = add_accept_handler(listener, fail_once)
    with connect(listener) as first, connect(listener):
        (await arrived).close()
        remove()
        assert first.recv(1) == b""
    [record] = caplog.records
    assert "its accept callback failed" in record.getMessage()
    assert record.exc_info is not None
    assert record.exc_info[0] is ZeroDivisionError


async def one_turn(io_loop: IOLoop) -> None:
    turn: Promise[None] = io_loop.create_future()
    io_loop.add_callback(turn.set_result, None)
    await turn


def test_a_loop_that_closes_all_descriptors_closes_the_listener_itself(io_loop: IOLoop) -> None:
    [bound] = bind_sockets(0, "127.0.0.1")
    other = type(io_loop)(make_current=False, backend=io_loop.backend_name)
    remove = add_accept_handler(bound, lambda connection, _: connection.close(), io_loop=other)
    other.close(all_fds=True)
    assert bound.fileno() == -1, "collected later, it would close whatever has this number by then"
    remove()
