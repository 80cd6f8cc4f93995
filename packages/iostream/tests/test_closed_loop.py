"""Closing a stream whose loop has been closed before it, as at the end of a program."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING

import pytest

from eyewall.ioloop import IOLoop
from eyewall.iostream import IOStream, SSLIOStream
from eyewall.iostream.testing import self_signed_certificate

if TYPE_CHECKING:
    from collections.abc import Callable

    from eyewall.ioloop import Future

OPERATIONS: list[Callable[[IOStream], Future[object]]] = [
    lambda stream: stream.read_bytes(5),
    lambda stream: stream.read_until_close(),
    lambda stream: stream.readable(),
    lambda stream: stream.write(bytes(10_000_000)),
]


def leave_waiting(stream: IOStream, *operations: Callable[[], Future[object]]) -> list[Future[object]]:
    """Begin the operations, let somebody wait for each, and close the loop."""
    io_loop = stream.io_loop
    assert isinstance(io_loop, IOLoop)
    futures: list[Future[object]] = []

    async def begin() -> None:
        stream.set_close_callback(lambda: None)
        for operation in operations:
            futures.append(operation())
            # What a task does that waits.
            futures[-1].add_done_callback(lambda _: None)

    io_loop.run_sync(begin)
    io_loop.close()
    return futures


@pytest.mark.needs("sockets")
@pytest.mark.parametrize("operation", OPERATIONS, ids=["read_bytes", "read_until_close", "readable", "write"])
def test_close_raises_nothing_and_closes_the_socket(
    operation: Callable[[IOStream], Future[object]], io_loop: IOLoop
) -> None:
    mine, peer = socket.socketpair()
    with peer:
        stream = IOStream(mine, io_loop=IOLoop(make_current=False, backend=io_loop.backend_name))
        (future,) = leave_waiting(stream, lambda: operation(stream))
        stream.close()
        assert stream.closed()
        assert mine.fileno() == -1
        assert future.done()


@pytest.mark.needs("sockets")
def test_close_answers_all_who_wait_even_if_the_first_cannot_be_told(io_loop: IOLoop) -> None:
    mine, peer = socket.socketpair()
    with peer:
        loop = IOLoop(make_current=False, backend=io_loop.backend_name)
        options = self_signed_certificate().server_options
        stream = SSLIOStream(mine, ssl_options=options, server_side=True, io_loop=loop)
        futures = leave_waiting(
            stream, lambda: stream.read_bytes(1), lambda: stream.write(b"x"), stream.wait_for_handshake
        )
        stream.close(ConnectionResetError())
        assert mine.fileno() == -1
        assert [future.done() for future in futures] == [True] * 3


@pytest.mark.needs("sockets")
def test_a_loop_that_closes_all_descriptors_closes_the_socket_itself_and_not_just_its_number(io_loop: IOLoop) -> None:
    mine, peer = socket.socketpair()
    with peer:
        loop = IOLoop(make_current=False, backend=io_loop.backend_name)
        stream = IOStream(mine, io_loop=loop)

        async def begin() -> None:
            stream.read_bytes(1).add_done_callback(lambda _: None)

        loop.run_sync(begin)
        loop.close(all_fds=True)
        assert mine.fileno() == -1, "collected later, it would close whatever has this number by then"
        assert peer.recv(1) == b""
        stream.close()
