"""Promises, tasks, and work for other threads."""

from __future__ import annotations

import contextvars
import threading
from typing import TYPE_CHECKING

import pytest

from ..._capability import Capability
from ..._completed import CompletedFuture
from ._turns import next_turn, until

if TYPE_CHECKING:
    from collections.abc import Callable

    from ..._ioloop import IOLoop
    from ...protocols import Promise


class TestTasks:
    """``create_future``, ``spawn`` and ``run_in_executor``."""

    async def test_a_promise_gives_its_value_to_all_who_wait(self, io_loop: IOLoop) -> None:
        promise: Promise[int] = io_loop.create_future()
        seen: list[int] = []

        async def wait() -> None:
            seen.append(await promise)

        tasks = [io_loop.spawn(wait()) for _ in range(3)]
        io_loop.add_callback(promise.set_result, 5)
        for task in tasks:
            await task
        assert seen == [5, 5, 5]
        assert promise.done()
        assert promise.result() == 5
        assert promise.exception() is None

    async def test_a_promise_raises_its_exception_in_whoever_waits(self, io_loop: IOLoop) -> None:
        promise: Promise[int] = io_loop.create_future()
        io_loop.add_callback(promise.set_exception, KeyError("lost"))
        with pytest.raises(KeyError, match="lost"):
            await promise
        assert isinstance(promise.exception(), KeyError)

    async def test_awaiting_a_promise_that_is_answered_gives_its_value(self, io_loop: IOLoop) -> None:
        promise: Promise[str] = io_loop.create_future()
        promise.set_result("there")
        assert await promise == "there"
        assert await promise == "there"

    async def test_done_callbacks_run_in_a_later_turn_and_also_when_it_is_too_late(self, io_loop: IOLoop) -> None:
        promise: Promise[int] = io_loop.create_future()
        seen: list[str] = []
        promise.add_done_callback(lambda _: seen.append("before"))
        promise.set_result(1)
        promise.add_done_callback(lambda _: seen.append("after"))
        assert seen == []
        assert await until(io_loop, lambda: len(seen) == 2)
        assert sorted(seen) == ["after", "before"]

    async def test_asking_a_promise_that_is_not_answered_raises(self, io_loop: IOLoop) -> None:
        promise: Promise[int] = io_loop.create_future()
        assert not promise.done()
        with pytest.raises(Exception):  # noqa: B017 - each library has its own
            promise.result()

    async def test_a_completed_future_costs_no_turn(self, io_loop: IOLoop) -> None:
        seen: list[str] = []
        io_loop.add_callback(seen.append, "a turn")
        future = CompletedFuture(io_loop, 5)
        assert await future == 5
        assert seen == []
        future.add_done_callback(lambda done: seen.append(f"done {done.result()}"))
        assert await until(io_loop, lambda: seen == ["a turn", "done 5"])

    async def test_a_task_runs_beside_and_gives_its_result(self, io_loop: IOLoop) -> None:
        async def double(number: int) -> int:
            await next_turn(io_loop)
            return number * 2

        task = io_loop.spawn(double(21), name="doubler")
        assert not task.done()
        assert task.get_name() == "doubler"
        assert await task == 42
        assert task.done()
        assert task.result() == 42

    async def test_a_callback_may_act_for_a_task_that_waits(self, io_loop: IOLoop) -> None:
        def act(number: int) -> int:
            # Raises where no task runs.
            with io_loop.cancel_scope():
                return 10 // number

        lent = io_loop.lend_task(act)
        if lent is None:
            assert Capability.ASYNCIO not in io_loop.capabilities
            return
        for number in (2, 0, 5):
            promise: Promise[int] = io_loop.create_future()
            io_loop.add_callback(_answer, promise, lent, number)
            if number:
                assert await promise == 10 // number
            else:
                with pytest.raises(ZeroDivisionError):
                    await promise

    async def test_there_is_no_task_to_lend_outside_one(self, io_loop: IOLoop) -> None:
        promise: Promise[object] = io_loop.create_future()
        io_loop.add_callback(lambda: promise.set_result(io_loop.lend_task(str)))
        assert await promise is None

    async def test_a_task_does_not_begin_before_spawn_returns(self, io_loop: IOLoop) -> None:
        seen: list[str] = []

        async def note() -> None:
            seen.append("task")

        task = io_loop.spawn(note())
        seen.append("caller")
        await task
        assert seen == ["caller", "task"]

    async def test_a_task_that_fails_raises_in_whoever_awaits_it(self, io_loop: IOLoop) -> None:
        async def fails() -> None:
            raise KeyError("lost")

        with pytest.raises(KeyError, match="lost"):
            await io_loop.spawn(fails())

    async def test_a_cancelled_task_ends_where_it_waits(self, io_loop: IOLoop) -> None:
        seen: list[str] = []

        async def wait() -> None:
            try:
                await io_loop.create_future()
            finally:
                seen.append("cleaned up")

        task = io_loop.spawn(wait())
        await next_turn(io_loop)
        task.cancel()
        assert await until(io_loop, task.done)
        assert seen == ["cleaned up"]

    async def test_a_task_has_a_copy_of_the_context_of_its_spawner(self, io_loop: IOLoop) -> None:
        variable = contextvars.ContextVar("variable", default="unset")
        variable.set("before")

        async def look() -> str:
            seen = variable.get()
            variable.set("inside")
            return seen

        task = io_loop.spawn(look())
        variable.set("after")
        assert await task == "before"
        assert variable.get() == "after"

    async def test_a_task_that_nobody_refers_to_lives_on(self, io_loop: IOLoop) -> None:
        import gc

        seen: list[str] = []

        async def wait() -> None:
            await next_turn(io_loop)
            seen.append("done")

        io_loop.spawn(wait())
        gc.collect()
        assert await until(io_loop, lambda: seen == ["done"])

    async def test_the_tasks_are_described_with_the_place_where_they_wait(self, io_loop: IOLoop) -> None:
        async def wait_in_vain() -> None:
            await io_loop.create_future()

        task = io_loop.spawn(wait_in_vain(), name="a patient one")
        await next_turn(io_loop)
        described = io_loop.describe_tasks()
        task.cancel()
        assert "a patient one" in described
        assert "wait_in_vain" in described

    async def test_an_executor_job_gives_its_result(self, io_loop: IOLoop) -> None:
        assert await io_loop.run_in_executor(None, divmod, 17, 5) == (3, 2)

    async def test_an_executor_job_that_fails_raises_in_whoever_awaits_it(self, io_loop: IOLoop) -> None:
        with pytest.raises(ValueError, match="invalid literal"):
            await io_loop.run_in_executor(None, int, "x")

    @pytest.mark.needs("threads")
    async def test_an_executor_job_runs_in_another_thread(self, io_loop: IOLoop) -> None:
        assert await io_loop.run_in_executor(None, threading.get_ident) != threading.get_ident()

    @pytest.mark.needs("threads")
    async def test_the_default_executor_can_be_set(self, io_loop: IOLoop) -> None:
        from concurrent.futures import ThreadPoolExecutor

        with ThreadPoolExecutor(1, thread_name_prefix="mine") as pool:
            io_loop.set_default_executor(pool)
            name = await io_loop.run_in_executor(None, lambda: threading.current_thread().name)
        assert name.startswith("mine")


def _answer(promise: Promise[int], function: Callable[[int], int], given: int) -> None:
    try:
        promise.set_result(function(given))
    except ZeroDivisionError as error:
        promise.set_exception(error)
