"""A stream arms a timer where it was given a deadline, and takes it back; no other."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING, Any, cast

import pytest

from eyewall.iostream import IOStream, StreamTimeoutError
from eyewall.iostream.testing import MemoryStream, memory_streams, self_signed_certificate

if TYPE_CHECKING:
    from collections.abc import Callable

    from eyewall.ioloop import EventLoop, Future, IOLoop, Promise, Timer


class Noted:
    """A timer that tells whether it can still go off."""

    def __init__(self, timers: list[Noted]) -> None:
        self.timer: Timer | None = None
        self.timers = timers
        timers.append(self)

    def cancel(self) -> None:
        assert self.timer is not None
        self.timer.cancel()
        if self in self.timers:
            self.timers.remove(self)


class TimerLoop:
    """A loop that knows its timers."""

    def __init__(self, io_loop: IOLoop) -> None:
        self.io_loop = io_loop
        self.armed = 0
        self.timers: list[Noted] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self.io_loop, name)

    def call_later(self, delay: float, callback: Callable[..., object], *args: object) -> Noted:
        return self.call_at(self.io_loop.time() + delay, callback, *args)

    def call_at(self, when: float, callback: Callable[..., object], *args: object) -> Noted:
        noted = Noted(self.timers)
        self.armed += 1

        def call() -> None:
            self.timers.remove(noted)
            callback(*args)

        noted.timer = self.io_loop.call_at(when, call)
        return noted

    async def turn(self) -> None:
        turn: Promise[None] = self.io_loop.create_future()
        self.io_loop.add_callback(turn.set_result, None)
        await turn


OPERATIONS: list[Callable[[MemoryStream, float | None], Future[Any]]] = [
    lambda stream, when: stream.read_bytes(3, deadline=when),
    lambda stream, when: stream.read_until(b"\n", deadline=when),
    lambda stream, when: stream.read_into(bytearray(3), deadline=when),
    lambda stream, when: stream.readable(deadline=when),
    lambda stream, when: stream.write(bytes(1000), deadline=when),
]


@pytest.mark.parametrize("operation", OPERATIONS)
async def test_a_timer_is_armed_only_for_a_deadline_and_gone_afterwards(
    io_loop: IOLoop, operation: Callable[[MemoryStream, float | None], Future[Any]]
) -> None:
    for deadline, armed in ((None, 0), (io_loop.time() + 3600, 1)):
        loop = TimerLoop(io_loop)
        near, far = memory_streams(cast("EventLoop", loop), capacity=100)
        waiting = operation(near, deadline)
        await loop.turn()
        assert (loop.armed, len(loop.timers)) == (armed, armed)
        far.write_nowait(b"ab\n")
        reading = far.read_bytes(1000)
        await waiting
        await loop.turn()
        assert loop.timers == []
        del reading
        near.close()
        far.close()


async def test_no_timer_is_armed_for_what_is_there_already(io_loop: IOLoop) -> None:
    loop = TimerLoop(io_loop)
    near, _ = memory_streams(cast("EventLoop", loop))
    near.unread(b"abc")
    assert await near.read_bytes(3, deadline=io_loop.time() + 3600) == b"abc"
    await near.write(b"fits", deadline=io_loop.time() + 3600)
    assert loop.armed == 0


async def test_a_timer_goes_with_its_waiter_and_with_its_stream(io_loop: IOLoop) -> None:
    loop = TimerLoop(io_loop)
    near, _ = memory_streams(cast("EventLoop", loop))
    with io_loop.cancel_scope() as scope:
        scope.cancel()
        await near.read_bytes(1, deadline=io_loop.time() + 3600)
    await loop.turn()
    assert loop.timers == []
    near.readable(deadline=io_loop.time() + 3600)
    near.close()
    await loop.turn()
    assert loop.timers == []


@pytest.mark.needs("sockets")
async def test_a_connect_has_a_timer_until_it_is_over(io_loop: IOLoop) -> None:
    loop = TimerLoop(io_loop)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        stream = IOStream(socket.socket(), io_loop=cast("EventLoop", loop))
        connecting = stream.connect(listener.getsockname(), deadline=io_loop.time() + 3600)
        assert len(loop.timers) == 1
        await connecting
    await loop.turn()
    assert loop.timers == []
    stream.close()


async def test_a_handshake_has_a_timer_until_it_is_over(io_loop: IOLoop) -> None:
    loop = TimerLoop(io_loop)
    near, far = memory_streams(cast("EventLoop", loop))
    certificate = self_signed_certificate()
    accepting = far.start_tls(True, certificate.server_options)
    await loop.turn()
    assert len(loop.timers) == 1
    client = await near.start_tls(False, certificate.client_options, "localhost")
    server = await accepting
    await loop.turn()
    assert loop.timers == []
    client.close()
    server.close()


async def test_a_deadline_that_has_passed_still_gives_the_stream_one_try(io_loop: IOLoop) -> None:
    near, far = memory_streams(io_loop)
    far.write_nowait(b"abc")
    assert await near.read_bytes(3, deadline=io_loop.time() - 1) == b"abc"
    with pytest.raises(StreamTimeoutError):
        await near.read_bytes(3, deadline=io_loop.time() - 1)
