"""Descriptors: when handlers are called, and when no longer."""

from __future__ import annotations

import contextvars
import gc
import os
import socket
import struct
import weakref
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING

import pytest

from ..._events import NONE, READ, WRITE
from ._turns import next_turn, pause, until

if TYPE_CHECKING:
    from collections.abc import Generator

    from ..._ioloop import IOLoop
    from ...protocols import Promise


@contextmanager
def _pair() -> Generator[tuple[socket.socket, socket.socket]]:
    near, far = socket.socketpair()
    with closing(near), closing(far):
        near.setblocking(False)
        far.setblocking(False)
        yield near, far


@contextmanager
def _tcp_pair() -> Generator[tuple[socket.socket, socket.socket]]:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        far = socket.create_connection(listening.getsockname())
        near, _ = listening.accept()
    with closing(near), closing(far):
        near.setblocking(False)
        yield near, far


@pytest.mark.needs("sockets")
class TestDescriptors:
    """``add_handler``, ``update_handler`` and ``remove_handler``."""

    async def test_a_handler_is_called_when_there_is_something_to_read(self, io_loop: IOLoop) -> None:
        seen: list[bytes] = []
        with _pair() as (near, far):
            io_loop.add_handler(near, lambda sock, _: seen.append(sock.recv(100)), READ)
            await pause(io_loop, 0.01)
            assert seen == []
            far.send(b"abc")
            assert await until(io_loop, lambda: seen == [b"abc"])
            io_loop.remove_handler(near)

    async def test_a_handler_is_called_for_a_reset_that_came_together_with_data(self, io_loop: IOLoop) -> None:
        seen: list[bytes | OSError] = []
        with _tcp_pair() as (near, far):

            def read(sock: socket.socket, _: int) -> None:
                try:
                    seen.append(sock.recv(2))
                except OSError as error:
                    seen.append(error)
                    io_loop.remove_handler(sock)

            io_loop.add_handler(near, read, READ)
            far.send(b"abcdef")
            far.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            far.close()
            assert await until(io_loop, lambda: len(seen) == 4)
            assert seen[:3] == [b"ab", b"cd", b"ef"]
            assert isinstance(seen[3], ConnectionResetError)

    async def test_the_handler_gets_what_was_registered_and_what_has_happened(self, io_loop: IOLoop) -> None:
        seen: list[object] = []
        with _pair() as (near, far):

            def on_object(fd: socket.socket, events: int) -> None:
                seen.append((fd, events))
                io_loop.remove_handler(fd)

            def on_number(fd: int, events: int) -> None:
                seen.append((fd, events))
                io_loop.remove_handler(fd)

            far.send(b"abc")
            io_loop.add_handler(near, on_object, READ)
            io_loop.add_handler(far.fileno(), on_number, WRITE)
            assert await until(io_loop, lambda: len(seen) == 2)
            assert sorted(seen, key=str) == sorted([(near, READ), (far.fileno(), WRITE)], key=str)

    async def test_readiness_is_level_triggered(self, io_loop: IOLoop) -> None:
        seen: list[bytes] = []
        with _pair() as (near, far):
            far.send(b"abc")
            io_loop.add_handler(near, lambda sock, _: seen.append(sock.recv(1)), READ)
            assert await until(io_loop, lambda: seen == [b"a", b"b", b"c"])
            io_loop.remove_handler(near)

    async def test_a_descriptor_watched_for_both_is_called_for_both(self, io_loop: IOLoop) -> None:
        happened = NONE
        with _pair() as (near, far):

            def handler(_: socket.socket, events: int) -> None:
                nonlocal happened
                happened |= events

            far.send(b"abc")
            io_loop.add_handler(near, handler, READ | WRITE)
            assert await until(io_loop, lambda: happened == READ | WRITE)
            io_loop.remove_handler(near)

    async def test_update_handler_changes_what_is_watched(self, io_loop: IOLoop) -> None:
        seen: list[int] = []
        with _pair() as (near, far):
            far.send(b"abc")
            io_loop.add_handler(near, lambda _, events: seen.append(events), NONE)
            await pause(io_loop, 0.01)
            assert seen == []
            io_loop.update_handler(near, WRITE)
            assert await until(io_loop, lambda: bool(seen))
            assert set(seen) == {WRITE}
            io_loop.update_handler(near, READ)
            seen.clear()
            assert await until(io_loop, lambda: bool(seen))
            assert set(seen) == {READ}
            io_loop.update_handler(near, NONE)
            seen.clear()
            await pause(io_loop, 0.01)
            assert seen == []
            io_loop.remove_handler(near)

    async def test_a_handler_may_remove_itself(self, io_loop: IOLoop) -> None:
        calls = 0
        with _pair() as (near, far):

            def handler(sock: socket.socket, _: int) -> None:
                nonlocal calls
                calls += 1
                io_loop.remove_handler(sock)

            far.send(b"abc")
            io_loop.add_handler(near, handler, READ | WRITE)  # both are ready in the same round
            assert await until(io_loop, lambda: calls > 0)
            await pause(io_loop, 0.01)
            assert calls == 1

    async def test_a_handler_may_remove_another_that_is_ready_in_the_same_round(self, io_loop: IOLoop) -> None:
        seen: list[socket.socket] = []
        with _pair() as (near, far):

            def handler(sock: socket.socket, _: int) -> None:
                seen.append(sock)
                io_loop.remove_handler(near)
                io_loop.remove_handler(far)

            io_loop.add_handler(near, handler, WRITE)
            io_loop.add_handler(far, handler, WRITE)
            assert await until(io_loop, lambda: bool(seen))
            await pause(io_loop, 0.01)
            assert len(seen) == 1

    async def test_a_number_that_is_closed_and_used_again_has_no_old_handler(self, io_loop: IOLoop) -> None:
        seen: list[str] = []
        with _pair() as (near, far):
            number = near.fileno()
            io_loop.add_handler(near, lambda _fd, _events: seen.append("old"), READ)
            io_loop.remove_handler(near)
            near.close()
            with _pair() as pair:
                again, other = pair if pair[0].fileno() == number else pair[::-1]
                assert again.fileno() == number, "the system gives the lowest free number"
                io_loop.add_handler(again, lambda sock, _: seen.append(sock.recv(10).decode()), READ)
                far.close()
                other.send(b"new")
                assert await until(io_loop, lambda: seen == ["new"])
                io_loop.remove_handler(again)

    async def test_a_handler_that_was_removed_is_let_go(self, io_loop: IOLoop) -> None:
        class Handler:
            def called(self, _fd: object, _events: int) -> None:
                """Leave it as it is, to be called again."""

        with _pair() as (near, far):
            far.send(b"x")
            handler = Handler()
            there = weakref.ref(handler)
            io_loop.add_handler(near, handler.called, READ)
            await pause(io_loop, 0.001)
            io_loop.remove_handler(near)
            del handler
            gc.collect()
            assert await until(io_loop, lambda: there() is None)

    async def test_a_second_handler_for_a_descriptor_is_refused(self, io_loop: IOLoop) -> None:
        with _pair() as (near, _):
            io_loop.add_handler(near, lambda _fd, _events: None, READ)
            with pytest.raises(ValueError, match=str(near.fileno())):
                io_loop.add_handler(near.fileno(), lambda _fd, _events: None, READ)
            io_loop.remove_handler(near)

    async def test_removing_what_is_not_there_does_nothing(self, io_loop: IOLoop) -> None:
        with _pair() as (near, _):
            io_loop.remove_handler(near)
            with pytest.raises(ValueError, match="add_handler"):
                io_loop.update_handler(near, READ)

    async def test_a_handler_that_raises_is_logged_and_called_again(
        self, io_loop: IOLoop, caplog: pytest.LogCaptureFixture
    ) -> None:
        calls = 0

        def fails(_fd: socket.socket, _events: int) -> None:
            nonlocal calls
            calls += 1
            raise ValueError("a bad value")

        with _pair() as (near, _):
            io_loop.add_handler(near, fails, WRITE)
            assert await until(io_loop, lambda: calls >= 2)
            io_loop.remove_handler(near)
        assert "a bad value" in caplog.text

    async def test_the_end_of_the_peer_is_something_to_read(self, io_loop: IOLoop) -> None:
        seen: list[bytes] = []
        with _pair() as (near, far):

            def handler(sock: socket.socket, _: int) -> None:
                seen.append(sock.recv(100))
                io_loop.remove_handler(sock)

            io_loop.add_handler(near, handler, READ)
            await next_turn(io_loop)
            far.close()
            assert await until(io_loop, lambda: seen == [b""])

    async def test_one_busy_descriptor_does_not_keep_timers_from_running(self, io_loop: IOLoop) -> None:
        calls = 0

        def busy(_fd: socket.socket, _events: int) -> None:
            nonlocal calls
            calls += 1

        with _pair() as (near, _):
            io_loop.add_handler(near, busy, WRITE)
            await pause(io_loop, 0.005)
            io_loop.remove_handler(near)
        assert calls > 0

    async def test_a_callback_that_adds_itself_again_and_again_lets_descriptors_be_served(
        self, io_loop: IOLoop
    ) -> None:
        promise: Promise[bytes] = io_loop.create_future()

        def again() -> None:
            if not promise.done():
                io_loop.add_callback(again)

        with _pair() as (near, far):

            def receive(sock: socket.socket, _: int) -> None:
                io_loop.remove_handler(sock)
                promise.set_result(sock.recv(1))

            io_loop.add_handler(near, receive, READ)
            again()
            far.send(b"x")
            with io_loop.cancel_scope(deadline=io_loop.time() + 20):
                assert await promise == b"x"
            assert promise.done(), "the callback has kept the descriptor from being served"

    @pytest.mark.needs("combined_events")
    async def test_a_descriptor_ready_for_both_is_called_once(self, io_loop: IOLoop) -> None:
        seen: list[int] = []
        with _pair() as (near, far):

            def handler(sock: socket.socket, events: int) -> None:
                seen.append(events)
                io_loop.remove_handler(sock)

            far.send(b"abc")
            io_loop.add_handler(near, handler, READ | WRITE)
            assert await until(io_loop, lambda: bool(seen))
        assert seen == [READ | WRITE]

    async def test_a_handler_is_not_called_for_what_another_of_the_same_round_has_stopped_watching(
        self, io_loop: IOLoop
    ) -> None:
        seen: list[str] = []
        with _pair() as (near, far):

            def first(_fd: socket.socket, _events: int) -> None:
                seen.append("called")
                for sock in (near, far):
                    io_loop.update_handler(sock, NONE)

            io_loop.add_handler(near, first, WRITE)
            io_loop.add_handler(far, first, WRITE)
            assert await until(io_loop, lambda: bool(seen))
            await pause(io_loop, 0.01)
            io_loop.remove_handler(near)
            io_loop.remove_handler(far)
        assert seen == ["called"]

    async def test_a_number_used_again_in_the_round_in_which_it_was_closed_has_no_event_of_the_old(
        self, io_loop: IOLoop
    ) -> None:
        wrong: list[int] = []
        with _pair() as (near, far), _pair() as (fresh, _):
            called: list[socket.socket] = []

            def handler(sock: socket.socket, _: int) -> None:
                # The other one is ready as well. Its number now stands for a socket with nothing to read.
                other = far if sock is near else near
                called.append(sock)
                for each in (near, far):
                    io_loop.remove_handler(each)
                number = other.fileno()
                os.dup2(fresh.fileno(), number)
                io_loop.add_handler(number, lambda _fd, events: wrong.append(events), READ)

            near.send(b"x")
            far.send(b"x")
            io_loop.add_handler(near, handler, READ)
            io_loop.add_handler(far, handler, READ)
            assert await until(io_loop, lambda: bool(called))
            await pause(io_loop, 0.01)
            io_loop.remove_handler(far if called[0] is near else near)
        assert wrong == []
        assert len(called) == 1

    async def test_a_pipe_whose_reader_has_gone_is_something_to_write(self, io_loop: IOLoop) -> None:
        seen: list[int] = []
        reader, writer = os.pipe()
        os.set_blocking(writer, False)
        try:
            while True:
                os.write(writer, bytes(65_536))
        except BlockingIOError:
            pass

        def handler(fd: int, events: int) -> None:
            seen.append(events)
            io_loop.remove_handler(fd)

        io_loop.add_handler(writer, handler, WRITE)
        await pause(io_loop, 0.01)
        assert seen == []
        os.close(reader)
        assert await until(io_loop, lambda: bool(seen))
        os.close(writer)
        assert seen == [WRITE]

    async def test_a_handler_keeps_the_context_it_was_added_in(self, io_loop: IOLoop) -> None:
        variable = contextvars.ContextVar("variable", default="unset")
        seen: list[str] = []
        with _pair() as (near, _):

            def handler(_fd: socket.socket, _events: int) -> None:
                seen.append(variable.get())
                variable.set("changed by a handler")

            variable.set("first")
            io_loop.add_handler(near, handler, WRITE)
            variable.set("second")
            assert await until(io_loop, lambda: bool(seen))
            io_loop.remove_handler(near)
        assert seen[0] == "first"
        assert variable.get() == "second"
