"""IOLoop: one class with Tornado's names over whatever backend was chosen."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

from ._events import ERROR, NONE, READ, WRITE
from .backends import make_backend, running_backend
from .protocols import F, P, T, Ts

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Coroutine
    from concurrent.futures import Executor

    from .protocols import Backend, CancelScope, Future, HasFileno, Promise, Task, Timer


class _Current(threading.local):
    io_loop: IOLoop | None = None


_current = _Current()


class IOLoop:
    NONE = NONE
    READ = READ
    WRITE = WRITE
    ERROR = ERROR

    def __init__(self, make_current: bool = True, *, backend: Backend | None = None) -> None:
        self._backend = backend or make_backend("asyncio")
        if make_current:
            _current.io_loop = self

    @staticmethod
    def current() -> IOLoop:
        backend = running_backend()
        known = _current.io_loop
        if backend is not None:
            if known is None or known._backend is not backend:
                known = IOLoop(backend=backend)
            return known
        return known or IOLoop()

    instance = current

    @property
    def asyncio_loop(self) -> Any:
        return self._backend.asyncio_loop  # type: ignore

    def start(self) -> None:
        self._backend.start()

    def stop(self) -> None:
        self._backend.stop()

    def close(self) -> None:
        self._backend.close()

    def run_sync(self, func: Callable[[], Coroutine[Any, Any, T]]) -> T:
        task = self.spawn(func())
        task.add_done_callback(lambda _: self.stop())
        self.start()
        return task.result()

    def time(self) -> float:
        return self._backend.time()

    def add_handler(self, fd: F, handler: Callable[[F, int], object], events: int, /) -> None:
        self._backend.add_handler(fd, handler, events)

    def update_handler(self, fd: int | HasFileno, events: int, /) -> None:
        self._backend.update_handler(fd, events)

    def remove_handler(self, fd: int | HasFileno, /) -> None:
        self._backend.remove_handler(fd)

    def add_callback(self, callback: Callable[P, object], /, *args: P.args, **kwargs: P.kwargs) -> None:
        self._backend.add_callback(callback, *args, **kwargs)

    def call_at(self, when: float, callback: Callable[P, object], /, *args: P.args, **kwargs: P.kwargs) -> Timer:
        return self._backend.call_at(when, callback, *args, **kwargs)

    def call_later(self, delay: float, callback: Callable[P, object], /, *args: P.args, **kwargs: P.kwargs) -> Timer:
        return self._backend.call_later(delay, callback, *args, **kwargs)

    def create_future(self) -> Promise[Any]:
        return self._backend.create_future()

    def spawn(self, coro: Coroutine[Any, Any, T], /, *, name: str | None = None) -> Task[T]:
        return self._backend.spawn(coro, name=name)

    def cancel_scope(self, *, deadline: float = float("inf"), shield: bool = False) -> CancelScope:
        return self._backend.cancel_scope(deadline=deadline, shield=shield)

    def run_in_executor(self, executor: Executor | None, func: Callable[[*Ts], T], /, *args: *Ts) -> Future[T]:
        return self._backend.run_in_executor(executor, func, *args)
