"""A loop watched by an environment variable, and one that ends before its watch."""

from __future__ import annotations

import asyncio
import gc
import threading

import pytest

from eyewall.ioloop import IOLoop
from eyewall.ioloop.testing import SimulatedLoop

VARIABLE = "EYEWALL_IOLOOP_WATCH"


def watchers() -> int:
    return [thread.name for thread in threading.enumerate()].count("eyewall.ioloop.Insight")


def test_without_being_asked_nothing_is_watched(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(VARIABLE, raising=False)
    io_loop = IOLoop(make_current=False)
    assert (io_loop.insight, watchers()) == (None, 0)
    io_loop.close()


def test_the_environment_asks_for_it_and_closing_ends_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, "0.25")
    io_loop = IOLoop(make_current=False)
    assert io_loop.insight is not None
    assert (io_loop.insight.threshold, watchers()) == (0.25, 1)
    io_loop.close()
    assert watchers() == 0


def test_the_watch_of_a_loop_that_is_anothers_ends_with_that_loop(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, "0.01")

    async def main() -> list[threading.Thread]:
        assert IOLoop.current().insight is not None
        await asyncio.sleep(0.05)
        return [thread for thread in threading.enumerate() if thread.name == "eyewall.ioloop.Insight"]

    [thread] = asyncio.run(main())
    for _ in range(3000):
        gc.collect()  # the thread itself may hold the loop as it looks
        thread.join(0.01)
        if not thread.is_alive():
            break
    assert watchers() == 0


def test_what_is_no_number_of_seconds_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, "yes")
    with pytest.raises(ValueError, match=r"EYEWALL_IOLOOP_WATCH is a number of seconds, such as 0\.1, not 'yes'"):
        IOLoop(make_current=False)


def test_a_simulated_loop_has_nothing_to_watch_with(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, "0.1")
    with SimulatedLoop() as io_loop:
        assert io_loop.insight is None
        with pytest.raises(RuntimeError, match="'simulated' has no threads"):
            io_loop.watch()


def test_a_loop_that_does_not_run_is_not_late() -> None:
    io_loop = IOLoop(make_current=False)
    insight = io_loop.watch(1000)
    insight.beat()
    io_loop.run_sync(lambda: None)
    assert insight.lag == (0.0, 0.0, 0.0, 0)
    io_loop.close()
    assert insight.slowest == []
