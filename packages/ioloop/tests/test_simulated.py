"""The simulated loop: its clock, its chance, and what it says when nothing can happen any more."""

from __future__ import annotations

import asyncio
import gc
import socket
from typing import TYPE_CHECKING

import pytest

from eyewall.ioloop import DeadlockError, IOLoop
from eyewall.ioloop.testing import SimulatedLoop

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator


def order_of_ten(seed: int) -> list[int]:
    seen: list[int] = []
    with SimulatedLoop(seed) as io_loop:
        for number in range(10):
            io_loop.add_callback(seen.append, number)
        io_loop.advance(0)
    return seen


def test_run_lets_hours_pass_at_once() -> None:
    async def main() -> float:
        before = IOLoop.current().time()
        await asyncio.sleep(10 * 3600)
        return IOLoop.current().time() - before

    with SimulatedLoop() as io_loop:
        assert io_loop.run(main) == pytest.approx(36_000)
        assert io_loop.run(main()) == pytest.approx(36_000)


def test_advance_runs_what_falls_due_in_order_and_no_more() -> None:
    seen: list[float] = []
    with SimulatedLoop() as io_loop:
        for due in (3.0, 1.0, 2.0, 2.5):
            io_loop.call_at(due, lambda: seen.append(io_loop.time()))
        io_loop.advance(2)
        assert seen == [1.0, 2.0]
        assert io_loop.time() == 2.0
        io_loop.advance(0.9)
        assert seen == [1.0, 2.0, 2.5]
        io_loop.advance(0.2)
        assert seen == [1.0, 2.0, 2.5, 3.0]


def test_steps_that_do_not_add_up_exactly_reach_a_timer() -> None:
    seen: list[str] = []
    with SimulatedLoop() as io_loop:
        io_loop.call_later(1.0, seen.append, "due")
        for _ in range(10):
            io_loop.advance(0.1)
    assert seen == ["due"]


def test_what_a_timer_sets_off_within_the_time_runs_too() -> None:
    seen: list[float] = []

    def tick() -> None:
        seen.append(io_loop.time())
        io_loop.call_later(10, tick)

    with SimulatedLoop() as io_loop:
        io_loop.call_later(10, tick)
        io_loop.advance(35)
    assert seen == [10, 20, 30]


@pytest.mark.parametrize("seconds", [-1, float("inf"), float("nan")])
def test_time_goes_forward_by_a_finite_step(seconds: float) -> None:
    with SimulatedLoop() as io_loop, pytest.raises(ValueError, match="goes forward"):
        io_loop.advance(seconds)


def test_advance_within_run_is_refused() -> None:
    async def main() -> None:
        with pytest.raises(RuntimeError, match="runs already"):
            io_loop.advance(1)

    with SimulatedLoop() as io_loop:
        io_loop.run(main)


def test_a_seed_draws_an_order_that_can_be_repeated() -> None:
    assert order_of_ten(0) == list(range(10))
    assert order_of_ten(1) == order_of_ten(1)
    assert order_of_ten(1) != order_of_ten(0)
    assert len({tuple(order_of_ten(seed)) for seed in range(1, 20)}) > 10


def test_a_deadlock_names_the_tasks_and_where_they_wait() -> None:
    async def never() -> None:
        await IOLoop.current().create_future()

    async def main() -> None:
        IOLoop.current().spawn(never(), name="the patient one")
        await asyncio.Event().wait()

    with SimulatedLoop() as io_loop:
        with pytest.raises(DeadlockError) as caught:
            io_loop.run(main)
        message = str(caught.value)
        assert "nothing can ever run again" in message
        assert "the patient one: " in message
        assert f"never at {__file__}" in message
        assert f"main at {__file__}" in message


def test_starting_with_nothing_to_do_is_a_deadlock() -> None:
    with SimulatedLoop() as io_loop, pytest.raises(DeadlockError, match="no timer is set"):
        io_loop.start()


def test_the_loop_goes_on_after_a_deadlock() -> None:
    with SimulatedLoop() as io_loop:
        with pytest.raises(DeadlockError):
            io_loop.run(lambda: asyncio.Event().wait())
        assert io_loop.run(lambda: asyncio.sleep(1, "slept")) == "slept"


def test_ticking_for_ever_while_the_program_waits_is_an_error() -> None:
    def tick() -> None:
        io_loop.call_later(1, tick)

    with SimulatedLoop(longest_run=100) as io_loop:
        tick()
        with pytest.raises(DeadlockError, match="100 seconds"):
            io_loop.run(lambda: asyncio.Event().wait())


def test_turns_without_end_are_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("eyewall.ioloop.backends._simulated._MAX_TURNS_AT_ONCE", 1000)

    async def spin() -> None:
        while True:  # noqa: ASYNC110 - the point of the test
            await asyncio.sleep(0)

    with SimulatedLoop() as io_loop, pytest.raises(DeadlockError, match="without time going on"):
        io_loop.run(spin)


def test_the_turns_of_many_runs_are_not_taken_for_one_without_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("eyewall.ioloop.backends._simulated._MAX_TURNS_AT_ONCE", 1000)

    async def work() -> str:
        for _ in range(600):
            await asyncio.sleep(0)
        return "done"

    with SimulatedLoop() as io_loop:
        assert [io_loop.run(work) for _ in range(3)] == ["done"] * 3


@pytest.mark.parametrize("seed", range(5))
def test_executor_jobs_run_later_in_the_same_thread(seed: int) -> None:
    seen: list[str] = []

    def job() -> str:
        seen.append("job")
        return "result"

    async def main() -> str:
        future = IOLoop.current().run_in_executor(None, job)
        seen.append("caller")
        return await future

    with SimulatedLoop(seed) as io_loop:
        assert io_loop.run(main) == "result"
        assert io_loop.time() == 0
    assert seen == ["caller", "job"]


def test_asyncio_s_own_tools_run_on_it() -> None:
    async def produce(queue: asyncio.Queue[int]) -> None:
        for number in range(3):
            await asyncio.sleep(60)
            await queue.put(number)

    async def main() -> list[int]:
        queue: asyncio.Queue[int] = asyncio.Queue(1)
        async with asyncio.timeout(1000), asyncio.TaskGroup() as group:
            group.create_task(produce(queue))
            got = [await queue.get() for _ in range(3)]
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(5):
                await asyncio.Event().wait()
        done, _ = await asyncio.wait([asyncio.ensure_future(asyncio.sleep(delay)) for delay in (1, 2)])
        assert len(done) == 2
        async with asyncio.Lock(), asyncio.Semaphore():
            await asyncio.wait_for(asyncio.gather(asyncio.sleep(1), asyncio.sleep(2)), 3)
        return got

    with SimulatedLoop() as io_loop:
        assert io_loop.run(main) == [0, 1, 2]


def test_async_generators_left_open_are_closed() -> None:
    seen: list[str] = []

    async def numbers() -> AsyncGenerator[int, None]:
        try:
            yield 1
            yield 2
        finally:
            await asyncio.sleep(1)
            seen.append("closed")

    async def main() -> None:
        async for _ in numbers():
            break
        await asyncio.sleep(2)

    with SimulatedLoop() as io_loop:
        io_loop.run(main)
    assert seen == ["closed"]


def test_descriptors_are_refused_with_the_remedy() -> None:
    with SimulatedLoop() as io_loop, socket.socket() as sock:
        with pytest.raises(NotImplementedError, match=r"memory_streams\(\).*\"asyncio\""):
            io_loop.add_handler(sock, lambda _fd, _events: None, io_loop.READ)
        with pytest.raises(NotImplementedError, match="create_server"):
            io_loop.asyncio_loop.create_server(asyncio.Protocol, "127.0.0.1")  # type: ignore[unused-coroutine]


def test_an_error_of_a_task_that_nobody_awaits_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    async def fails() -> None:
        raise ValueError("a bad value")

    with SimulatedLoop() as io_loop:
        io_loop.spawn(fails())
        io_loop.advance(1)
        gc.collect()  # asyncio tells when the task goes
    assert "never retrieved" in caplog.text
    assert "a bad value" in caplog.text


def test_many_timers_added_and_removed_leave_nothing_behind() -> None:
    with SimulatedLoop() as io_loop:
        for number in range(50_000):
            io_loop.call_later(3600 + number, print).cancel()
        assert len(io_loop.asyncio_loop._scheduled) < 1000  # type: ignore[attr-defined] # what would leak
