"""PeriodicCallback keeps its schedule, on time that is simulated."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from eyewall.ioloop import PeriodicCallback
from eyewall.ioloop.testing import SimulatedLoop


def test_it_calls_back_on_a_grid_until_it_is_stopped() -> None:
    seen: list[float] = []
    with SimulatedLoop() as io_loop:
        periodic = PeriodicCallback(lambda: seen.append(io_loop.time()), 1500)
        assert not periodic.is_running()
        periodic.start()
        periodic.start()
        assert periodic.is_running()
        io_loop.advance(5)
        periodic.stop()
        periodic.stop()
        assert not periodic.is_running()
        io_loop.advance(5)
    assert seen == pytest.approx([1.5, 3.0, 4.5])


def test_a_coroutine_that_overruns_leaves_calls_out_and_comes_back_to_the_grid() -> None:
    seen: list[float] = []

    async def slow() -> None:
        seen.append(io_loop.time())
        await asyncio.sleep(2.5)

    with SimulatedLoop() as io_loop:
        periodic = PeriodicCallback(slow, timedelta(seconds=1), io_loop=io_loop)
        periodic.start()
        io_loop.advance(8)
        periodic.stop()
    assert seen == pytest.approx([1.0, 4.0, 7.0])


def test_stopped_and_started_while_a_coroutine_runs_it_calls_back_once_each_time() -> None:
    seen: list[float] = []

    async def slow() -> None:
        seen.append(io_loop.time())
        await asyncio.sleep(0.5)

    with SimulatedLoop() as io_loop:
        periodic = PeriodicCallback(slow, 1000)
        periodic.start()
        io_loop.advance(1.25)
        periodic.stop()
        periodic.start()
        io_loop.advance(2.5)
        periodic.stop()
    assert seen == pytest.approx([1.0, 2.25, 3.25])


def test_what_it_raises_is_logged_and_the_schedule_goes_on(caplog: pytest.LogCaptureFixture) -> None:
    calls: list[str] = []

    def fails() -> None:
        calls.append("plain")
        raise ValueError("a bad value")

    async def fails_later() -> None:
        calls.append("async")
        raise ValueError("a bad value")

    with SimulatedLoop() as io_loop:
        for callback in (fails, fails_later):
            PeriodicCallback(callback, 1000).start()
        io_loop.advance(2.5)
    assert sorted(calls) == ["async", "async", "plain", "plain"]
    assert len(caplog.records) == 4
    assert "fails_later" in caplog.text


def test_a_callback_may_stop_it() -> None:
    calls: list[str] = []

    def once() -> None:
        calls.append("once")
        periodic.stop()

    with SimulatedLoop() as io_loop:
        periodic = PeriodicCallback(once, 1000)
        periodic.start()
        io_loop.advance(5)
    assert calls == ["once"]


def test_a_callback_may_stop_and_start_it_anew() -> None:
    seen: list[float] = []

    def again() -> None:
        seen.append(io_loop.time())
        if len(seen) == 1:
            periodic.stop()
            periodic.start()

    with SimulatedLoop() as io_loop:
        periodic = PeriodicCallback(again, 1000)
        periodic.start()
        io_loop.advance(3.5)
        periodic.stop()
        io_loop.advance(5)
    assert seen == pytest.approx([1.0, 2.0, 3.0])


def test_started_anew_it_is_of_the_loop_that_is_current_by_then() -> None:
    calls: list[float] = []
    periodic = PeriodicCallback(lambda: calls.append(1), 1000)
    for _ in range(2):
        with SimulatedLoop() as io_loop:
            periodic.start()
            assert periodic.io_loop is io_loop
            io_loop.advance(1.5)
            periodic.stop()
    assert calls == [1, 1]


def test_jitter_moves_calls_within_its_bounds() -> None:
    seen: list[float] = []
    with SimulatedLoop() as io_loop:
        PeriodicCallback(lambda: seen.append(io_loop.time()), 1000, jitter=0.5).start()
        io_loop.advance(100)
    gaps = [later - earlier for earlier, later in zip([0.0, *seen], seen, strict=False)]
    assert all(0.75 <= gap <= 1.25 for gap in gaps)
    assert max(gaps) - min(gaps) > 0.01


@pytest.mark.parametrize("callback_time", [0, -1, timedelta(0)])
def test_a_period_that_is_not_positive_is_refused(callback_time: float | timedelta) -> None:
    with pytest.raises(ValueError, match="positive"):
        PeriodicCallback(print, callback_time)
