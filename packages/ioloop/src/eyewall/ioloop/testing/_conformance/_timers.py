"""Timers: their order, and how they are dropped."""

from __future__ import annotations

import gc
import time
import weakref
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from ._turns import next_turn, pause, until

if TYPE_CHECKING:
    from ..._ioloop import IOLoop
    from ...protocols import Timer


class TestTimers:
    """``call_at``, ``call_later``, ``add_timeout`` and ``remove_timeout``."""

    async def test_timers_run_in_the_order_of_their_times(self, io_loop: IOLoop) -> None:
        seen: list[str] = []
        now = io_loop.time()
        io_loop.call_at(now + 0.03, seen.append, "third")
        io_loop.call_at(now + 0.01, seen.append, "first")
        io_loop.call_at(now + 0.02, seen.append, "second")
        io_loop.call_later(0.04, seen.append, "fourth")
        assert await until(io_loop, lambda: len(seen) == 4)
        assert seen == ["first", "second", "third", "fourth"]

    async def test_a_timer_never_runs_early(self, io_loop: IOLoop) -> None:
        due = io_loop.time() + 0.02
        promise = io_loop.create_future()
        io_loop.call_at(due, lambda: promise.set_result(io_loop.time()))
        resolution = 0.001  # of the poller beneath
        assert await promise >= due - resolution

    async def test_a_time_that_has_passed_means_the_next_turns(self, io_loop: IOLoop) -> None:
        seen: list[str] = []
        io_loop.call_at(io_loop.time() - 10, seen.append, "call_at")
        io_loop.call_later(-10, seen.append, "call_later")
        assert seen == []
        assert await until(io_loop, lambda: len(seen) == 2)

    async def test_a_removed_timer_does_not_run(self, io_loop: IOLoop) -> None:
        seen: list[str] = []
        io_loop.remove_timeout(io_loop.call_later(0.01, seen.append, "removed"))
        cancelled = io_loop.call_later(0.01, seen.append, "cancelled")
        cancelled.cancel()
        cancelled.cancel()
        io_loop.call_later(0.01, seen.append, "kept")
        await pause(io_loop, 0.02)
        assert seen == ["kept"]

    async def test_a_timer_may_be_removed_after_it_has_run(self, io_loop: IOLoop) -> None:
        seen: list[str] = []
        timer = io_loop.call_later(0, seen.append, "ran")
        assert await until(io_loop, lambda: seen == ["ran"])
        io_loop.remove_timeout(timer)

    async def test_a_timer_may_remove_another_that_is_due_in_the_same_round(self, io_loop: IOLoop) -> None:
        seen: list[str] = []
        timers: list[Timer] = []

        def first() -> None:
            seen.append("first")
            io_loop.remove_timeout(timers[0])

        now = io_loop.time()
        io_loop.call_at(now - 2, first)
        timers.append(io_loop.call_at(now - 1, seen.append, "second"))
        await pause(io_loop, 0.01)
        assert seen == ["first"]

    async def test_timers_pass_arguments_on(self, io_loop: IOLoop) -> None:
        seen: list[tuple[int, str]] = []

        def callback(number: int, *, word: str) -> None:
            seen.append((number, word))

        io_loop.call_later(0, callback, 1, word="later")
        io_loop.call_at(io_loop.time(), callback, 2, word="at")
        io_loop.add_timeout(timedelta(0), callback, 3, word="timeout")
        assert await until(io_loop, lambda: len(seen) == 3)
        assert sorted(seen) == [(1, "later"), (2, "at"), (3, "timeout")]

    async def test_add_timeout_takes_a_time_of_the_loop_or_of_the_wall_clock(self, io_loop: IOLoop) -> None:
        seen: list[str] = []
        io_loop.add_timeout(io_loop.time() + 0.01, seen.append, "loop")
        io_loop.add_timeout(time.time() + 0.01, seen.append, "wall")
        assert await until(io_loop, lambda: len(seen) == 2)
        assert sorted(seen) == ["loop", "wall"]

    async def test_add_timeout_refuses_what_is_no_time(self, io_loop: IOLoop) -> None:
        with pytest.raises(TypeError, match="'soon'"):
            io_loop.add_timeout("soon", print)  # type: ignore[arg-type] # the point of the test

    async def test_100_000_timers_added_and_removed_cost_no_quadratic_time_and_leave_nothing(
        self, io_loop: IOLoop
    ) -> None:
        class Callback:
            def __call__(self) -> None:
                raise AssertionError("removed, and called")

        callback = Callback()
        alive = weakref.ref(callback)
        before = io_loop.counts().timers
        timers = [io_loop.call_later(3600 + number % 1000, callback) for number in range(100_000)]
        while timers:
            io_loop.remove_timeout(timers.pop())
        await next_turn(io_loop)  # the time-out of the test is the bound
        assert io_loop.counts().timers == before
        del callback
        await next_turn(io_loop)
        gc.collect()
        assert alive() is None

    async def test_time_does_not_go_backwards(self, io_loop: IOLoop) -> None:
        before = io_loop.time()
        await pause(io_loop, 0.001)
        assert io_loop.time() >= before
