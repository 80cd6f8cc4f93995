"""Starting, stopping and closing, and which loop is the current one."""

from __future__ import annotations

import gc
import os
import signal
import socket
import threading
from typing import TYPE_CHECKING

import pytest

from ..._events import READ, WRITE
from ..._ioloop import IOLoop
from ...errors import BadYieldError
from ._turns import next_turn, pause

if TYPE_CHECKING:
    from collections.abc import Awaitable

    from ...protocols import Promise


class TestRunning:
    """``start``, ``stop``, ``run_sync``, ``close`` and ``current``."""

    def test_start_runs_until_stop(self, io_loop: IOLoop) -> None:
        seen: list[str] = []
        io_loop.add_callback(seen.append, "ran")
        io_loop.call_later(0.001, io_loop.stop)
        io_loop.start()
        assert seen == ["ran"]

    def test_a_stop_before_the_start_lets_one_turn_run(self, io_loop: IOLoop) -> None:
        seen: list[str] = []
        io_loop.add_callback(seen.append, "ran")
        io_loop.stop()
        io_loop.start()
        assert seen == ["ran"]

    @pytest.mark.needs("survives_runs")
    def test_what_is_pending_lives_on_from_one_start_to_the_next(self, io_loop: IOLoop) -> None:
        seen: list[str] = []

        async def task() -> None:
            await next_turn(io_loop)
            io_loop.stop()
            await next_turn(io_loop)
            await next_turn(io_loop)
            seen.append("task")

        io_loop.spawn(task())
        io_loop.start()
        assert seen == []
        io_loop.call_later(0.01, io_loop.stop)
        io_loop.start()
        assert seen == ["task"]

    async def test_a_second_start_is_refused(self, io_loop: IOLoop) -> None:
        with pytest.raises(RuntimeError, match="runs already"):
            io_loop.start()

    async def test_closing_while_it_runs_is_refused(self, io_loop: IOLoop) -> None:
        with pytest.raises(RuntimeError, match=r"stop\(\)"):
            io_loop.close()

    def test_run_sync_gives_the_result(self, io_loop: IOLoop) -> None:
        async def main() -> str:
            await next_turn(io_loop)
            return "result"

        assert io_loop.run_sync(main) == "result"
        assert io_loop.run_sync(main) == "result"

    def test_run_sync_raises_what_the_function_raises(self, io_loop: IOLoop) -> None:
        async def fails() -> None:
            await next_turn(io_loop)
            raise KeyError("lost")

        def fails_at_once() -> None:
            raise KeyError("at once")

        with pytest.raises(KeyError, match="lost"):
            io_loop.run_sync(fails)
        with pytest.raises(KeyError, match="at once"):
            io_loop.run_sync(fails_at_once)

    def test_run_sync_takes_a_function_that_returns_none_and_no_other_plain_value(self, io_loop: IOLoop) -> None:
        seen: list[IOLoop] = []

        def plain() -> None:
            seen.append(IOLoop.current())

        io_loop.run_sync(plain)
        assert seen == [io_loop]
        with pytest.raises(BadYieldError, match="42"):
            io_loop.run_sync(lambda: 42)  # type: ignore[arg-type,return-value] # the point of the test

    def test_run_sync_ends_at_its_timeout(self, io_loop: IOLoop) -> None:
        seen: list[str] = []

        async def wait() -> None:
            try:
                await io_loop.create_future()
            finally:
                seen.append("cancelled")

        with pytest.raises(TimeoutError, match=r"0\.01 seconds"):
            io_loop.run_sync(wait, timeout=0.01)
        assert seen == ["cancelled"]

    def test_run_sync_does_not_take_a_timeout_of_the_function_for_its_own(self, io_loop: IOLoop) -> None:
        async def fails() -> None:
            raise TimeoutError("of the function")

        with pytest.raises(TimeoutError, match="of the function"):
            io_loop.run_sync(fails, timeout=5)

    def test_run_sync_says_when_somebody_else_stopped_the_loop(self, io_loop: IOLoop) -> None:
        async def stops() -> None:
            io_loop.stop()
            await io_loop.create_future()

        with pytest.raises(RuntimeError, match="Event loop stopped"):
            io_loop.run_sync(stops)

    def test_a_keyboard_interrupt_leaves_the_loop_fit_for_use(self, io_loop: IOLoop) -> None:
        def interrupt() -> None:
            raise KeyboardInterrupt

        io_loop.add_callback(interrupt)
        self._start_until_interrupted(io_loop)
        assert io_loop.run_sync(lambda: self._answer(io_loop)) == 5

    @pytest.mark.needs("sockets")
    def test_a_keyboard_interrupt_in_a_handler_leaves_the_loop_fit_for_use(self, io_loop: IOLoop) -> None:
        def interrupt(sock: socket.socket, _events: int) -> None:
            io_loop.remove_handler(sock)
            raise KeyboardInterrupt

        near, far = socket.socketpair()
        with near, far:
            io_loop.add_handler(near, interrupt, WRITE)
            self._start_until_interrupted(io_loop)
            assert io_loop.run_sync(lambda: self._answer(io_loop)) == 5

    def test_an_interrupt_in_a_task_is_raised_once_and_not_logged_besides(
        self, io_loop: IOLoop, caplog: pytest.LogCaptureFixture
    ) -> None:
        async def interrupted() -> None:
            await next_turn(io_loop)
            raise KeyboardInterrupt

        for begin in (lambda: io_loop.spawn(interrupted()), lambda: io_loop.add_callback(interrupted)):
            begin()
            self._start_until_interrupted(io_loop)
        assert io_loop.run_sync(lambda: self._answer(io_loop)) == 5
        gc.collect()
        assert caplog.messages == []

    @pytest.mark.needs("signals", "threads")
    def test_the_interrupt_of_a_loop_that_sleeps_leaves_it_fit_for_use(self, io_loop: IOLoop) -> None:
        before = signal.signal(signal.SIGINT, signal.default_int_handler)
        killer = threading.Thread(target=os.kill, args=(os.getpid(), signal.SIGINT))
        try:
            io_loop.add_callback(killer.start)
            self._start_until_interrupted(io_loop)
            killer.join()
        finally:
            signal.signal(signal.SIGINT, before)
        assert io_loop.run_sync(lambda: self._answer(io_loop)) == 5

    @pytest.mark.needs("threads")
    def test_another_thread_stops_the_loop(self, io_loop: IOLoop) -> None:
        thread = threading.Thread(target=io_loop.add_callback, args=(io_loop.stop,))
        io_loop.add_callback(thread.start)
        alarm = io_loop.call_later(20, pytest.fail, "the loop went on")
        io_loop.start()
        alarm.cancel()
        thread.join()

    @staticmethod
    def _start_until_interrupted(io_loop: IOLoop) -> None:
        alarm = io_loop.call_later(20, io_loop.stop)  # for a loop that swallows the interrupt
        with pytest.raises(KeyboardInterrupt):
            io_loop.start()
        alarm.cancel()

    @staticmethod
    async def _answer(io_loop: IOLoop) -> int:
        await pause(io_loop, 0.001)
        return 5

    async def test_the_loop_that_runs_is_current(self, io_loop: IOLoop) -> None:
        assert IOLoop.current() is io_loop
        assert IOLoop.instance() is io_loop
        assert IOLoop.current(instance=False) is io_loop

    def test_a_loop_that_is_not_current_becomes_so_while_it_runs(self, io_loop: IOLoop) -> None:
        IOLoop.clear_current()
        seen: list[IOLoop | None] = [IOLoop.current(instance=False)]
        io_loop.add_callback(lambda: seen.append(IOLoop.current(instance=False)))
        io_loop.add_callback(io_loop.stop)
        io_loop.start()
        seen.append(IOLoop.current(instance=False))
        assert seen == [None, io_loop, None]

    def test_make_current_and_clear_current(self, io_loop: IOLoop) -> None:
        other = IOLoop(make_current=False, backend=io_loop.backend_name)
        assert IOLoop.current() is io_loop
        other.make_current()
        assert IOLoop.current() is other
        IOLoop.clear_current()
        assert IOLoop.current(instance=False) is None
        io_loop.make_current()
        other.close()
        assert IOLoop.current() is io_loop

    def test_a_closed_loop_is_not_current_and_does_not_start(self, io_loop: IOLoop) -> None:
        other = IOLoop(backend=io_loop.backend_name)
        other.close()
        other.close()
        assert IOLoop.current(instance=False) is not other
        with pytest.raises(RuntimeError, match="closed"):
            other.start()

    def test_callbacks_added_to_a_closed_loop_are_dropped(self, io_loop: IOLoop) -> None:
        seen: list[str] = []
        other = IOLoop(make_current=False, backend=io_loop.backend_name)
        other.close()
        other.add_callback(seen.append, "never")
        assert seen == []

    @pytest.mark.needs("sockets")
    def test_close_with_all_fds_closes_what_is_watched(self, io_loop: IOLoop) -> None:
        near, far = socket.socketpair()
        other = IOLoop(make_current=False, backend=io_loop.backend_name)
        other.add_handler(near, lambda _fd, _events: None, READ)
        other.add_handler(far.fileno(), lambda _fd, _events: None, READ)
        other.close(all_fds=True)
        assert near.fileno() == -1
        with pytest.raises(OSError, match="descriptor"):
            os.fstat(far.detach())

    def test_shutdown_cancels_the_tasks_that_are_left(self, io_loop: IOLoop) -> None:
        seen: list[str] = []

        async def wait() -> None:
            try:
                await io_loop.create_future()
            finally:
                with io_loop.cancel_scope(shield=True):
                    await next_turn(io_loop)
                seen.append("ended")

        def begin() -> Awaitable[None]:
            io_loop.spawn(wait())
            return next_turn(io_loop)

        io_loop.run_sync(begin)
        io_loop.shutdown()
        assert seen == ["ended"]

    @pytest.mark.needs("fork")
    def test_after_a_fork_the_child_has_a_loop_of_its_own(self, io_loop: IOLoop) -> None:
        async def answer() -> int:
            return 7 if IOLoop.current() is not io_loop else 8

        pid = os.fork()
        if pid == 0:  # pragma: no cover - the child is not measured
            status = 1
            try:
                try:
                    io_loop.start()
                except RuntimeError as error:
                    status = IOLoop.current().run_sync(answer) if "fork" in str(error) else 2
            finally:
                os._exit(status)
        assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 7

    @pytest.mark.needs("fork", "sockets")
    def test_closing_in_a_forked_child_takes_nothing_from_the_parent(self, io_loop: IOLoop) -> None:
        near, far = socket.socketpair()
        seen: list[bytes] = []

        def receive(_fd: int, _events: int) -> None:
            seen.append(near.recv(1))
            io_loop.stop()

        io_loop.add_handler(near.fileno(), receive, READ)
        pid = os.fork()
        if pid == 0:  # pragma: no cover - the child is not measured
            status = 1
            try:
                io_loop.close(all_fds=True)
                status = 0
            finally:
                os._exit(status)
        assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
        far.sendall(b"x")
        alarm = io_loop.call_later(20, io_loop.stop)
        io_loop.start()
        alarm.cancel()
        io_loop.remove_handler(near.fileno())
        near.close()
        far.close()
        assert seen == [b"x"]

    @pytest.mark.needs("fork", "sockets")
    async def test_what_a_child_forked_while_it_runs_unregisters_stays_with_the_parent(self, io_loop: IOLoop) -> None:
        near, far = socket.socketpair()
        promise: Promise[bytes] = io_loop.create_future()

        def receive(sock: socket.socket, _events: int) -> None:
            io_loop.remove_handler(sock)
            promise.set_result(sock.recv(1))

        io_loop.add_handler(near, receive, READ)
        await next_turn(io_loop)
        pid = os.fork()
        if pid == 0:  # pragma: no cover - the child is not measured
            status = 1
            try:
                io_loop.remove_handler(near)
                status = 0
            finally:
                os._exit(status)
        assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0  # noqa: ASYNC222 - it ends at once
        far.sendall(b"x")
        with near, far, io_loop.cancel_scope(deadline=io_loop.time() + 20):
            assert await promise == b"x"
        assert promise.done(), "the child has taken the descriptor from its parent"
