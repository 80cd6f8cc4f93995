"""Mistakes that a strict checker must find. Each line marked `# E` must be refused by mypy and by pyright, no other."""

from __future__ import annotations

from typing import TYPE_CHECKING

from eyewall.ioloop import READ, IOLoop

if TYPE_CHECKING:
    import socket

    from eyewall.ioloop import EventLoop, Future
    from eyewall.iostream import Stream


def a_handler_for_another_kind_of_thing(io_loop: EventLoop, sock: socket.socket) -> None:
    def handler(fd: int, events: int) -> None:
        """Want a number, and get the socket that was registered."""

    io_loop.add_handler(sock, handler, READ)  # E


def callbacks_with_the_wrong_arguments(io_loop: EventLoop) -> None:
    def greet(name: str, *, loud: bool = False) -> None:
        print(name, loud)

    io_loop.add_callback(greet, 1)  # E
    io_loop.add_callback(greet)  # E
    io_loop.call_later(1.0, greet, "you", quiet=True)  # E
    IOLoop.current().add_callback(greet, b"you")  # E


def who_waits_does_not_answer(future: Future[int]) -> None:
    future.set_result(1)  # E
    future.cancel()  # E


async def results_keep_their_types(io_loop: EventLoop, stream: Stream) -> None:
    size: str = await io_loop.run_in_executor(None, len, [])  # E
    line: str = await stream.read_until(b"\n")  # E
    print(size, line)


async def streams_take_bytes(stream: Stream) -> None:
    await stream.write("text")  # E
    await stream.read_until("\n")  # E
