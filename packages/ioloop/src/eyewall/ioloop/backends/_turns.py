"""The turn of an event loop of our own: what is due runs, in order, and then somebody waits.

:class:`TurnLoop` does the part of ``asyncio.AbstractEventLoop`` on which asyncio's own futures,
tasks, events, queues, task groups and time-outs run. Where time comes from and how one waits
for it is left to the subclass.
"""

from __future__ import annotations

import asyncio
import logging
import sys
import weakref
from abc import abstractmethod
from collections import deque
from contextvars import Context, copy_context
from typing import TYPE_CHECKING, Any, Final, NoReturn, cast

from .._callbacks import describe, follow, log_failure
from ._timers import TimerHeap

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Callable, Coroutine, Generator
    from typing import TypeAlias

    from ..protocols import T, Ts

    # A callback that is ready to run: its handle, its context, what to call. Without a handle it is
    # one of IOLoop.add_callback, which nobody can cancel.
    Call: TypeAlias = tuple[asyncio.Handle | None, Context, Callable[..., object], tuple[Any, ...]]

logger: Final = logging.getLogger("eyewall.ioloop")


class TimedCall(asyncio.TimerHandle):
    """A callback that waits for its time."""

    waits: bool = True

    def entry(self) -> Call:
        """Return what is put in the queue of the ready."""
        handle: Any = self  # typeshed lacks these attributes, which every loop has to read; cancel() clears them
        return self, handle._context, handle._callback, handle._args


class TurnLoop(asyncio.AbstractEventLoop):
    """An asyncio event loop without descriptors, whose subclass brings the clock and the waiting."""

    spawn: Callable[..., object]
    """The backend's, which keeps a task alive; needed where the backend adds callbacks without handles."""

    def __init__(self) -> None:
        self.ready: deque[Call] = deque()
        self._timers: TimerHeap[TimedCall] = TimerHeap()
        self._running = False
        self._stopping = False
        self._closed = False
        self._debug = False
        self._exception_handler: Callable[[asyncio.AbstractEventLoop, dict[str, Any]], object] | None = None
        self._task_factory: Any = None
        self._generators: weakref.WeakSet[AsyncGenerator[Any, Any]] = weakref.WeakSet()

    @abstractmethod
    def time(self) -> float:
        """Return the seconds on the loop's clock."""

    @abstractmethod
    def _wait(self) -> None:
        """Wait until something is ready, the next timer is due, or the loop is to stop. Called once in each turn."""

    # Turns

    def run_forever(self) -> None:
        self._check_idle()
        self._running = True
        hooks = sys.get_asyncgen_hooks()
        sys.set_asyncgen_hooks(firstiter=self._generators.add, finalizer=self._finalize_generator)
        asyncio._set_running_loop(self)
        try:
            while True:  # a turn each time, and one at least
                self._wait()
                if (timers := self._timers.entries) and timers[0][0] <= self.time():
                    self._take_due()
                if self.ready:
                    self._run_ready()
                if self._stopping:
                    break
        finally:
            self._stopping = False
            self._running = False
            asyncio._set_running_loop(None)
            sys.set_asyncgen_hooks(*hooks)

    def run_until_complete(self, future: Generator[Any, None, T] | Awaitable[T]) -> T:
        self._check_idle()
        # What the base class allows beside awaitables, old-style generators, asyncio has dropped in 3.12.
        task = asyncio.ensure_future(cast("Awaitable[T]", future), loop=self)
        task.add_done_callback(self._stop_with)
        try:
            self.run_forever()
        finally:
            task.remove_done_callback(self._stop_with)
        if not task.done():
            raise RuntimeError("Event loop stopped before Future completed.")
        return task.result()

    def _stop_with(self, _: object) -> None:
        self.stop()

    def _run_ready(self) -> None:
        take = self.ready.popleft
        for _ in range(len(self.ready)):  # what these add runs in the next turn
            handle, context, callback, args = take()
            if handle is not None and handle._cancelled:
                continue
            try:
                result = context.run(callback, *args) if args else context.run(callback)
            except (SystemExit, KeyboardInterrupt):
                raise
            except BaseException as error:  # noqa: BLE001 - whatever it is, the loop goes on
                self._report(handle, callback, error)
            else:
                if result is not None and handle is None and hasattr(result, "__await__"):
                    self.spawn(follow(callback, result), name=getattr(callback, "__qualname__", None))

    def _report(self, handle: asyncio.Handle | None, callback: object, error: BaseException) -> None:
        if handle is None:
            log_failure(callback, error)
            return
        message = f"Exception in callback {describe(callback)}"
        self.call_exception_handler({"message": message, "exception": error, "handle": handle})

    def _take_due(self) -> None:
        for timer in self._timers.take_due(self.time()):
            timer.waits = False
            self.ready.append(timer.entry())

    @property
    def _scheduled(self) -> list[TimedCall]:
        """The timers, under the name that asyncio's own loop has for them."""
        return [timer for _, _, timer in self._timers.entries]

    def _check_idle(self) -> None:
        self._check_open()
        if self._running:
            raise RuntimeError("This event loop is already running")
        if asyncio._get_running_loop() is not None:
            raise RuntimeError("Cannot run the event loop while another loop is running")

    def _check_open(self) -> None:
        if self._closed:
            raise RuntimeError("Event loop is closed")

    def stop(self) -> None:
        self._stopping = True

    def is_running(self) -> bool:
        return self._running

    def is_closed(self) -> bool:
        return self._closed

    def close(self) -> None:
        if self._running:
            raise RuntimeError("Cannot close a running event loop")
        self._closed = True
        self.ready.clear()
        self._timers.clear()

    # Callbacks and timers

    def call_soon(
        self, callback: Callable[[*Ts], object], *args: *Ts, context: Context | None = None
    ) -> asyncio.Handle:
        if self._closed:
            self._check_open()
        context = copy_context() if context is None else context
        handle = asyncio.Handle(callback, args, self, context)
        self.ready.append((handle, context, callback, args))
        return handle

    call_soon_threadsafe = call_soon

    def call_later(
        self, delay: float, callback: Callable[[*Ts], object], *args: *Ts, context: Context | None = None
    ) -> asyncio.TimerHandle:
        return self.call_at(self.time() + delay, callback, *args, context=context)

    def call_at(
        self, when: float, callback: Callable[[*Ts], object], *args: *Ts, context: Context | None = None
    ) -> asyncio.TimerHandle:
        self._check_open()
        call = TimedCall(when, callback, args, self, context)
        self._timers.push(when, call)
        return call

    def _timer_handle_cancelled(self, handle: asyncio.TimerHandle) -> None:
        # Called by TimerHandle.cancel.
        if isinstance(handle, TimedCall) and handle.waits:
            self._timers.note_cancelled()

    # Futures and tasks

    def create_future(self) -> asyncio.Future[Any]:
        return asyncio.Future(loop=self)

    def create_task(
        self, coro: Generator[Any, None, T] | Coroutine[Any, Any, T], *, name: str | None = None, **options: Any
    ) -> asyncio.Task[T]:
        self._check_open()
        if self._task_factory is None:
            return asyncio.Task(coro, loop=self, name=name, **options)
        task: asyncio.Task[T] = self._task_factory(self, coro, name=name, **options)
        return task

    def set_task_factory(self, factory: Any) -> None:
        self._task_factory = factory

    def get_task_factory(self) -> Any:
        return self._task_factory

    async def shutdown_asyncgens(self) -> None:
        left = list(self._generators)
        self._generators.clear()
        await asyncio.gather(*(generator.aclose() for generator in left), return_exceptions=True)

    def _finalize_generator(self, generator: AsyncGenerator[Any, Any]) -> None:
        self._generators.discard(generator)
        if not self._closed:
            self.call_soon(self.create_task, generator.aclose())

    async def shutdown_default_executor(self, timeout: float | None = None) -> None:
        """There are no threads to wait for."""

    # Errors

    def get_debug(self) -> bool:
        return self._debug

    def set_debug(self, enabled: bool) -> None:
        self._debug = enabled

    def get_exception_handler(self) -> Callable[[asyncio.AbstractEventLoop, dict[str, Any]], object] | None:
        return self._exception_handler

    def set_exception_handler(
        self, handler: Callable[[asyncio.AbstractEventLoop, dict[str, Any]], object] | None
    ) -> None:
        self._exception_handler = handler

    def default_exception_handler(self, context: dict[str, Any]) -> None:
        if sys.is_finalizing():
            return  # nobody hears of it any more, and to write a task now ends CPython 3.11 by a segmentation fault
        message = context.get("message") or "Unhandled exception in the event loop"
        details = [f"{key}: {value!r}" for key, value in context.items() if key not in {"message", "exception"}]
        logger.error("\n".join([message, *details]), exc_info=context.get("exception"))

    def call_exception_handler(self, context: dict[str, Any]) -> None:
        if self._exception_handler is None:
            self.default_exception_handler(context)
            return
        try:
            self._exception_handler(self, context)
        except Exception:
            logger.exception("the loop's exception handler failed on %r", context)


TRANSPORTS: Final = (
    "connect_accepted_socket",
    "connect_read_pipe",
    "connect_write_pipe",
    "create_connection",
    "create_datagram_endpoint",
    "create_server",
    "create_unix_connection",
    "create_unix_server",
    "sendfile",
    "sock_accept",
    "sock_connect",
    "sock_recv",
    "sock_recv_into",
    "sock_recvfrom",
    "sock_recvfrom_into",
    "sock_sendall",
    "sock_sendfile",
    "sock_sendto",
    "start_tls",
    "subprocess_exec",
    "subprocess_shell",
)
"""The methods of asyncio's loops around transports, servers and subprocesses, which a loop of our own does not have."""


def refuse(loop_class: type[object], names: tuple[str, ...], remedy: str) -> None:
    """Make methods of asyncio's that a loop does not have say so, and say what to do instead."""
    for name in names:
        setattr(loop_class, name, _refusal(f"{loop_class.__name__} has no {name}: {remedy}"))


def _refusal(message: str) -> Callable[..., NoReturn]:
    def method(*args: object, **kwargs: object) -> NoReturn:
        raise NotImplementedError(message)

    return method
