"""Cancel scopes on asyncio tasks.

A scope asks its task to end with ``Task.cancel`` and takes that request back with
``Task.uncancel``, as ``asyncio.timeout`` does, so that both nest in each other and a foreign
``task.cancel()`` runs through. Three rules keep the accounts straight:

- A request is delivered by a callback of the loop, never by the running task: asyncio would
  keep it for the next wait, which may be after the scope.
- A task whose awaited value has already come is let take it: the request is made in a later
  turn, if the task is still inside. So nothing that arrived is lost.
- A scope swallows the cancellation only if nobody else has asked for one since it was entered.
"""

from __future__ import annotations

import asyncio
import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from types import TracebackType
    from typing import Any, Self

    # The innermost scope of each task that is inside one.
    Scopes = dict[asyncio.Task[Any], "AsyncioCancelScope"]


class AsyncioCancelScope:
    """The :class:`~eyewall.ioloop.CancelScope` of the asyncio backends. It cancels once."""

    __slots__ = (
        "_asked_before",
        "_caught",
        "_deadline",
        "_delivered",
        "_loop",
        "_parent",
        "_requested",
        "_scopes",
        "_shield",
        "_task",
        "_timer",
    )

    def __init__(self, loop: asyncio.AbstractEventLoop, scopes: Scopes, deadline: float, shield: bool) -> None:
        self._loop = loop
        self._scopes = scopes
        self._deadline = deadline
        self._shield = shield
        self._task: asyncio.Task[Any] | None = None  # None: not entered, or left
        self._timer: asyncio.TimerHandle | None = None
        self._parent: AsyncioCancelScope | None = None
        self._asked_before = -1
        self._requested = False
        self._delivered = False
        self._caught = False

    @property
    def cancelled_caught(self) -> bool:
        """True after the block if this scope cut it short."""
        return self._caught

    def cancel(self) -> None:
        """Cancel what the block waits for, now or when it next waits. Idempotent."""
        if not self._requested:
            self._requested = True
            if self._task is not None:
                self._loop.call_soon(self._deliver)

    def __enter__(self) -> Self:
        if self._asked_before >= 0:
            raise RuntimeError("a cancel scope is entered once; make a new one with io_loop.cancel_scope()")
        task = asyncio.current_task(self._loop)
        if task is None:
            raise RuntimeError("a cancel scope cancels a task, and no task runs here; start one with io_loop.spawn()")
        self._task = task
        self._asked_before = task.cancelling()
        self._parent = self._scopes.get(task)
        self._scopes[task] = self
        if self._requested:
            self._loop.call_soon(self._deliver)
        elif self._deadline != math.inf:
            self._timer = self._loop.call_at(self._deadline, self.cancel)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None, /
    ) -> bool | None:
        task = self._leave()
        if task is None or not self._delivered:
            return None
        others = task.uncancel() > self._asked_before
        self._caught = not others and kind is not None and issubclass(kind, asyncio.CancelledError)
        return self._caught

    def _leave(self) -> asyncio.Task[Any] | None:
        task, self._task = self._task, None
        if self._timer is not None:
            self._timer.cancel()
        if task is None:
            return None
        if self._parent is None:
            self._scopes.pop(task, None)
        else:
            self._scopes[task] = self._parent
            if self._shield:
                self._parent._catch_up()
        return task

    def _catch_up(self) -> None:
        """Deliver what a shield held back; by a callback, as ever."""
        scope: AsyncioCancelScope | None = self
        while scope is not None:
            if scope._requested and not scope._delivered:
                self._loop.call_soon(scope._deliver)
            scope = None if scope._shield else scope._parent

    def _deliver(self) -> None:
        task = self._task
        if task is None or self._delivered or self._shielded(task):
            return
        if _has_its_value(task):
            self._loop.call_soon(self._deliver)
            return
        self._delivered = True
        task.cancel()

    def _shielded(self, task: asyncio.Task[Any]) -> bool:
        scope = self._scopes.get(task)
        while scope is not None and scope is not self:
            if scope._shield:
                return True
            scope = scope._parent
        return False


def _has_its_value(task: asyncio.Task[Any]) -> bool:
    # Not public, but both the C and the Python task have it (anyio relies on it as well);
    # None while the task is between two turns without waiting for anything, as in sleep(0).
    waits_for: object = getattr(task, "_fut_waiter", None)
    return isinstance(waits_for, asyncio.Future) and waits_for.done()
