"""A future that was never pending: the answer of an operation that needed no wait."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Generic

from .protocols import T_co

if TYPE_CHECKING:
    from collections.abc import Callable, Generator
    from typing import Self

    from .protocols import EventLoop


class CompletedFuture(Generic[T_co]):
    """A :class:`~eyewall.ioloop.Future` with its value already there.

    Awaiting it does not suspend, and one object serves any number of operations on a loop: a
    write that went out at once costs no future.
    """

    __slots__ = ("_io_loop", "_value")

    def __init__(self, io_loop: EventLoop, value: T_co) -> None:
        self._io_loop = io_loop
        self._value = value

    def __await__(self) -> Generator[Any, Any, T_co]:
        return self._value
        yield  # pragma: no cover - makes this a generator

    def done(self) -> bool:
        """Always true."""
        return True

    def result(self) -> T_co:
        """Return the value."""
        return self._value

    def exception(self) -> None:
        """Always None: there is a value."""

    def add_done_callback(self, callback: Callable[[Self], object], /) -> None:
        """Call ``callback(self)`` in the next turn of the loop."""
        self._io_loop.add_callback(callback, self)
