"""The backend on Trio (extra ``trio``): a Trio program of its own, or a part of one that runs already.

What is spawned is a Trio task, so that cancelling, nurseries and Trio's libraries work in it as ever.
A run ends with its tasks; descriptors, timers and callbacks are kept for the next.
"""

from __future__ import annotations

import math
import os
import signal
import threading
import time
from contextlib import suppress
from contextvars import copy_context
from typing import TYPE_CHECKING, Any, Final

import trio

from .._capability import Capability
from ._trio_forking import separate
from ._trio_serving import Callbacks, Descriptors, Timers, TrioTimer
from ._trio_tasks import TrioCancelScope, TrioFuture, TrioTask, only

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine
    from concurrent.futures import Executor, ThreadPoolExecutor
    from concurrent.futures import Future as ThreadFuture
    from contextvars import Context

    from .._insight import Counts
    from .._ioloop import IOLoop
    from ..protocols import F, HasFileno, P, R, T, Ts

_CAPABILITIES: Final = frozenset(
    (
        Capability.SOCKETS,
        Capability.THREADS,
        Capability.SIGNALS,
        Capability.FORK,
        Capability.REAL_TIME,
        Capability.COMBINED_EVENTS,
    )
)

_backend_of_run: Final[trio.lowlevel.RunVar[TrioBackend | None]] = trio.lowlevel.RunVar("eyewall", default=None)


class LoopClock(trio.abc.Clock):
    """A clock that is the same in each run, and between them."""

    def start_clock(self) -> None:
        """Do nothing: it goes already."""

    def current_time(self) -> float:
        """Return the seconds of the machine's monotonic clock."""
        return time.monotonic()

    def deadline_to_sleep_time(self, deadline: float) -> float:
        """Tell how long to sleep."""
        return deadline - time.monotonic()


class TrioBackend:
    """An :class:`~eyewall.ioloop.Backend` that runs Trio, or with ``host`` lives in the Trio program around it."""

    def __init__(self, *, host: trio.abc.Clock | None = None) -> None:
        self.io_loop: IOLoop | None = None
        self.name: Final = "trio"
        self.capabilities: Final = _CAPABILITIES
        self._clock: Final = host or LoopClock()
        self.time: Callable[[], float] = time.monotonic if host is None else host.current_time
        self._callbacks: Final = Callbacks(self._fatal)
        self._timers: Final = Timers(self._callbacks, self.time)
        self._descriptors: Final = Descriptors(self._callbacks)
        self._tasks: set[TrioTask[Any]] = set()
        self._not_begun: list[tuple[TrioTask[Any], Context]] = []
        self._nursery: trio.Nursery | None = None
        self._serving: trio.Nursery | None = None
        self._token: trio.lowlevel.TrioToken | None = None
        self._thread = 0
        self._is_guest = False
        self._stopping = False
        self._stopped = trio.Event()
        self._raised: BaseException | None = None
        self._executor: ThreadPoolExecutor | None = None
        self._closed = False

    # Descriptors, callbacks, timers

    def add_handler(self, fd: F, handler: Callable[[F, int], object], events: int, /) -> None:
        self._descriptors.add(fd, handler, events)

    def update_handler(self, fd: int | HasFileno, events: int, /) -> None:
        self._descriptors.update(fd, events)

    def remove_handler(self, fd: int | HasFileno, /) -> None:
        self._descriptors.remove(fd)

    def add_callback(self, callback: Callable[P, object], /, *args: P.args, **kwargs: P.kwargs) -> None:
        if threading.get_ident() != self._thread:
            self.add_callback_from_signal(callback, *args, **kwargs)
        elif not self._closed:
            self._callbacks.add(copy_context(), callback, *args, **kwargs)

    def add_callback_from_signal(self, callback: Callable[P, object], /, *args: P.args, **kwargs: P.kwargs) -> None:
        if self._closed:
            return
        self._callbacks.put(copy_context(), callback, args, kwargs)
        if (token := self._token) is not None:
            with suppress(trio.RunFinishedError):  # it waits for the next run
                token.run_sync_soon(self._callbacks.wake, idempotent=True)

    def call_at(self, when: float, callback: Callable[P, object], /, *args: P.args, **kwargs: P.kwargs) -> TrioTimer:
        return self._timers.add(when, callback, args, kwargs)

    def call_later(
        self, delay: float, callback: Callable[P, object], /, *args: P.args, **kwargs: P.kwargs
    ) -> TrioTimer:
        return self._timers.add(self.time() + delay, callback, args, kwargs)

    # Futures and tasks

    def create_future(self) -> TrioFuture[Any]:
        return TrioFuture(self._callbacks)

    def spawn(self, coro: Coroutine[Any, Any, T], /, *, name: str | None = None) -> TrioTask[T]:
        task = TrioTask(self._callbacks, coro, name, self._fatal)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        self._begin(task)
        return task

    def _begin(self, task: TrioTask[Any]) -> None:
        if self._nursery is not None:
            with suppress(RuntimeError):  # the last task of this run has just ended
                self._nursery.start_soon(task.run, name=task.get_name())
                return
        self._not_begun.append((task, copy_context()))

    def tasks(self) -> list[TrioTask[Any]]:
        """Return those that have not ended."""
        return [task for task in self._tasks if not task.done()]

    def counts(self) -> Counts:
        from .._insight import Counts

        return Counts(self._descriptors.count(), self._timers.count(), len(self.tasks()))

    def cancel_scope(self, *, deadline: float = math.inf, shield: bool = False) -> TrioCancelScope:
        return TrioCancelScope(self._in_callback, deadline, shield)

    def cancelling(self) -> bool:
        return not self._in_callback() and trio.current_effective_deadline() <= trio.current_time()

    def lend_task(self, call: Callable[[T], R], /) -> Callable[[T], R] | None:
        """Return none: it is Trio that knows which task runs, and it takes nobody's word for it."""
        return None

    def _in_callback(self) -> bool:
        return trio.lowlevel.current_task().parent_nursery is self._serving

    def run_in_executor(self, executor: Executor | None, func: Callable[[*Ts], T], /, *args: *Ts) -> TrioFuture[T]:
        promise: TrioFuture[T] = self.create_future()
        job = (executor or self._own_executor()).submit(func, *args)

        def answer() -> None:
            if promise.done():
                return
            try:
                promise.set_result(job.result())
            except BaseException as error:  # noqa: BLE001 - also that the executor was shut down, and the job cancelled
                promise.set_exception(error)

        def told(_: ThreadFuture[T]) -> None:
            self.add_callback(answer)

        job.add_done_callback(told)
        promise.add_done_callback(lambda _: job.cancel())
        return promise

    def _own_executor(self) -> Executor:
        if self._executor is None:
            from concurrent.futures import ThreadPoolExecutor

            self._executor = ThreadPoolExecutor(thread_name_prefix="eyewall")
        return self._executor

    # Runs

    def start(self) -> None:
        try:
            trio.run(self._run, clock=self._clock)
        except BaseExceptionGroup as group:
            raise only(group) from None
        finally:
            self._stopping = False
            raised, self._raised = self._raised, None
        if raised is not None:
            raise raised

    def join(self) -> None:
        """Become a part of the Trio program that runs, until that ends."""
        self._is_guest = True
        self._enter()
        trio.lowlevel.spawn_system_task(self._run, name="eyewall")

    def _enter(self) -> None:
        self._token = trio.lowlevel.current_trio_token()
        self._thread = threading.get_ident()
        self._stopped = trio.Event()
        _backend_of_run.set(self)

    def _leave(self) -> None:
        if self._is_guest:
            self._discard_tasks()
        self._token = None
        self._thread = 0
        _backend_of_run.set(None)

    async def _run(self) -> None:
        self._enter()
        serving = trio.CancelScope(shield=True)
        try:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(self._serve, serving)
                try:
                    await self._run_tasks()
                finally:
                    serving.cancel()  # not before: tasks that clean up want to be called back
        finally:
            self._leave()

    async def _serve(self, scope: trio.CancelScope) -> None:
        with scope:
            async with trio.open_nursery() as self._serving:
                self._serving.start_soon(self._callbacks.serve, self._after_turn)
                self._serving.start_soon(self._timers.serve)
                self._serving.start_soon(self._descriptors.serve)

    async def _run_tasks(self) -> None:
        try:
            async with trio.open_nursery() as self._nursery:
                for task, context in self._take_not_begun():
                    context.run(self._begin, task)
                await self._stopped.wait()
                self._nursery.cancel_scope.cancel()
        finally:
            self._nursery = None

    def _take_not_begun(self) -> list[tuple[TrioTask[Any], Context]]:
        taken, self._not_begun = self._not_begun, []
        return taken

    def _after_turn(self) -> None:
        if self._stopping:
            self._stopped.set()

    def stop(self) -> None:
        self._stopping = True
        self._callbacks.wake()

    def is_running(self) -> bool:
        return self._token is not None

    def _fatal(self, error: BaseException) -> None:
        """End the run with an error."""
        error = only(error)
        if not self._is_guest:
            self._raised = self._raised or error
            self._stopped.set()
        elif isinstance(error, KeyboardInterrupt) and threading.current_thread() is threading.main_thread():
            _interrupt_main_task()
        else:
            raise error

    def make_current(self) -> None:
        """Do nothing: Trio knows the loop that runs, and no other."""

    def clear_current(self) -> None:
        """Do nothing."""

    def shutdown(self) -> None:
        if self._not_begun:  # all others have ended with their run
            self._discard_tasks()
            self.stop()
            self.start()  # for those who wait to be told
        if self._executor is not None:
            self._executor.shutdown()
            self._executor = None

    def _discard_tasks(self) -> None:
        for task, _ in self._take_not_begun():
            task.discard()

    def close(self, *, all_fds: bool = False) -> None:
        self._closed = True
        self._discard_tasks()
        self._callbacks.clear()
        self._timers.clear()
        self._descriptors.close(all_fds=all_fds)
        if self._executor is not None:
            self._executor.shutdown(wait=False)


def _separate_after_fork() -> None:
    with suppress(RuntimeError):  # none runs
        if _backend_of_run.get() is not None:
            separate()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_separate_after_fork)


@trio.lowlevel.enable_ki_protection
def _interrupt_main_task() -> None:
    # Trio gives an interrupt that comes within protected code to the main task of the program.
    signal.raise_signal(signal.SIGINT)


def running() -> TrioBackend | None:
    """Return the backend of the Trio program that runs in this thread, be it started by eyewall or not."""
    try:
        known = _backend_of_run.get()
    except RuntimeError:  # none runs
        return None
    if known is None:
        known = TrioBackend(host=trio.lowlevel.current_clock())
        known.join()
    return known
