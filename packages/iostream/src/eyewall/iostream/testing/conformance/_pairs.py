"""What a subclass brings: pairs of connected streams; and what the tests wait with."""

from __future__ import annotations

import functools
from abc import ABC, abstractmethod
from array import array
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, ClassVar, ParamSpec, TypeVar

import pytest

from ...errors import StreamClosedError

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Callable

    from eyewall.ioloop import EventLoop, Promise, Task

    from ...protocols import Stream

P = ParamSpec("P")
T = TypeVar("T")


class StreamPairs(ABC):
    """The base of each part of the suite."""

    plenty: ClassVar[int] = 16 * 1024 * 1024
    """Bytes: more than all buffers between two ends hold with nobody reading."""
    read_ahead: ClassVar[int] = 256 * 1024
    """The most bytes that a stream may take from below with nobody reading."""

    can_reset: ClassVar[bool] = True
    """False for a kind of stream whose connection can end, but not break; tests of that are skipped."""

    @abstractmethod
    async def make_pair(self, io_loop: EventLoop, /) -> tuple[Stream, Stream]:
        """Make two ends, connected and ready, of which each reads what the other writes."""

    @abstractmethod
    def reset(self, stream: Stream, /) -> None:
        """Break the connection, so that the *other* end sees a ``ConnectionResetError``."""

    @pytest.fixture
    def breakable(self) -> None:
        """Skips a test of what cannot be."""
        if not self.can_reset:
            pytest.skip("this kind of stream cannot be reset")

    @asynccontextmanager
    async def pair(self, io_loop: EventLoop) -> AsyncGenerator[tuple[Stream, Stream], None]:
        """Make a pair, and close both ends after the block."""
        near, far = await self.make_pair(io_loop)
        try:
            yield near, far
        finally:
            near.close()
            far.close()


async def settle(io_loop: EventLoop, turns: int = 30) -> None:
    """Let the loop go on until what can happen by itself has happened."""
    for _ in range(turns):
        turn: Promise[None] = io_loop.create_future()
        io_loop.add_callback(answer, turn)
        await turn


def answer(promise: Promise[None]) -> None:
    """Wake whoever waits, unless that is nobody any more."""
    if not promise.done():
        promise.set_result(None)


async def over(io_loop: EventLoop, task: Task[Any]) -> None:
    """Wait until a task is done, whatever became of it."""
    done: Promise[None] = io_loop.create_future()
    task.add_done_callback(lambda _: answer(done))
    await done


async def failure(waiting: Awaitable[object]) -> StreamClosedError:
    """Return the error that an operation ends with."""
    with pytest.raises(StreamClosedError) as caught:
        await waiting
    return caught.value


async def call(function: Callable[P, Awaitable[T]], /, *args: P.args, **kwargs: P.kwargs) -> T:
    """Call and await, for what may raise as soon as it is called."""
    return await function(*args, **kwargs)


async def closing(io_loop: EventLoop, stream: Stream) -> None:
    """Wait until a stream has closed."""
    closed: Promise[None] = io_loop.create_future()
    stream.set_close_callback(lambda: answer(closed))
    await closed


resets = pytest.mark.usefixtures("breakable")


def pattern(size: int) -> bytes:
    """Return bytes in which nothing can be lost, doubled or swapped unseen."""
    # The period is odd, so that no two pieces of a power of two are alike.
    numbers = _numbers()
    return (numbers * (size // len(numbers) + 1))[:size]


@functools.cache
def _numbers() -> bytes:
    return array("H", range(1 << 16)).tobytes() + b"x"
