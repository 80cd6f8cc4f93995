"""Callbacks: their order, their errors, their context, and the threads they come from."""

from __future__ import annotations

import contextvars
import functools
import logging
import os
import signal
import threading
from typing import TYPE_CHECKING

import pytest

from ._turns import next_turn, pause, until

if TYPE_CHECKING:
    from ..._ioloop import IOLoop


class TestCallbacks:
    """``add_callback`` and its like."""

    async def test_callbacks_run_in_the_order_of_the_calls(self, io_loop: IOLoop) -> None:
        seen: list[int] = []
        for number in range(5):
            io_loop.add_callback(seen.append, number)
        await next_turn(io_loop)
        assert seen == [0, 1, 2, 3, 4]

    async def test_a_callback_runs_in_a_later_turn_never_at_once(self, io_loop: IOLoop) -> None:
        seen: list[str] = []
        io_loop.add_callback(seen.append, "callback")
        seen.append("caller")
        await next_turn(io_loop)
        assert seen == ["caller", "callback"]

    async def test_a_callback_gets_its_arguments(self, io_loop: IOLoop) -> None:
        seen: list[tuple[int, str]] = []

        def callback(number: int, *, word: str) -> None:
            seen.append((number, word))

        io_loop.add_callback(callback, 1, word="one")
        io_loop.spawn_callback(callback, 2, word="two")
        await next_turn(io_loop)
        assert seen == [(1, "one"), (2, "two")]

    @pytest.mark.needs("real_time")
    async def test_a_callback_that_adds_itself_again_and_again_lets_timers_run(self, io_loop: IOLoop) -> None:
        turns = 0
        over = False

        def again() -> None:
            nonlocal turns
            turns += 1
            if not over:
                io_loop.add_callback(again)

        again()
        await pause(io_loop, 0.005)
        over = True
        assert turns > 0

    async def test_an_error_is_logged_with_its_origin_and_stops_nothing(
        self, io_loop: IOLoop, caplog: pytest.LogCaptureFixture
    ) -> None:
        def fails() -> None:
            raise ValueError("a bad value")

        seen: list[str] = []
        io_loop.add_callback(fails)
        io_loop.call_later(0, functools.partial(fails))
        io_loop.add_callback(seen.append, "next")
        await pause(io_loop, 0.01)
        records = [record for record in caplog.records if record.name == "eyewall.ioloop"]
        assert seen == ["next"]
        assert len(records) == 2
        for record in records:
            assert record.levelno == logging.ERROR
            assert "fails" in record.getMessage()
            assert __file__ in record.getMessage()
            assert record.exc_info is not None
            assert isinstance(record.exc_info[1], ValueError)

    async def test_an_async_callback_is_run_as_a_task(self, io_loop: IOLoop) -> None:
        seen: list[str] = []

        async def callback(word: str) -> None:
            await next_turn(io_loop)
            seen.append(word)

        io_loop.add_callback(callback, "added")
        io_loop.call_later(0, callback, "put off")
        assert await until(io_loop, lambda: len(seen) == 2)
        assert sorted(seen) == ["added", "put off"]

    async def test_the_error_of_an_async_callback_is_logged(
        self, io_loop: IOLoop, caplog: pytest.LogCaptureFixture
    ) -> None:
        async def fails_later() -> None:
            await next_turn(io_loop)
            raise ValueError("a bad value")

        io_loop.add_callback(fails_later)
        assert await until(io_loop, lambda: bool(caplog.records))
        assert "fails_later" in caplog.text
        assert "a bad value" in caplog.text

    async def test_a_callback_sees_the_context_it_was_added_in(self, io_loop: IOLoop) -> None:
        variable = contextvars.ContextVar("variable", default="unset")
        seen: list[str] = []

        def look() -> None:
            seen.append(variable.get())
            variable.set("changed by a callback")

        variable.set("first")
        io_loop.add_callback(look)
        variable.set("second")
        io_loop.call_later(0, look)
        variable.set("third")
        assert await until(io_loop, lambda: len(seen) == 2)
        assert sorted(seen) == ["first", "second"]
        assert variable.get() == "third"

    @pytest.mark.needs("threads")
    async def test_a_callback_from_another_thread_wakes_the_loop(self, io_loop: IOLoop) -> None:
        promise = io_loop.create_future()

        def from_afar() -> None:
            promise.set_result(threading.get_ident())

        thread = threading.Thread(target=io_loop.add_callback, args=(from_afar,))
        io_loop.call_later(0.01, thread.start)  # by then, the loop sleeps
        with io_loop.cancel_scope(deadline=io_loop.time() + 20):
            assert await promise == threading.get_ident()
        assert promise.done(), "the callback did not wake the loop"
        thread.join()

    @pytest.mark.needs("threads")
    async def test_callbacks_of_many_threads_all_run(self, io_loop: IOLoop) -> None:
        seen: list[int] = []

        def add_many() -> None:
            for number in range(200):
                io_loop.add_callback(seen.append, number)

        threads = [threading.Thread(target=add_many) for _ in range(4)]
        for thread in threads:
            thread.start()
        assert await until(io_loop, lambda: len(seen) == 800)
        for thread in threads:
            thread.join()

    @pytest.mark.needs("signals")
    async def test_a_callback_from_a_signal_handler_wakes_the_loop(self, io_loop: IOLoop) -> None:
        promise = io_loop.create_future()
        before = signal.signal(
            signal.SIGUSR1, lambda _number, _frame: io_loop.add_callback_from_signal(promise.set_result, "woken")
        )
        killer = threading.Thread(target=os.kill, args=(os.getpid(), signal.SIGUSR1))
        try:
            io_loop.call_later(0.01, killer.start)
            with io_loop.cancel_scope(deadline=io_loop.time() + 20):
                assert await promise == "woken"
            assert promise.done(), "the signal did not wake the loop"
            killer.join()
        finally:
            signal.signal(signal.SIGUSR1, before)

    async def test_add_future_calls_back_in_a_later_turn(self, io_loop: IOLoop) -> None:
        promise = io_loop.create_future()
        seen: list[int] = []
        io_loop.add_future(promise, lambda done: seen.append(done.result()))
        promise.set_result(5)
        assert seen == []
        assert await until(io_loop, lambda: seen == [5])

    @pytest.mark.needs("threads")
    async def test_add_future_takes_futures_of_threads(self, io_loop: IOLoop) -> None:
        from concurrent.futures import ThreadPoolExecutor

        promise = io_loop.create_future()
        with ThreadPoolExecutor(1) as pool:
            answer = pool.submit(lambda: 7)
            io_loop.add_future(answer, lambda done: promise.set_result((done.result(), threading.get_ident())))
            assert await promise == (7, threading.get_ident())
