"""Runs one request's coroutine inside the task of its connection, in a context of its own."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Generator
    from contextvars import Context
    from typing import Self

_NEVER: Final = object()


class Steps:
    """Awaits what is left of a coroutine whose first step has been made by hand, by :meth:`first`.

    Each step runs in ``context``, so that the variables which it sets are seen by nobody else, and
    ``before_waiting`` is called before each wait. A coroutine that never waits is not wrapped: its
    first step was all of it. One that goes on for ever gives ``until`` where it is to be left alone.
    """

    __slots__ = ("_before_waiting", "_context", "_coroutine", "_until", "_waited_for")

    def __init__(
        self,
        coroutine: Coroutine[Any, Any, object] | Generator[Any, Any, object],
        context: Context,
        waited_for: object,
        before_waiting: Callable[[], object],
        *,
        until: object = _NEVER,
    ) -> None:
        self._coroutine = coroutine
        self._context = context
        self._waited_for = waited_for
        self._before_waiting = before_waiting
        self._until = until

    @classmethod
    def first(
        cls, coroutine: Coroutine[Any, Any, object], context: Context, before_waiting: Callable[[], object]
    ) -> Self | None:
        """Make the first step, called within ``context``. Give what is left; None if that was all, as mostly."""
        try:
            waited_for = coroutine.send(None)
        except StopIteration:
            return None
        return cls(coroutine, context, waited_for, before_waiting)

    def throw(self, error: BaseException) -> Self | None:
        """Make a further step: raise in the coroutine where it waits. Give what is left, None if that ends it."""
        try:
            self._waited_for = self._context.run(self._coroutine.throw, error)
        except StopIteration:
            return None
        return None if self._waited_for is self._until else self

    def __await__(self) -> Generator[Any, Any, None]:
        run, coroutine, waited_for = self._context.run, self._coroutine, self._waited_for
        while waited_for is not self._until:
            self._before_waiting()
            try:
                answer = yield waited_for
            except BaseException as error:  # noqa: BLE001 - passed on to whom it is for
                step = partial(coroutine.throw, error)
            else:
                step = partial(coroutine.send, answer)
            try:
                waited_for = run(step)
            except StopIteration:
                return
