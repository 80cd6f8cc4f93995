"""IOLoop: one class with Tornado's names over whatever backend was chosen."""

from __future__ import annotations

import functools
import os
import threading
import time
from typing import TYPE_CHECKING, Any, Final, Literal, overload

from ._callbacks import follow, log_failure
from ._capability import Capability
from ._events import ERROR, NONE, READ, WRITE
from ._threshold import wanted_threshold
from .backends import (
    backend_over,
    describe_tasks,
    is_hosted,
    is_over_asyncio,
    make_backend,
    running_backend,
    set_backend,
)
from .errors import BadYieldError
from .protocols import F, P, R, T, Ts

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Coroutine
    from concurrent.futures import Executor
    from concurrent.futures import Future as ThreadFuture
    from datetime import timedelta

    from ._insight import Counts, Insight
    from ._signals import SignalHandlers
    from .backends import AsyncioLoop, HostedBackend
    from .protocols import Backend, CancelScope, Future, HasFileno, Promise, Task, Timer

DEFAULT_BACKEND: Final = "asyncio"
VARIABLE: Final = "EYEWALL_IOLOOP"


class _Current(threading.local):
    io_loop: IOLoop | None = None


_current = _Current()


class IOLoop:
    """An event loop: watches descriptors, calls back, runs timers and tasks.

    ``IOLoop.current()`` is the usual way to get one; ``IOLoop(make_current=False)`` creates another one, for instance
    for another thread. Except for :meth:`add_callback` and :meth:`add_callback_from_signal`, all methods must be
    called in the thread that runs the loop::

        io_loop = IOLoop.current()
        io_loop.call_later(1.5, print, "a second and a half later")
        io_loop.start()
    """

    NONE: Final = NONE
    READ: Final = READ
    WRITE: Final = WRITE
    ERROR: Final = ERROR

    _configured: str | None = None

    def __init__(
        self,
        make_current: bool = True,
        *,
        backend: str | Backend | None = None,
        asyncio_loop: AsyncioLoop | None = None,
    ) -> None:
        """Create a loop and, by default, make it the current one of this thread.

        ``backend`` is a name, or a backend itself. Without it, the name is the one given to :meth:`configure`, or the
        environment variable ``EYEWALL_IOLOOP``, or ``"asyncio"``. ``asyncio_loop`` is an existing loop to be wrapped
        instead; ``RuntimeError`` is raised if it already has an IOLoop.
        """
        threshold = wanted_threshold()
        held = self._choose(backend) if asyncio_loop is None else backend_over(asyncio_loop)
        self._backend: Final[Backend] = held
        self._pid: Final = os.getpid()
        self._closed = False
        self._executor: Executor | None = None
        self.insight: Insight | None = None
        """The result of the last :meth:`watch`."""
        self._signals: SignalHandlers | None = None
        # Bound methods of the backend itself: streams and servers call these two all the time.
        self.time: Callable[[], float] = held.time
        """Return the seconds on the loop's clock, which never goes backwards; its zero has no meaning."""
        self.create_future: Callable[[], Promise[Any]] = held.create_future
        """Create a promise that tasks of this loop can await, with ``set_result`` and ``set_exception``."""
        if Capability.GUARDS_CALLBACKS in held.capabilities and type(self).add_callback is IOLoop.add_callback:
            # The same for this one: it hides the method, whose work such a backend does by itself. Type checkers
            # see the method; and vars(self) would make every further look at an attribute take longer.
            for name in ("add_callback", "spawn_callback"):
                setattr(self, name, held.add_callback)
        if is_hosted(held):
            held.io_loop = self
        if make_current:
            self.make_current()
        if threshold and Capability.THREADS in held.capabilities:
            self.watch(threshold)

    @classmethod
    def configure(cls, backend: str | None) -> None:
        """Choose, by name, the backend of every IOLoop created from now on; None restores the default."""
        IOLoop._configured = backend

    @overload
    @staticmethod
    def current(instance: Literal[True] = True) -> IOLoop: ...
    @overload
    @staticmethod
    def current(instance: bool) -> IOLoop | None: ...
    @staticmethod
    def current(instance: bool = True) -> IOLoop | None:
        """Return the IOLoop of this thread: the one that is running, or else the one that was made current.

        Inside a running asyncio loop or Trio program that eyewall did not start, it is an IOLoop on that loop, always
        the same one. If there is none, one is created; with ``instance=False``, None is returned instead.
        """
        hosted = running_backend()
        found = IOLoop._made_current() if hosted is None else hosted.io_loop
        if found is not None or not instance:
            return found
        hosted = hosted or IOLoop._adoptable()
        return IOLoop() if hosted is None else IOLoop(make_current=False, backend=hosted)

    instance = current

    @staticmethod
    def _choose(backend: str | Backend | None) -> Backend:
        name = IOLoop._configured or os.environ.get(VARIABLE) or DEFAULT_BACKEND if backend is None else backend
        return make_backend(name) if isinstance(name, str) else name

    @staticmethod
    def _made_current() -> IOLoop | None:
        """Return the usable loop that was made current in this thread, by eyewall's means or asyncio's."""
        known = _current.io_loop
        if known is not None and not known._usable():
            known = None
        if known is None or is_over_asyncio(known._backend):
            hosted = IOLoop._adoptable()
            # Whoever calls asyncio.set_event_loop after make_current has the last word, as in Tornado.
            return known if hosted is None else hosted.io_loop
        return known

    @staticmethod
    def _adoptable() -> HostedBackend | None:
        hosted = set_backend()
        if hosted is None or (hosted.io_loop is not None and not hosted.io_loop._usable()):
            return None
        return hosted

    def _usable(self) -> bool:
        return not self._closed and self._pid == os.getpid()

    def make_current(self) -> None:
        """Make this the loop that :meth:`current` returns in this thread while none is running."""
        _current.io_loop = self
        self._backend.make_current()

    install = make_current

    @staticmethod
    def clear_current() -> None:
        """Forget the current loop of this thread, for instance between two tests. It is not closed."""
        if (known := IOLoop._made_current()) is not None:
            known._backend.clear_current()
        _current.io_loop = None

    clear_instance = clear_current

    @property
    def asyncio_loop(self) -> AsyncioLoop:
        """The underlying asyncio loop. Raises ``RuntimeError`` on a backend that has none."""
        if is_over_asyncio(self._backend):
            return self._backend.asyncio_loop
        raise RuntimeError(f"the backend {self._backend.name!r} has no asyncio loop; choose an asyncio backend")

    @property
    def selector_loop(self) -> AsyncioLoop:
        """Tornado's name for the asyncio loop that has ``add_reader``; here it is the same loop."""
        return self.asyncio_loop

    @property
    def backend_name(self) -> str:
        """The name of the backend, such as ``"asyncio"``."""
        return self._backend.name

    @property
    def capabilities(self) -> frozenset[str]:
        """What the backend can do: names from :class:`~eyewall.ioloop.Capability`."""
        return self._backend.capabilities

    def is_running(self) -> bool:
        """True between the beginning and the end of :meth:`start`. Safe from any thread."""
        return self._backend.is_running()

    def start(self) -> None:
        """Run until :meth:`stop` is called.

        Raises ``RuntimeError`` if this loop or another is already running in this thread, if the loop is closed, and
        in a process that was forked after the loop was created.
        """
        self._check_can_start()
        before, _current.io_loop = _current.io_loop, self
        try:
            self._backend.start()
        finally:
            _current.io_loop = before

    def _check_can_start(self) -> None:
        if self._closed:
            raise RuntimeError("this IOLoop is closed; make a new one")
        if self._pid != os.getpid():
            raise RuntimeError(
                f"this IOLoop was made by process {self._pid}, before the fork, and shares its descriptors; "
                "make the loop, and what uses it, after the fork"
            )
        if self._backend.is_running():
            raise RuntimeError("this IOLoop runs already; inside it, await or spawn() instead of starting it again")
        if running_backend() is not None:
            raise RuntimeError("another loop runs in this thread already; await in that one, or use another thread")

    def stop(self) -> None:
        """Make :meth:`start` return after this turn; before a start, make it return after one turn.

        From another thread, use ``io_loop.add_callback(io_loop.stop)``.
        """
        self._backend.stop()

    @overload
    def run_sync(self, func: Callable[[], Awaitable[T]], timeout: float | None = None) -> T: ...
    @overload
    def run_sync(self, func: Callable[[], None], timeout: float | None = None) -> None: ...
    def run_sync(self, func: Callable[[], Awaitable[T] | None], timeout: float | None = None) -> T | None:
        """Start the loop, call a function in a task, await what it returns, and stop the loop.

        Returns the result, or raises the exception, of ``func``. Raises ``TimeoutError`` if that takes longer than
        ``timeout`` seconds (``func`` is then cancelled); ``RuntimeError`` if the loop is stopped before it has
        finished; :class:`~eyewall.ioloop.BadYieldError` if ``func`` returns neither an awaitable nor None.
        """
        self._check_can_start()
        # Not redundant for those who have no type checker, and know asyncio.run.
        if not callable(func):  # pyright: ignore[reportUnnecessaryComparison]
            getattr(func, "close", bool)()
            raise TypeError(f"{func!r} cannot be called: give the function itself, run(main) and not run(main())")
        task = self.spawn(self._call_within(func, timeout), name="run_sync")
        waiting = True

        def finish(_: object) -> None:
            if waiting:
                self.stop()

        task.add_done_callback(finish)
        try:
            self.start()
        except BaseException:
            task.cancel()
            raise
        finally:
            waiting = False
        if not task.done():
            task.cancel()
            raise RuntimeError("Event loop stopped before the function given to run_sync had ended")
        return task.result()

    async def _call_within(self, func: Callable[[], Awaitable[T] | None], timeout: float | None) -> T | None:
        deadline = float("inf") if timeout is None else self.time() + timeout
        with self.cancel_scope(deadline=deadline):
            result = func()
            if result is None:
                return None
            if not hasattr(result, "__await__"):
                raise BadYieldError(f"run_sync takes a function that returns an awaitable or None, not {result!r}")
            return await result
        raise TimeoutError(f"Operation timed out after {timeout} seconds")

    def shutdown(self) -> None:
        """Cancel the remaining tasks and wait until they, async generators and executor jobs have ended.

        ``asyncio.run`` does the same at its end; :meth:`close` does not. Not allowed while the loop runs.
        """
        self._check_can_start()
        self._backend.shutdown()

    def close(self, all_fds: bool = False) -> None:
        """Free the resources of the loop; with ``all_fds`` also close every descriptor that has a handler.

        What was given to :meth:`add_handler` is closed: an object by its own ``close``, and a number directly, in
        which case an object that still has this number may later close somebody else's descriptor. Raises
        ``RuntimeError`` while the loop runs. Idempotent. In a process that was forked after the loop was created,
        nothing is freed: the descriptors go when that process ends.
        """
        if self._closed:
            return
        if self._backend.is_running():
            raise RuntimeError("this IOLoop runs; call stop() and close it when start() has returned")
        self._closed = True
        if self.insight is not None and self._pid == os.getpid():
            self.insight.stop()
        if _current.io_loop is self:
            _current.io_loop = None
        self._backend.clear_current()
        # What the kernel watches is one with the parent's: a child that unregisters takes it from the parent.
        if self._pid == os.getpid():
            if self._signals is not None:
                self._signals.clear()
            self._backend.close(all_fds=all_fds)

    def add_handler(self, fd: F, handler: Callable[[F, int], object], events: int) -> None:
        """Call ``handler(fd, events)`` whenever the descriptor is ready, until it is removed.

        ``fd`` is a number or a file object, and is passed to the handler as given here. ``events`` is a sum of
        ``READ``, ``WRITE`` and ``ERROR``. Readiness is level-triggered: a handler that leaves bytes unread is called
        again. Raises ``ValueError`` for a descriptor that already has a handler.
        """
        self._backend.add_handler(fd, handler, events)

    def update_handler(self, fd: int | HasFileno, events: int) -> None:
        """Change what a descriptor is watched for; 0 keeps its handler and watches nothing.

        Raises ``ValueError`` for a descriptor without a handler.
        """
        self._backend.update_handler(fd, events)

    def remove_handler(self, fd: int | HasFileno) -> None:
        """Stop watching; the handler is not called again, not even for events already seen.

        Does nothing for a descriptor without a handler.
        """
        self._backend.remove_handler(fd)

    def add_callback(self, callback: Callable[P, object], /, *args: P.args, **kwargs: P.kwargs) -> None:
        """Call a function in the next turn of the loop; functions are called in order. Safe from any thread.

        Its exceptions are logged. If it returns an awaitable, as an ``async def`` does, the awaitable is run as a
        task, whose failure is logged.
        """
        self._backend.add_callback(self._run, callback, *args, **kwargs)

    spawn_callback = add_callback

    def add_callback_from_signal(self, callback: Callable[P, object], /, *args: P.args, **kwargs: P.kwargs) -> None:
        """Like :meth:`add_callback`, but from a signal handler."""
        self._backend.add_callback_from_signal(self._run, callback, *args, **kwargs)

    def add_signal_handler(
        self, signum: int, callback: Callable[P, object], /, *args: P.args, **kwargs: P.kwargs
    ) -> None:
        """Call a function in a turn of the loop whenever this process gets the signal, instead of its usual effect.

        Several signals of one kind in quick succession may result in one call. A second handler for a signal replaces
        the first. Raises ``RuntimeError`` outside the main thread, and on a backend that lacks the capability
        ``signals``; ``ValueError`` for a signal that cannot be handled::

            io_loop.add_signal_handler(signal.SIGTERM, io_loop.stop)
        """
        if Capability.SIGNALS not in self._backend.capabilities:
            raise RuntimeError(
                f"the backend {self._backend.name!r} does not support signals; call the handler yourself"
            )
        if self._signals is None:
            from ._signals import SignalHandlers

            self._signals = SignalHandlers(self._backend)
        self._signals.add(signum, functools.partial(self._run, callback, *args, **kwargs))

    def remove_signal_handler(self, signum: int) -> bool:
        """Restore the previous effect of a signal; False if it has no handler on this loop.

        :meth:`close` does so for all signals. Raises ``RuntimeError`` outside the main thread.
        """
        return self._signals is not None and self._signals.remove(signum)

    def call_at(self, when: float, callback: Callable[P, object], /, *args: P.args, **kwargs: P.kwargs) -> Timer:
        """Call a function once, when :meth:`time` has reached ``when``; a time in the past means the next turn."""
        return self._backend.call_at(when, self._run, callback, *args, **kwargs)

    def call_later(self, delay: float, callback: Callable[P, object], /, *args: P.args, **kwargs: P.kwargs) -> Timer:
        """Call a function once, ``delay`` seconds from now."""
        return self._backend.call_later(delay, self._run, callback, *args, **kwargs)

    def add_timeout(
        self, deadline: float | timedelta, callback: Callable[P, object], /, *args: P.args, **kwargs: P.kwargs
    ) -> Timer:
        """Call a function once, at a time on the clock of :meth:`time`, or after a ``timedelta``.

        Tornado's clock is ``time.time()`` by default. A deadline computed from that clock is recognised, because it
        is years away from any time on this loop's clock, and means the same moment here.
        """
        return self.call_at(self._moment(deadline), callback, *args, **kwargs)

    def _moment(self, deadline: float | timedelta) -> float:
        now = self.time()
        if isinstance(deadline, (int, float)):
            from_wall_clock = deadline - time.time()
            return now + from_wall_clock if abs(from_wall_clock) < abs(deadline - now) else deadline
        if hasattr(deadline, "total_seconds"):
            return now + deadline.total_seconds()
        raise TypeError(f"a deadline is a number of seconds or a timedelta, not {deadline!r}")

    def remove_timeout(self, timeout: Timer) -> None:
        """Cancel a call that was scheduled with :meth:`call_at` and the like, if it has not been made yet."""
        timeout.cancel()

    @overload
    def add_future(self, future: ThreadFuture[T], callback: Callable[[ThreadFuture[T]], object]) -> None: ...
    @overload
    def add_future(self, future: Future[T], callback: Callable[[Future[T]], object]) -> None: ...
    def add_future(self, future: Any, callback: Callable[[Any], object]) -> None:
        """Call ``callback(future)`` in a turn of this loop once the future is done.

        This also works for a ``concurrent.futures.Future``, whichever thread completes it.
        """

        def call(done: Any) -> None:
            self.add_callback(callback, done)

        future.add_done_callback(call)

    def spawn(self, coro: Coroutine[Any, Any, T], /, *, name: str | None = None) -> Task[T]:
        """Run a coroutine as a task. If it fails while nobody is waiting for it, that is logged."""
        return self._backend.spawn(coro, name=name)

    def cancel_scope(self, *, deadline: float = float("inf"), shield: bool = False) -> CancelScope:
        """Create a scope that cancels what is awaited in its ``with`` block, at ``deadline`` or on ``cancel()``.

        ``deadline`` is on the clock of :meth:`time`. With ``shield``, scopes outside it have no effect inside::

            with io_loop.cancel_scope(deadline=io_loop.time() + 5) as scope:
                await peer.answer()
            if scope.cancelled_caught:
                print("no answer within five seconds")
        """
        return self._backend.cancel_scope(deadline=deadline, shield=shield)

    def cancelling(self) -> bool:
        """True if the current task has been asked to end, by ``cancel()`` or by a scope around it.

        This is for code that catches every exception of a program: a cancellation that is meant for this task must be
        re-raised, while the cancellation of something it awaited is an error like any other.
        """
        return self._backend.cancelling()

    def lend_task(self, call: Callable[[T], R], /) -> Callable[[T], R] | None:
        """Return a function with which a callback can make ``call`` on behalf of the task that asks for it here.

        It is for a task that waits for events, most of which can be handled at once by the callback that brings them:
        this saves a future and two turns of the task, 1.7 µs. ``call`` runs as if in the task; what it cannot finish,
        it leaves to the task, and wakes it. The loop must call the function, while the task waits. The result is None
        on Trio, where only Trio runs tasks, and outside a task.
        """
        return self._backend.lend_task(call)

    def describe_tasks(self) -> str:
        """List the unfinished tasks, one per line, each with the places in the code where it waits."""
        return describe_tasks(self._backend)

    def counts(self) -> Counts:
        """Return how many descriptors are watched, how many calls are scheduled, and how many tasks have not ended."""
        return self._backend.counts()

    def watch(self, threshold: float = 0.1, *, interval: float | None = None, keep: int = 10) -> Insight:
        """Measure from now on how late callbacks run, and log the stack of any that blocks for ``threshold`` seconds.

        ``interval`` is how often to measure, in seconds; by default a quarter of the threshold. ``keep`` is how many
        of the slowest to remember. The environment variable ``EYEWALL_IOLOOP_WATCH``, a number of seconds, does this
        for every loop. Raises the same exceptions as :class:`~eyewall.ioloop.Insight`, which it returns. An earlier
        watch ends.
        """
        from ._insight import Insight

        if self.insight is not None:
            self.insight.stop()
        self.insight = Insight(self, threshold, interval=interval, keep=keep)
        return self.insight

    def run_in_executor(self, executor: Executor | None, func: Callable[[*Ts], T], /, *args: *Ts) -> Future[T]:
        """Call a blocking function in a thread of ``executor`` (None: the loop's own)."""
        return self._backend.run_in_executor(self._executor if executor is None else executor, func, *args)

    def set_default_executor(self, executor: Executor) -> None:
        """Choose the executor that :meth:`run_in_executor` uses for None. You have to shut it down yourself."""
        self._executor = executor

    def _run(self, callback: Callable[P, object], /, *args: P.args, **kwargs: P.kwargs) -> None:
        try:
            result = callback(*args, **kwargs)
        except Exception as error:  # noqa: BLE001 - whatever it is, the loop goes on
            log_failure(callback, error)
        else:
            if result is not None and hasattr(result, "__await__"):
                self.spawn(follow(callback, result), name=getattr(callback, "__qualname__", None))
