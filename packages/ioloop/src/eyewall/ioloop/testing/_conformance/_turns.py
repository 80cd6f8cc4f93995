"""How the tests of the suite wait: for a turn, or for something to become true."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from ...protocols import EventLoop, Promise


async def next_turn(io_loop: EventLoop) -> None:
    """Wait until what is ready now has run."""
    promise: Promise[None] = io_loop.create_future()
    io_loop.add_callback(promise.set_result, None)
    await promise


async def until(io_loop: EventLoop, condition: Callable[[], bool], *, seconds: float = 20.0) -> bool:
    """Wait until a condition holds; give False if it does not within so many seconds."""
    end = io_loop.time() + seconds
    while not condition():
        if io_loop.time() > end:
            return False
        await pause(io_loop, 0.001)
    return True


async def pause(io_loop: EventLoop, seconds: float) -> None:
    """Wait some seconds on the loop's clock."""
    promise: Promise[None] = io_loop.create_future()
    io_loop.call_later(seconds, promise.set_result, None)
    await promise
