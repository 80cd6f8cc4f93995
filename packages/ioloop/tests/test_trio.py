"""What the Trio backend has that others have not: Trio's own ways beside eyewall's, and life in another's program."""

from __future__ import annotations

import asyncio
import gc
import logging
import os
import signal
import socket
import threading
from concurrent.futures import CancelledError, ThreadPoolExecutor
from typing import TYPE_CHECKING, NoReturn

import pytest

import eyewall.ioloop
from eyewall.ioloop import BackendNotFoundError, FutureStateError, IOLoop
from eyewall.ioloop.backends._pollers import make_poller

pytest.importorskip("trio")

import trio
import trio.testing

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator
    from pathlib import Path

    from eyewall.ioloop import Promise


@pytest.fixture
def on_trio() -> Iterator[IOLoop]:
    io_loop = IOLoop(backend="trio")
    yield io_loop
    io_loop.close()


async def forever() -> None:
    await trio.sleep_forever()


async def turn(io_loop: IOLoop) -> None:
    promise: Promise[None] = io_loop.create_future()
    io_loop.add_callback(promise.set_result, None)
    await promise


# Runs


def test_what_was_registered_before_the_start_is_done_then(on_trio: IOLoop) -> None:
    seen: list[str] = []
    near, far = socket.socketpair()

    async def task() -> None:
        await trio.lowlevel.checkpoint()
        seen.append("task")

    def readable(sock: socket.socket, _: int) -> None:
        on_trio.remove_handler(sock)
        seen.append("descriptor")
        on_trio.call_later(0.01, on_trio.stop)

    with near, far:
        on_trio.add_handler(near, readable, IOLoop.READ)
        on_trio.add_callback(seen.append, "callback")
        on_trio.call_later(0, seen.append, "timer")
        on_trio.spawn(task())
        far.send(b"x")
        on_trio.start()
    assert sorted(seen) == ["callback", "descriptor", "task", "timer"]


def test_what_cannot_be_watched_is_logged_at_the_start_and_forgotten(
    on_trio: IOLoop, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with (tmp_path / "plain").open("w") as file:
        on_trio.add_handler(file, lambda _fd, _events: None, IOLoop.WRITE)
        on_trio.run_sync(lambda: turn(on_trio))
    assert "Operation not permitted" in caplog.text
    assert on_trio.counts().handlers == 0


def test_a_system_without_epoll_and_kqueue_is_told_of(on_trio: IOLoop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("eyewall.ioloop.backends._trio_serving.make_poller", lambda: make_poller("poll"))
    with pytest.raises(BackendNotFoundError, match="epoll or kqueue"):
        on_trio.start()


def test_a_run_ends_with_its_tasks_and_keeps_all_else(on_trio: IOLoop) -> None:
    seen: list[str] = []
    near, far = socket.socketpair()

    def readable(sock: socket.socket, _: int) -> None:
        seen.append(sock.recv(1).decode())
        on_trio.stop()

    with near, far:
        on_trio.add_handler(near, readable, IOLoop.READ)
        on_trio.call_later(0.02, seen.append, "timer")
        waits = on_trio.spawn(forever(), name="a patient one")
        on_trio.run_sync(lambda: turn(on_trio))
        assert waits.done()
        with pytest.raises(FutureStateError, match="Event loop stopped before the task 'a patient one' had ended"):
            waits.result()
        on_trio.call_later(0.05, far.send, b"x")
        on_trio.start()
        on_trio.remove_handler(near)
    assert seen == ["timer", "x"]


def test_a_task_that_cleans_up_is_called_back_until_it_has_ended(on_trio: IOLoop) -> None:
    seen: list[str] = []

    async def careful() -> None:
        try:
            await trio.sleep_forever()
        finally:
            with on_trio.cancel_scope(shield=True):
                promise: Promise[str] = on_trio.create_future()
                on_trio.call_later(0.01, promise.set_result, "cleaned up")
                seen.append(await promise)

    on_trio.spawn(careful())
    on_trio.run_sync(lambda: turn(on_trio))
    assert seen == ["cleaned up"]


def test_what_is_spawned_when_the_last_task_has_ended_begins_in_the_next_run(on_trio: IOLoop) -> None:
    seen: list[int] = []

    async def note(number: int) -> None:
        seen.append(number)

    def again_and_again(number: int) -> None:
        if number < 20:
            on_trio.add_callback(again_and_again, number + 1)
            on_trio.spawn(note(number))

    on_trio.run_sync(lambda: turn(on_trio))
    on_trio.add_callback(again_and_again, 0)
    on_trio.stop()
    for _ in range(20):
        on_trio.run_sync(lambda: turn(on_trio))
    assert sorted(seen) == list(range(20))


def test_a_failure_while_a_task_is_stopped_is_its_own_and_ends_nothing_else(on_trio: IOLoop) -> None:
    async def fails() -> NoReturn:
        try:
            await trio.sleep_forever()
        finally:
            raise KeyError("lost")

    async def with_a_nursery() -> None:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(fails)
            await trio.sleep_forever()

    task = on_trio.spawn(with_a_nursery())
    on_trio.run_sync(lambda: turn(on_trio))
    error = task.exception()
    assert isinstance(error, BaseExceptionGroup)
    assert error.subgroup(KeyError) is not None
    assert error.subgroup(trio.Cancelled) is None


def test_what_is_left_at_a_shutdown_is_told_and_never_begun(on_trio: IOLoop) -> None:
    seen: list[bool] = []

    async def never() -> None:
        seen.append(False)

    on_trio.spawn(never()).add_done_callback(lambda task: seen.append(task.done()))
    on_trio.shutdown()
    assert seen == [True]


def test_it_is_refused_where_another_loop_runs(on_trio: IOLoop) -> None:
    async def main() -> None:
        with pytest.raises(RuntimeError, match="another loop runs"):
            on_trio.start()

    asyncio.run(main())
    trio.run(main)


def test_a_callback_of_another_thread_waits_for_the_next_run(on_trio: IOLoop) -> None:
    seen: list[str] = []
    on_trio.run_sync(lambda: turn(on_trio))
    thread = threading.Thread(target=on_trio.add_callback, args=(seen.append, "from afar"))
    thread.start()
    thread.join()
    assert seen == []
    on_trio.run_sync(lambda: turn(on_trio))
    assert seen == ["from afar"]


def test_a_callback_and_a_task_end_the_run_by_a_system_exit(on_trio: IOLoop, caplog: pytest.LogCaptureFixture) -> None:
    def callback() -> NoReturn:
        raise SystemExit(3)

    async def task() -> None:
        async with trio.open_nursery():
            raise SystemExit(4)

    on_trio.add_callback(callback)
    with pytest.raises(SystemExit, match="3"):
        on_trio.start()
    on_trio.spawn(task())
    with pytest.raises(SystemExit, match="4"):
        on_trio.start()
    on_trio.run_sync(lambda: turn(on_trio))
    gc.collect()
    assert caplog.records == []


def test_control_c_ends_a_loop_that_sleeps_and_leaves_it_fit_for_use(on_trio: IOLoop) -> None:
    killer = threading.Thread(target=os.kill, args=(os.getpid(), signal.SIGINT))
    on_trio.call_later(0.01, killer.start)
    with pytest.raises(KeyboardInterrupt):
        on_trio.run_sync(trio.sleep_forever)
    killer.join()
    on_trio.run_sync(lambda: turn(on_trio))


# Tasks


@pytest.mark.filterwarnings("ignore:coroutine 'sleep' was never awaited")
def test_what_is_written_for_asyncio_fails_and_says_so(on_trio: IOLoop) -> None:
    with pytest.raises(TypeError, match="some other framework like asyncio"):
        on_trio.run_sync(lambda: asyncio.sleep(0))
    with pytest.raises(RuntimeError, match="no running event loop"):
        on_trio.run_sync(lambda: asyncio.sleep(1))


def test_scopes_of_trio_and_of_the_loop_nest_in_each_other(on_trio: IOLoop) -> None:
    async def main() -> list[bool]:
        with on_trio.cancel_scope(deadline=trio.current_time() + 5) as outer, trio.move_on_after(0.01) as inner:
            await on_trio.create_future()
        with trio.move_on_after(5) as around, on_trio.cancel_scope(deadline=on_trio.time() + 0.01) as within:
            await trio.sleep_forever()
        return [outer.cancelled_caught, inner.cancelled_caught, around.cancelled_caught, within.cancelled_caught]

    assert on_trio.run_sync(main) == [False, True, False, True]


def test_one_who_gives_up_takes_nothing_from_the_others_who_wait(on_trio: IOLoop) -> None:
    async def main() -> list[str]:
        promise: Promise[str] = on_trio.create_future()
        seen: list[str] = []

        async def wait() -> None:
            seen.append(await promise)

        async with trio.open_nursery() as nursery:
            for seconds in (0.01, 5, 0.01, 5):
                nursery.start_soon(within, seconds, wait)
            await trio.sleep(0.03)
            assert not promise.done()
            promise.set_result("there")
        return seen

    async def within(seconds: float, wait: Callable[[], Awaitable[None]]) -> None:
        with trio.move_on_after(seconds):
            await wait()

    assert on_trio.run_sync(main) == ["there", "there"]


def test_a_promise_is_answered_once_and_not_after_its_waiter_has_gone(on_trio: IOLoop) -> None:
    async def main() -> None:
        promise: Promise[None] = on_trio.create_future()
        with pytest.raises(FutureStateError, match="no result yet"):
            promise.result()
        with trio.move_on_after(0.001):
            await promise
        assert promise.done()
        with pytest.raises(FutureStateError, match=r"ask done\(\) first"):
            promise.set_result(None)
        with pytest.raises(FutureStateError, match="nobody waits"):
            await promise

    on_trio.run_sync(main)


def test_whoever_awaits_a_cancelled_task_is_told_so(on_trio: IOLoop) -> None:
    async def main() -> None:
        task = on_trio.spawn(forever(), name="a patient one")
        on_trio.add_callback(task.cancel)
        with pytest.raises(FutureStateError, match="the task 'a patient one' was cancelled"):
            await task

    on_trio.run_sync(main)


def test_a_task_that_fails_with_nobody_waiting_is_logged(on_trio: IOLoop, caplog: pytest.LogCaptureFixture) -> None:
    async def fails() -> NoReturn:
        raise KeyError("lost")

    async def main() -> None:
        on_trio.spawn(fails(), name="a careless one")
        with pytest.raises(KeyError):
            await on_trio.spawn(fails(), name="one that is awaited")
        await turn(on_trio)

    on_trio.run_sync(main)
    gc.collect()
    messages = [record.getMessage() for record in caplog.records if record.levelno == logging.ERROR]
    assert messages == ["The task 'a careless one' failed, and nobody waited for it"]


def test_a_job_that_nobody_waits_for_any_more_ends_unheard(on_trio: IOLoop) -> None:
    goes_on = threading.Event()

    async def main() -> bool:
        with trio.move_on_after(0.01) as scope:
            await on_trio.run_in_executor(None, goes_on.wait)
        goes_on.set()
        return scope.cancelled_caught

    assert on_trio.run_sync(main)
    on_trio.shutdown()
    on_trio.run_sync(lambda: turn(on_trio))


def test_a_job_that_its_executor_has_dropped_raises_in_whoever_waits(on_trio: IOLoop) -> None:
    goes_on = threading.Event()

    async def main() -> None:
        with ThreadPoolExecutor(1) as pool:
            first = on_trio.run_in_executor(pool, goes_on.wait)
            second = on_trio.run_in_executor(pool, goes_on.wait)
            pool.shutdown(wait=False, cancel_futures=True)
            goes_on.set()
            with pytest.raises(CancelledError):
                await second
            assert await first

    on_trio.run_sync(main)


# Life in another's program


def test_inside_a_trio_program_current_is_a_part_of_it_and_always_the_same() -> None:
    async def main() -> IOLoop:
        io_loop = IOLoop.current()
        assert IOLoop.current() is io_loop
        assert io_loop.is_running()
        assert abs(io_loop.time() - trio.current_time()) < 1
        promise: Promise[int] = io_loop.create_future()
        io_loop.call_later(0.001, promise.set_result, 5)
        assert await promise == 5
        with pytest.raises(RuntimeError, match="runs already"):
            io_loop.start()
        with pytest.raises(RuntimeError, match="runs in this thread already"):
            eyewall.ioloop.run(main)
        return io_loop

    first = trio.run(main)
    assert trio.run(main) is not first
    assert not first.is_running()
    assert IOLoop.current(instance=False) is None


def test_its_tasks_end_with_the_program_and_are_called_back_until_then() -> None:
    seen: list[str] = []

    async def careful(io_loop: IOLoop) -> None:
        try:
            await trio.sleep_forever()
        finally:
            with io_loop.cancel_scope(shield=True):
                await turn(io_loop)
                seen.append("cleaned up")

    async def main() -> None:
        io_loop = IOLoop.current()
        io_loop.spawn(careful(io_loop))
        await turn(io_loop)

    trio.run(main)
    assert seen == ["cleaned up"]


def test_stop_ends_the_part_and_not_the_program() -> None:
    async def main() -> bool:
        io_loop = IOLoop.current()
        task = io_loop.spawn(forever())
        io_loop.stop()
        await trio.testing.wait_all_tasks_blocked()
        assert task.done()
        again = IOLoop.current()
        await turn(again)
        return again is not io_loop

    assert trio.run(main)


def test_it_keeps_the_time_of_the_programs_clock() -> None:
    async def main() -> float:
        io_loop = IOLoop.current()
        begun = io_loop.time()
        promise: Promise[None] = io_loop.create_future()
        io_loop.call_later(3600, promise.set_result, None)
        await promise
        return io_loop.time() - begun

    assert trio.run(main, clock=trio.testing.MockClock(autojump_threshold=0)) >= 3600


def test_an_interrupted_callback_interrupts_the_programs_main_task() -> None:
    async def main() -> None:
        IOLoop.current().add_callback(signal.raise_signal, signal.SIGINT)
        try:
            await trio.sleep_forever()
        except KeyboardInterrupt:
            seen.append("main")
            raise

    seen: list[str] = []
    with pytest.raises(KeyboardInterrupt):
        trio.run(main)
    assert seen == ["main"]


def test_a_task_that_raises_generator_exit_ends_alone() -> None:
    async def closed() -> None:
        raise GeneratorExit

    async def main() -> str:
        task = IOLoop.current().spawn(closed())
        await trio.testing.wait_all_tasks_blocked()
        assert task.done()
        return "went on"

    assert eyewall.ioloop.run(main, backend="trio") == "went on"
