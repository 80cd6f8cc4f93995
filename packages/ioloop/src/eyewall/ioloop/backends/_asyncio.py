"""The backend around an asyncio event loop: asyncio's own, uvloop's, or any other of that shape."""

from __future__ import annotations

import asyncio
import functools
import math
import operator
import sys
from contextvars import Context
from types import MethodType
from typing import TYPE_CHECKING, Any, Final

from .._capability import Capability
from .._events import READ, WRITE
from ..protocols import F, P, R, T, Ts
from ._cancel import AsyncioCancelScope
from ._forking import keep_apart
from ._watching import close_descriptor, number_of

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine
    from concurrent.futures import Executor

    from .._insight import Counts
    from .._ioloop import IOLoop
    from ..protocols import HasFileno, Promise, Timer

# Where an asyncio loop keeps its backend. A weak dictionary would keep both for ever, since the
# backend refers to the loop.
_ATTRIBUTE: Final = "_eyewall_backend"

# In a forked child. An asyncio loop that is collected closes itself.
_loops_of_the_parent: Final[list[asyncio.AbstractEventLoop]] = []

ALL: Final = frozenset(
    (
        Capability.SOCKETS,
        Capability.THREADS,
        Capability.SIGNALS,
        Capability.FORK,
        Capability.SURVIVES_RUNS,
        Capability.REAL_TIME,
        Capability.ASYNCIO,
        Capability.ASYNCIO_TRANSPORTS,
    )
)


class Watch:
    """A descriptor, as it was given, with its handler."""

    __slots__ = ("events", "given", "handler")

    def __init__(self, given: Any, handler: Callable[[Any, int], object]) -> None:
        self.given = given
        self.handler = handler
        self.events = 0


class AsyncioBackend:
    """An :class:`~eyewall.ioloop.Backend` over one asyncio loop; by default over a new one."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop | None = None,
        *,
        name: str = "asyncio",
        capabilities: frozenset[str] = ALL,
    ) -> None:
        loop = asyncio.new_event_loop() if loop is None else loop
        if getattr(loop, _ATTRIBUTE, None) is not None:
            raise RuntimeError(f"{loop!r} has an IOLoop already; inside it, IOLoop.current() gives that one")
        # Not by vars(loop): that would make every further look at an attribute of the loop slower.
        setattr(loop, _ATTRIBUTE, self)
        self.asyncio_loop: asyncio.AbstractEventLoop = loop
        self.io_loop: IOLoop | None = None
        self.name: Final = name
        self.capabilities: Final = capabilities
        self.time: Callable[[], float] = loop.time
        self.create_future: Callable[[], Promise[Any]] = loop.create_future
        self._watched: dict[int, Watch] = {}
        self._scopes: dict[asyncio.Task[Any], AsyncioCancelScope] = {}
        # asyncio itself refers to them weakly. A dict: a set of ten thousand takes twice the memory.
        self._tasks: dict[asyncio.Task[Any], None] = {}
        self._forget_task: Final = self._forget
        self._no_variables: Final = Context()
        self._lend: Final = _lender(loop)
        keep_apart(self)

    def add_handler(self, fd: F, handler: Callable[[F, int], object], events: int, /) -> None:
        number = number_of(fd)
        if number in self._watched:
            raise ValueError(f"descriptor {number} has a handler already; call remove_handler first")
        self._watched[number] = watch = Watch(fd, handler)
        try:
            self._set_events(number, watch, events)
        except BaseException:
            del self._watched[number]
            raise

    def update_handler(self, fd: int | HasFileno, events: int, /) -> None:
        number = number_of(fd)
        if (watch := self._watched.get(number)) is None:
            raise ValueError(f"descriptor {number} has no handler; call add_handler first")
        self._set_events(number, watch, events)

    def remove_handler(self, fd: int | HasFileno, /) -> None:
        number = number_of(fd)
        if (watch := self._watched.pop(number, None)) is not None:
            self._set_events(number, watch, 0)

    def _set_events(self, number: int, watch: Watch, events: int) -> None:
        # The loop calls the handler itself: a wrapper would cost every event of every connection.
        changed = events ^ watch.events
        if changed & READ:
            if events & READ:
                self.asyncio_loop.add_reader(number, watch.handler, watch.given, READ)
            else:
                self.asyncio_loop.remove_reader(number)
        if changed & WRITE:
            if events & WRITE:
                self.asyncio_loop.add_writer(number, watch.handler, watch.given, WRITE)
            else:
                self.asyncio_loop.remove_writer(number)
        watch.events = events

    def add_callback(self, callback: Callable[P, object], /, *args: P.args, **kwargs: P.kwargs) -> None:
        if asyncio._get_running_loop() is self.asyncio_loop:
            call, rest = _plain(callback, args, kwargs)
            self.asyncio_loop.call_soon(call, *rest)
        else:
            self.add_callback_from_signal(callback, *args, **kwargs)

    def add_callback_from_signal(self, callback: Callable[P, object], /, *args: P.args, **kwargs: P.kwargs) -> None:
        call, rest = _plain(callback, args, kwargs)
        try:
            self.asyncio_loop.call_soon_threadsafe(call, *rest)
        except RuntimeError:
            # Another thread cannot know when the loop is closed; as in Tornado, its call is dropped.
            if not self.asyncio_loop.is_closed():
                raise

    def call_at(self, when: float, callback: Callable[P, object], /, *args: P.args, **kwargs: P.kwargs) -> Timer:
        call, rest = _plain(callback, args, kwargs)
        return self.asyncio_loop.call_at(when, call, *rest)

    def call_later(self, delay: float, callback: Callable[P, object], /, *args: P.args, **kwargs: P.kwargs) -> Timer:
        return self.call_at(self.time() + delay, callback, *args, **kwargs)

    def spawn(self, coro: Coroutine[Any, Any, T], /, *, name: str | None = None) -> asyncio.Task[T]:
        task = self.asyncio_loop.create_task(coro, name=name)
        self._tasks[task] = None
        # One method and one context for all tasks: a connection that is idle keeps neither for itself.
        task.add_done_callback(self._forget_task, context=self._no_variables)
        return task

    def _forget(self, task: asyncio.Task[Any]) -> None:
        self._tasks.pop(task, None)
        # Not by exception(), which takes any failure for noticed: that of the program's end is start()'s to raise.
        if isinstance(getattr(task, "_exception", None), (KeyboardInterrupt, SystemExit)):
            task.exception()

    def tasks(self) -> set[asyncio.Task[Any]]:
        """Return those that have not ended."""
        return asyncio.all_tasks(self.asyncio_loop)

    def cancel_scope(self, *, deadline: float = math.inf, shield: bool = False) -> AsyncioCancelScope:
        return AsyncioCancelScope(self.asyncio_loop, self._scopes, deadline, shield)

    def cancelling(self) -> bool:
        task = asyncio.current_task(self.asyncio_loop)
        return task is not None and task.cancelling() > 0

    def lend_task(self, call: Callable[[T], R], /) -> Callable[[T], R] | None:
        task = asyncio.current_task(self.asyncio_loop)
        return None if task is None else self._lend(task, call)

    def run_in_executor(self, executor: Executor | None, func: Callable[[*Ts], T], /, *args: *Ts) -> asyncio.Future[T]:
        return self.asyncio_loop.run_in_executor(executor, func, *args)

    def start(self) -> None:
        try:
            self.asyncio_loop.run_forever()
        except (KeyboardInterrupt, SystemExit):
            for task in [task for task in self._tasks if task.done()]:
                self._forget(task)  # its callbacks would run in the next turn, which may never come
            raise

    def stop(self) -> None:
        self.asyncio_loop.stop()

    def is_running(self) -> bool:
        return self.asyncio_loop.is_running()

    def counts(self) -> Counts:
        from .._insight import Counts

        return Counts(len(self._watched), self._count_timers(), len(asyncio.all_tasks(self.asyncio_loop)))

    def _count_timers(self) -> int | None:
        # Where asyncio's own loop keeps them; other loops of its shape keep theirs to themselves.
        scheduled: list[asyncio.TimerHandle] | None = getattr(self.asyncio_loop, "_scheduled", None)
        return None if scheduled is None else sum(not timer.cancelled() for timer in scheduled)

    def make_current(self) -> None:
        asyncio.set_event_loop(self.asyncio_loop)

    def clear_current(self) -> None:
        if _set_loop() is self.asyncio_loop:
            asyncio.set_event_loop(None)

    def shutdown(self) -> None:
        loop = self.asyncio_loop
        left = self.tasks()
        for task in left:
            task.cancel()
        if left:
            loop.run_until_complete(asyncio.gather(*left, return_exceptions=True))
        for task in left:
            if not task.cancelled() and (error := task.exception()) is not None:
                message = "unhandled exception while the loop was shut down"
                loop.call_exception_handler({"message": message, "exception": error, "task": task})
        loop.run_until_complete(loop.shutdown_asyncgens())
        loop.run_until_complete(loop.shutdown_default_executor())

    def close(self, *, all_fds: bool = False) -> None:
        for number, watch in list(self._watched.items()):
            self.remove_handler(number)
            if all_fds:
                close_descriptor(watch.given)
        self.asyncio_loop.close()

    def after_fork(self) -> None:
        """Forget the descriptors, and keep the loop beneath: it would unregister what it watches for the parent too."""
        self._watched.clear()
        _loops_of_the_parent.append(self.asyncio_loop)


def _lender(loop: asyncio.AbstractEventLoop) -> Callable[[asyncio.Task[Any], Callable[[T], R]], Callable[[T], R]]:
    """Make the function that lends tasks of this loop: what all of them need, none has for itself."""
    # What asyncio has for other implementations of tasks: see "Extending" in its documentation.
    enter, leave = asyncio._enter_task, asyncio._leave_task

    def call_in_task(lent: tuple[asyncio.Task[Any], Callable[[Any, T], R], object], given: T) -> R:
        task, function, owner = lent
        enter(loop, task)
        try:
            return function(owner, given)
        finally:
            leave(loop, task)

    def lend(task: asyncio.Task[Any], call: Callable[[T], R]) -> Callable[[T], R]:
        # As if it were a method of these three: a function of its own would take a connection 208 bytes more, and
        # the method that is lent 64.
        if isinstance(call, MethodType):
            return MethodType(call_in_task, (task, call.__func__, call.__self__))
        return MethodType(call_in_task, (task, operator.call, call))

    return lend


def _plain(
    callback: Callable[..., object], args: tuple[Any, ...], kwargs: dict[str, Any]
) -> tuple[Callable[..., object], tuple[Any, ...]]:
    """Return a call in the form that asyncio takes: without keyword arguments."""
    return (functools.partial(callback, *args, **kwargs), ()) if kwargs else (callback, args)


def backend_over(
    loop: asyncio.AbstractEventLoop, *, name: str = "asyncio", capabilities: frozenset[str] = ALL
) -> AsyncioBackend:
    """Make a backend over a given loop. Raises ``RuntimeError`` if it has one."""
    from ._uvloop import is_uvloop, over_uvloop

    over = over_uvloop if is_uvloop(loop) else AsyncioBackend
    return over(loop, name=name, capabilities=capabilities)


def _backend_of(loop: asyncio.AbstractEventLoop) -> AsyncioBackend:
    known: AsyncioBackend | None = getattr(loop, _ATTRIBUTE, None)
    return backend_over(loop) if known is None else known


def running() -> AsyncioBackend | None:
    """Return the backend of the asyncio loop that runs in this thread."""
    loop = asyncio._get_running_loop()
    return None if loop is None else _backend_of(loop)


def already_set() -> AsyncioBackend | None:
    """Return the backend of the open asyncio loop that was set in this thread and does not run."""
    loop = _set_loop()
    return None if loop is None or loop.is_closed() else _backend_of(loop)


def _set_loop() -> asyncio.AbstractEventLoop | None:
    if sys.version_info >= (3, 14):
        try:
            return asyncio.get_event_loop()
        except RuntimeError:
            return None
    # Before 3.14 get_event_loop makes a loop where none was set, or warns: look without touching.
    policy = asyncio.get_event_loop_policy()  # pyright: ignore[reportDeprecated] - so it is, from 3.14 on
    local = getattr(policy, "_local", None)
    loop: asyncio.AbstractEventLoop | None = getattr(local, "_loop", None)
    return loop
