"""Signals: handled in a turn of the loop, whether it sleeps or not, and given back."""

from __future__ import annotations

import contextlib
import os
import signal
import threading
from typing import TYPE_CHECKING, Final

import pytest

from ._turns import next_turn, pause, until

if TYPE_CHECKING:
    from collections.abc import Generator

    from ..._ioloop import IOLoop

NUMBER: Final = signal.SIGUSR1


@contextlib.contextmanager
def ignored() -> Generator[None]:
    """Ignore the signal outside the loop, so that a test that fails does not end the process."""
    before = signal.signal(NUMBER, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(NUMBER, before)


@pytest.mark.needs("signals")
class TestSignals:
    """``add_signal_handler`` and ``remove_signal_handler``."""

    async def test_a_signal_calls_its_handler_with_its_arguments_in_a_later_turn(self, io_loop: IOLoop) -> None:
        seen: list[tuple[int, str]] = []

        def handler(number: int, *, word: str) -> None:
            seen.append((number, word))

        with ignored():
            io_loop.add_signal_handler(NUMBER, handler, 1, word="one")
            signal.raise_signal(NUMBER)
            assert seen == [], "the handler was called at once, not in a turn of the loop"
            assert await until(io_loop, lambda: seen == [(1, "one")])
            assert io_loop.remove_signal_handler(NUMBER)

    @pytest.mark.needs("threads")
    async def test_a_signal_wakes_a_loop_that_sleeps(self, io_loop: IOLoop) -> None:
        with ignored():
            for _ in range(20):
                promise = io_loop.create_future()
                io_loop.add_signal_handler(NUMBER, promise.set_result, "woken")
                killer = threading.Thread(target=os.kill, args=(os.getpid(), NUMBER))
                io_loop.add_callback(killer.start)
                with io_loop.cancel_scope(deadline=io_loop.time() + 20):
                    assert await promise == "woken"
                assert promise.done(), "the signal did not wake the loop"
                killer.join()

    def test_a_signal_before_the_start_is_handled_after_it(self, io_loop: IOLoop) -> None:
        with ignored():
            io_loop.add_signal_handler(NUMBER, io_loop.stop)
            signal.raise_signal(NUMBER)
            deadline = io_loop.call_later(20, pytest.fail, "the signal was lost")
            io_loop.start()
            deadline.cancel()
            assert io_loop.remove_signal_handler(NUMBER)

    async def test_a_handler_may_be_a_coroutine_function(self, io_loop: IOLoop) -> None:
        promise = io_loop.create_future()

        async def handler() -> None:
            await next_turn(io_loop)
            promise.set_result("done")

        with ignored():
            io_loop.add_signal_handler(NUMBER, handler)
            signal.raise_signal(NUMBER)
            assert await promise == "done"
            io_loop.remove_signal_handler(NUMBER)

    async def test_the_error_of_a_handler_is_logged_with_its_name(
        self, io_loop: IOLoop, caplog: pytest.LogCaptureFixture
    ) -> None:
        def fails() -> None:
            raise ValueError("a bad value")

        with ignored():
            io_loop.add_signal_handler(NUMBER, fails)
            signal.raise_signal(NUMBER)
            assert await until(io_loop, lambda: bool(caplog.records))
            io_loop.remove_signal_handler(NUMBER)
        assert "fails" in caplog.text
        assert "a bad value" in caplog.text

    async def test_a_second_handler_replaces_the_first(self, io_loop: IOLoop) -> None:
        seen: list[str] = []
        with ignored():
            io_loop.add_signal_handler(NUMBER, seen.append, "first")
            io_loop.add_signal_handler(NUMBER, seen.append, "second")
            signal.raise_signal(NUMBER)
            assert await until(io_loop, lambda: bool(seen))
            io_loop.remove_signal_handler(NUMBER)
        assert seen == ["second"]

    async def test_a_removed_handler_is_not_called_even_for_a_signal_that_came_before(self, io_loop: IOLoop) -> None:
        seen: list[str] = []
        with ignored():
            io_loop.add_signal_handler(NUMBER, seen.append, "called")
            signal.raise_signal(NUMBER)
            io_loop.remove_signal_handler(NUMBER)
            await pause(io_loop, 0.01)
        assert seen == []

    async def test_removing_puts_back_what_was_there_and_tells_whether_there_was_a_handler(
        self, io_loop: IOLoop
    ) -> None:
        with ignored():
            io_loop.add_signal_handler(NUMBER, next_turn, io_loop)
            io_loop.add_signal_handler(NUMBER, next_turn, io_loop)
            assert io_loop.remove_signal_handler(NUMBER)
            assert signal.getsignal(NUMBER) is signal.SIG_IGN
            assert not io_loop.remove_signal_handler(NUMBER)

    def test_closing_puts_back_what_was_there(self, io_loop: IOLoop) -> None:
        other = type(io_loop)(make_current=False, backend=io_loop.backend_name)
        with ignored():
            other.add_signal_handler(NUMBER, other.stop)
            other.close()
            assert signal.getsignal(NUMBER) is signal.SIG_IGN

    async def test_the_descriptor_that_wakes_the_loop_is_given_up_with_the_last_handler(self, io_loop: IOLoop) -> None:
        before = signal.set_wakeup_fd(-1)
        signal.set_wakeup_fd(before)
        with ignored():
            io_loop.add_signal_handler(NUMBER, next_turn, io_loop)
            await next_turn(io_loop)
            await next_turn(io_loop)
            io_loop.remove_signal_handler(NUMBER)
        after = signal.set_wakeup_fd(-1)
        signal.set_wakeup_fd(after)
        assert after == before

    async def test_a_signal_that_cannot_be_handled_is_refused(self, io_loop: IOLoop) -> None:
        with pytest.raises(ValueError, match="cannot be handled"):
            io_loop.add_signal_handler(signal.SIGKILL, io_loop.stop)

    @pytest.mark.needs("threads")
    async def test_only_the_main_thread_handles_signals(self, io_loop: IOLoop) -> None:
        def add() -> str:
            try:
                io_loop.add_signal_handler(NUMBER, io_loop.stop)
            except RuntimeError as error:
                return str(error)
            return "added"

        assert "main thread" in await io_loop.run_in_executor(None, add)
