"""Futures, tasks and cancel scopes on Trio: who waits is a Trio task, who answers need not be one."""

from __future__ import annotations

from contextvars import copy_context
from typing import TYPE_CHECKING, Any, Generic, TypeGuard

import trio
from trio.lowlevel import Abort, current_task, reschedule, wait_task_rescheduled

from .._callbacks import log_failed_task
from ..errors import FutureStateError
from ..protocols import T

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Generator
    from contextvars import Context
    from types import TracebackType
    from typing import Self

    from ._trio_serving import Callbacks


class TrioFuture(Generic[T]):
    """The :class:`~eyewall.ioloop.Promise` of the Trio backend.

    Where the last task that waits for it is cancelled, nobody is left who wants an answer, and it is
    done: with a :class:`~eyewall.ioloop.FutureStateError`.
    """

    __slots__ = (
        "__weakref__",
        "_callbacks",
        "_done",
        "_error",
        "_more",
        "_noticed",
        "_queue",
        "_trace",
        "_value",
        "_waiter",
    )

    _value: T

    def __init__(self, queue: Callbacks) -> None:
        self._queue = queue
        self._done = False
        self._error: BaseException | None = None
        self._noticed = False
        self._trace: TracebackType | None = None
        # Mostly there is one who waits, and no callback: lists are made for others only.
        self._waiter: trio.lowlevel.Task | None = None
        self._more: list[trio.lowlevel.Task] | None = None
        self._callbacks: list[tuple[Callable[[Any], object], Context]] | None = None

    def __await__(self) -> Generator[Any, Any, T]:
        if not self._done:
            abort: Callable[[object], Abort] = self._abort
            if self._waiter is None:
                self._waiter = current_task()
            else:
                abort = self._queue_up()
            yield from wait_task_rescheduled(abort).__await__()  # noqa: ASYNC105 - so it is
            if self._error is None:
                return self._value
        return self.result()

    def _abort(self, _: object) -> Abort:
        self._waiter = None
        return self._abandon()

    def _queue_up(self) -> Callable[[object], Abort]:
        task = current_task()
        self._more = more = self._more or []
        more.append(task)

        def abort(_: object) -> Abort:
            more.remove(task)
            return self._abandon()

        return abort

    def _abandon(self) -> Abort:
        if self._waiter is None and not self._more:
            self._fail(FutureStateError("nobody waits for this future any more"))
        return Abort.SUCCEEDED

    def done(self) -> bool:
        """True once there is a value, an exception, or nobody left who waits."""
        return self._done

    def result(self) -> T:
        """Return the value, or raise the exception."""
        if (error := self.exception()) is None:
            return self._value
        raise error.with_traceback(self._trace)

    def exception(self) -> BaseException | None:
        """Return the exception, or None if there is a value."""
        if not self._done:
            raise FutureStateError("this future has no result yet: await it, or ask done() first")
        self._noticed = True
        return self._error

    def add_done_callback(self, callback: Callable[[Self], object], /) -> None:
        """Call ``callback(self)`` in a turn of the loop once done, also if that is already so."""
        if self._done:
            self._queue.add(copy_context(), callback, self)
        else:
            self._callbacks = callbacks = self._callbacks or []
            callbacks.append((callback, copy_context()))

    def set_result(self, result: T, /) -> None:
        """Answer with a value."""
        self._check_pending()
        self._value = result
        self._settle()

    def set_exception(self, exception: BaseException, /) -> None:
        """Answer with an exception."""
        self._check_pending()
        self._fail(exception)

    def _check_pending(self) -> None:
        if self._done:
            raise FutureStateError("this promise is done: it has its answer, or nobody waits for it; ask done() first")

    def _fail(self, error: BaseException) -> None:
        self._error = error
        self._trace = error.__traceback__
        self._settle()

    def _settle(self) -> None:
        self._done = True
        if self._waiter is not None:
            reschedule(self._waiter)
            self._waiter = None
        if self._more is not None:
            for task in self._more:
                reschedule(task)
            self._more = None
        if self._callbacks is not None:
            for callback, context in self._callbacks:
                self._queue.add(context, callback, self)
            self._callbacks = None


class TrioTask(TrioFuture[T]):
    """The :class:`~eyewall.ioloop.Task` of the Trio backend: a coroutine, and the Trio task that runs it."""

    __slots__ = ("_coro", "_fatal", "_name", "_scope")

    def __init__(
        self,
        queue: Callbacks,
        coro: Coroutine[Any, Any, T],
        name: str | None,
        fatal: Callable[[BaseException], object],
    ) -> None:
        super().__init__(queue)
        self._coro = coro
        self._name = name or getattr(coro, "__qualname__", None) or repr(coro)
        self._fatal = fatal
        self._scope = trio.CancelScope()

    def get_name(self) -> str:
        """The name given to ``spawn``, or that of the coroutine."""
        return self._name

    def get_coro(self) -> Coroutine[Any, Any, T]:
        """The coroutine."""
        return self._coro

    def cancel(self) -> None:
        """Cancel what the coroutine waits for, now or when it next waits."""
        self._scope.cancel()

    async def run(self) -> None:
        """Be the body of the Trio task. Only a cancellation from outside, which is Trio's, is raised."""
        try:
            with self._scope:
                self.set_result(await self._coro)
        except Exception as error:  # noqa: BLE001 - for whoever awaits it, or the log
            self._fail(error)
        except BaseException as error:  # noqa: BLE001 - what is Trio's is raised on
            stopped, failure = _split(error)
            if failure is not None:
                self._fail(failure)
                if not isinstance(failure, Exception):
                    self._noticed = True  # by whoever has started the run
                    self._fatal(failure)
            else:
                self._noticed = True
                self._fail(FutureStateError(f"Event loop stopped before the task {self._name!r} had ended"))
            # A coroutine that is closed may as well return; one that raises GeneratorExit itself ends no run.
            if stopped is not None and not isinstance(stopped, GeneratorExit):
                raise stopped from None
        else:
            if not self._done:
                self._noticed = True
                self._fail(FutureStateError(f"the task {self._name!r} was cancelled"))
        finally:
            del self  # its error refers to this frame

    def discard(self) -> None:
        """End a task that has not begun."""
        self._coro.close()
        self._noticed = True
        self._fail(FutureStateError(f"the task {self._name!r} was cancelled before it began"))

    def __del__(self) -> None:
        if self._done and self._error is not None and not self._noticed:
            log_failed_task(self._name, self._error)


def _split(error: BaseException) -> tuple[BaseException | None, BaseException | None]:
    """Tell the cancellation in what was raised from the failures in it."""
    cancelled = (trio.Cancelled, GeneratorExit)
    if _is_group(error):
        return error.split(cancelled)
    return (error, None) if isinstance(error, cancelled) else (None, error)


def only(error: BaseException) -> BaseException:
    """Return what is in a group of one."""
    while _is_group(error) and len(error.exceptions) == 1:
        [error] = error.exceptions
    return error


def _is_group(error: BaseException) -> TypeGuard[BaseExceptionGroup[BaseException]]:
    return isinstance(error, BaseExceptionGroup)


class TrioCancelScope:
    """The :class:`~eyewall.ioloop.CancelScope` of the Trio backend: Trio's own, for tasks only."""

    __slots__ = ("_in_callback", "_scope")

    def __init__(self, in_callback: Callable[[], bool], deadline: float, shield: bool) -> None:
        self._in_callback = in_callback
        self._scope = trio.CancelScope(deadline=deadline, shield=shield)

    @property
    def cancelled_caught(self) -> bool:
        """True after the block if this scope cut it short."""
        return self._scope.cancelled_caught

    def cancel(self) -> None:
        """Cancel what the block waits for, now or when it next waits. Idempotent."""
        self._scope.cancel()

    def __enter__(self) -> Self:
        if self._in_callback():
            raise RuntimeError("a cancel scope cancels a task, and no task runs here; start one with io_loop.spawn()")
        self._scope.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None, /
    ) -> bool:
        return self._scope.__exit__(kind, error, trace)
