"""What a loop can tell of itself: how much it has to do, how late it is, and what keeps it."""

from __future__ import annotations

import logging
import os
import re
import threading
from typing import TYPE_CHECKING

import pytest

from ._turns import next_turn, until

if TYPE_CHECKING:
    from ..._insight import Blockage
    from ..._ioloop import IOLoop

PATIENCE_SECONDS = 20


class Stack(logging.Handler):
    """Lets a callback block until the loop's watcher has told of it, and of nothing else that took long."""

    def __init__(self) -> None:
        super().__init__()
        self.told = threading.Event()
        self.message = ""

    def emit(self, record: logging.LogRecord) -> None:
        if "block_the_loop" in record.getMessage():
            self.message = record.getMessage()
            self.told.set()

    def block_the_loop(self) -> None:
        self.told.wait(PATIENCE_SECONDS)


def ignore(fd: int, events: int) -> None:
    """Leave it."""


class TestInsight:
    """``counts``, ``watch`` and ``insight``."""

    async def test_it_counts_its_tasks_and_its_timers(self, io_loop: IOLoop) -> None:
        before = io_loop.counts()
        promise = io_loop.create_future()

        async def wait() -> None:
            await promise

        task = io_loop.spawn(wait())
        timers = [io_loop.call_later(1000, print) for _ in range(3)]
        timers[0].cancel()
        during = io_loop.counts()
        assert during.tasks == before.tasks + 1
        assert during.timers is None or (before.timers is not None and during.timers == before.timers + 2)
        promise.set_result(None)
        for timer in timers:
            timer.cancel()
        await task
        await next_turn(io_loop)
        assert io_loop.counts() == before

    @pytest.mark.needs("sockets")
    async def test_it_counts_the_descriptors_that_it_watches(self, io_loop: IOLoop) -> None:
        before = io_loop.counts().handlers
        reader, writer = os.pipe()
        try:
            io_loop.add_handler(reader, ignore, io_loop.READ)
            assert io_loop.counts().handlers == before + 1
            io_loop.remove_handler(reader)
            assert io_loop.counts().handlers == before
        finally:
            os.close(reader)
            os.close(writer)

    @pytest.mark.needs("threads")
    async def test_a_callback_that_blocks_is_logged_with_its_stack_while_it_blocks(self, io_loop: IOLoop) -> None:
        def found() -> list[Blockage]:
            return [blockage for blockage in insight.slowest if "block_the_loop" in blockage.stack]

        stack = Stack()
        logger = logging.getLogger("eyewall.ioloop")
        logger.addHandler(stack)
        try:
            with io_loop.watch(0.05, interval=0.005, keep=100) as insight:
                assert await until(io_loop, lambda: insight.lag.beats > 0, seconds=PATIENCE_SECONDS)
                for _ in range(20):  # on a machine with much to do, something else may be late as well
                    stack.told.clear()
                    io_loop.add_callback(stack.block_the_loop)
                    if await until(io_loop, lambda: found() != [], seconds=0.1):
                        break
        finally:
            logger.removeHandler(stack)
        assert re.match(r"the loop has stood still for \d+\.\d{3} s, in ", stack.message)
        longest = found()[0]
        assert longest.seconds >= 0.04  # from the beat, which may come a little after the callback has begun
        assert insight.lag.worst >= longest.seconds
        beats = insight.lag.beats
        await next_turn(io_loop)
        assert insight.lag.beats == beats, "a watch that was stopped goes on"

    @pytest.mark.needs("threads")
    async def test_a_second_watch_takes_the_place_of_the_first(self, io_loop: IOLoop) -> None:
        first = io_loop.watch(10)
        with io_loop.watch(5, keep=1) as second:
            assert io_loop.insight is second
            names = [thread.name for thread in threading.enumerate()]
            assert names.count("eyewall.ioloop.Insight") == 1
        assert first.slowest == second.slowest == []

    async def test_what_cannot_be_watched_is_refused(self, io_loop: IOLoop) -> None:
        with pytest.raises(ValueError, match=r"threshold \(0.1\) and interval \(0.2\)"):
            io_loop.watch(0.1, interval=0.2)
        with pytest.raises(ValueError, match=r"threshold \(0\)"):
            io_loop.watch(0)
