"""A small program of somebody who uses eyewall and checks strictly. It must pass mypy and pyright as it stands."""

from __future__ import annotations

from typing import TYPE_CHECKING, assert_type

from eyewall.ioloop import READ, EventLoop, Future, IOLoop, Promise, Task
from eyewall.iostream import Address, Stream, StreamClosedError

if TYPE_CHECKING:
    import socket


def wait_readable(io_loop: EventLoop, sock: socket.socket) -> Future[int]:
    """Take any loop, and answer with the events of a socket once it is ready."""
    promise: Promise[int] = io_loop.create_future()

    def ready(sock: socket.socket, events: int) -> None:
        io_loop.remove_handler(sock)
        if not promise.done():
            promise.set_result(events)

    io_loop.add_handler(sock, ready, READ)
    return promise


def digest(data: bytes, rounds: int) -> str:
    return data.hex() * rounds


async def use_the_loop(io_loop: EventLoop, sock: socket.socket) -> str:
    task = io_loop.spawn(first_line(io_loop, sock), name="first line")
    assert_type(task, Task[str])
    io_loop.add_callback(print, "hello", end="")
    timer = io_loop.call_later(1.0, task.cancel)
    with io_loop.cancel_scope(deadline=io_loop.time() + 5) as scope:
        assert_type(await task, str)
    timer.cancel()
    assert_type(scope.cancelled_caught, bool)
    return await io_loop.run_in_executor(None, digest, b"abc", 2)


async def first_line(io_loop: EventLoop, sock: socket.socket) -> str:
    assert_type(await wait_readable(io_loop, sock), int)
    return sock.recv(100).decode()


async def echo(stream: Stream, address: Address) -> None:
    """Take any stream."""
    try:
        while True:
            line = await stream.read_until(b"\n", max_bytes=1000)
            assert_type(line, bytes)
            await stream.write(b"> ", memoryview(line))
    except StreamClosedError as error:
        assert_type(error.real_error, BaseException | None)
        print(address, "has gone")


def main() -> None:
    io_loop = IOLoop.current()
    as_any_loop: EventLoop = io_loop
    as_any_loop.add_callback(io_loop.stop)
    io_loop.start()
