"""The backend around an asyncio event loop: asyncio's own, uvloop's, or any other of that shape."""

from __future__ import annotations

import asyncio
import math
import threading
import weakref
from typing import TYPE_CHECKING, Any

from .._events import READ, WRITE
from ..protocols import F, P, T, Ts

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine
    from concurrent.futures import Executor
    from types import TracebackType
    from typing import Self

    from ..protocols import HasFileno, Promise, Task, Timer


class AsyncioBackend:
    """An :class:`~eyewall.ioloop.Backend` over one asyncio loop."""

    def __init__(self, loop: asyncio.AbstractEventLoop | None = None, *, name: str = "asyncio") -> None:
        self.asyncio_loop = asyncio.new_event_loop() if loop is None else loop
        self.name = name
        self.capabilities: frozenset[str] = frozenset()
        self._handlers: dict[int, tuple[Any, Callable[[Any, int], object], int]] = {}
        self._thread = 0
        self._stop_early = False
        _backends[self.asyncio_loop] = self
        self.time = self.asyncio_loop.time
        self.create_future = self.asyncio_loop.create_future

    def add_handler(self, fd: F, handler: Callable[[F, int], object], events: int, /) -> None:
        number = fd if isinstance(fd, int) else fd.fileno()
        if number in self._handlers:
            raise ValueError(f"descriptor {number} has a handler already; remove it first")
        self._handlers[number] = (fd, handler, 0)
        self.update_handler(number, events)

    def update_handler(self, fd: int | HasFileno, events: int, /) -> None:
        number = fd if isinstance(fd, int) else fd.fileno()
        given, handler, before = self._handlers[number]
        loop = self.asyncio_loop
        if events & READ:
            if not before & READ:
                loop.add_reader(number, handler, given, READ)
        elif before & READ:
            loop.remove_reader(number)
        if events & WRITE:
            if not before & WRITE:
                loop.add_writer(number, handler, given, WRITE)
        elif before & WRITE:
            loop.remove_writer(number)
        self._handlers[number] = (given, handler, events)

    def remove_handler(self, fd: int | HasFileno, /) -> None:
        number = fd if isinstance(fd, int) else fd.fileno()
        if (known := self._handlers.pop(number, None)) is None:
            return
        if known[2] & READ:
            self.asyncio_loop.remove_reader(number)
        if known[2] & WRITE:
            self.asyncio_loop.remove_writer(number)

    def add_callback(self, callback: Callable[P, object], /, *args: P.args, **kwargs: P.kwargs) -> None:
        if kwargs:
            bound = callback
            self.add_callback(lambda: bound(*args, **kwargs))
        elif threading.get_ident() == self._thread:
            self.asyncio_loop.call_soon(callback, *args)
        else:
            self.asyncio_loop.call_soon_threadsafe(callback, *args)

    def call_at(self, when: float, callback: Callable[P, object], /, *args: P.args, **kwargs: P.kwargs) -> Timer:
        if kwargs:
            bound = callback
            return self.asyncio_loop.call_at(when, lambda: bound(*args, **kwargs))
        return self.asyncio_loop.call_at(when, callback, *args)

    def call_later(self, delay: float, callback: Callable[P, object], /, *args: P.args, **kwargs: P.kwargs) -> Timer:
        return self.call_at(self.time() + delay, callback, *args, **kwargs)

    def spawn(self, coro: Coroutine[Any, Any, T], /, *, name: str | None = None) -> Task[T]:
        return self.asyncio_loop.create_task(coro, name=name)

    def cancel_scope(self, *, deadline: float = math.inf, shield: bool = False) -> AsyncioCancelScope:
        return AsyncioCancelScope()

    def run_in_executor(self, executor: Executor | None, func: Callable[[*Ts], T], /, *args: *Ts) -> asyncio.Future[T]:
        return self.asyncio_loop.run_in_executor(executor, func, *args)

    def start(self) -> None:
        self._thread = threading.get_ident()
        self.asyncio_loop.run_forever()

    def stop(self) -> None:
        self.asyncio_loop.stop()

    def is_running(self) -> bool:
        return self.asyncio_loop.is_running()

    def close(self) -> None:
        self.asyncio_loop.close()


_backends: weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, AsyncioBackend] = weakref.WeakKeyDictionary()


def running() -> AsyncioBackend | None:
    try:
        loop = asyncio.get_running_loop()
    except RuntimeError:
        return None
    return _backends.get(loop) or AsyncioBackend(loop)


class AsyncioCancelScope:
    cancelled_caught = False

    def cancel(self) -> None: ...
    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None, /
    ) -> bool | None:
        return None
