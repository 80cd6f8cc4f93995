"""What the layers above ask of an event loop, and what a loop asks of a backend.

Shapes only: asyncio's futures and tasks, uvloop's, and Trio's cancel scopes satisfy
these Protocols as they are, and so may anything else. Each docstring is the promise;
the conformance suite in :mod:`eyewall.ioloop.testing` checks it on every backend.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ParamSpec, Protocol, TypeVar, TypeVarTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Generator
    from concurrent.futures import Executor
    from types import TracebackType
    from typing import Self

    from ._insight import Counts

T = TypeVar("T")
R = TypeVar("R")
T_co = TypeVar("T_co", covariant=True)
P = ParamSpec("P")
Ts = TypeVarTuple("Ts")


class Future(Protocol[T_co]):
    """A value that will be available later, as seen by whoever waits for it.

    Await it in a task of the loop that created it. It has no ``cancel``: to give up waiting, wait inside a
    :class:`CancelScope`.
    """

    def __await__(self) -> Generator[Any, Any, T_co]:
        """Wait for the value, or raise the exception that came in its place."""
        ...

    def done(self) -> bool:
        """True once there is a value or an exception, or once nobody is waiting any more."""
        ...

    def result(self) -> T_co:
        """Return the value, or raise its exception; also raises if it is not done."""
        ...

    def exception(self) -> BaseException | None:
        """Return the exception, or None if there is a value."""
        ...

    def add_done_callback(self, callback: Callable[[Self], object], /) -> None:
        """Call ``callback(self)`` in a turn of the loop once it is done, or soon if it already is."""
        ...


class Promise(Future[T], Protocol[T]):
    """The same value, as seen by whoever provides it.

    Check :meth:`done` before you set a result: if the waiting task was cancelled, the promise is already done.
    """

    def set_result(self, result: T, /) -> None:
        """Provide the value. The waiting tasks run in a later turn of the loop."""
        ...

    def set_exception(self, exception: BaseException, /) -> None:
        """Provide an exception, to be raised in the waiting tasks."""
        ...


class Task(Future[T_co], Protocol[T_co]):
    """A coroutine that is run by the loop."""

    def cancel(self) -> object:
        """Ask the coroutine to end; the cancellation exception of its backend is raised where it waits."""
        ...

    def get_name(self) -> str:
        """The name given to ``spawn``, or one chosen by the backend."""
        ...


class Timer(Protocol):
    """A call that was scheduled with ``call_at`` or ``call_later``."""

    def cancel(self) -> None:
        """Cancel the call, if it has not been made yet. Idempotent."""
        ...


class CancelScope(Protocol):
    """Cancels what is awaited inside its ``with`` block; ``trio.CancelScope`` fits unchanged.

    A scope is entered once, by the task that created it. The layers above name no cancellation exception: if one
    passes through such a block on its way out, it is re-raised.
    """

    @property
    def cancelled_caught(self) -> bool:
        """True after the block if this scope ended it early."""
        ...

    def cancel(self) -> None:
        """Cancel what the block is waiting for, now or when it next waits. Idempotent."""
        ...

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None, /
    ) -> bool | None: ...


class HasFileno(Protocol):
    """A file object: anything with a descriptor."""

    def fileno(self) -> int:
        """Return the number of the descriptor."""
        ...


F = TypeVar("F", bound=int | HasFileno)


class EventLoop(Protocol):
    """What a stream, a server or a handler may ask of the loop on which it runs.

    All methods except :meth:`add_callback` have to be called in the loop's own thread.
    """

    def time(self) -> float:
        """Seconds on the loop's clock, which never goes backwards; its zero has no meaning."""
        ...

    def add_handler(self, fd: F, handler: Callable[[F, int], object], events: int, /) -> None:
        """Call ``handler(fd, events)`` whenever the descriptor is ready, until it is removed.

        ``events`` is a sum of ``READ``, ``WRITE`` and ``ERROR``. The handler receives the object that was passed
        here. Readiness is level-triggered: a handler that leaves bytes unread is called again. A descriptor has only
        one handler; adding a second raises ``ValueError``.
        """
        ...

    def update_handler(self, fd: int | HasFileno, events: int, /) -> None:
        """Change the events for which a registered descriptor is watched; with 0 it stays, but nothing is watched."""
        ...

    def remove_handler(self, fd: int | HasFileno, /) -> None:
        """Stop watching; after this the handler is not called, even for events already seen.

        Does nothing for a descriptor that is not registered.
        """
        ...

    def add_callback(self, callback: Callable[P, object], /, *args: P.args, **kwargs: P.kwargs) -> None:
        """Call a function in the next turn of the loop. Safe from any thread."""
        ...

    def call_at(self, when: float, callback: Callable[P, object], /, *args: P.args, **kwargs: P.kwargs) -> Timer:
        """Call a function once, when :meth:`time` has reached ``when``."""
        ...

    def call_later(self, delay: float, callback: Callable[P, object], /, *args: P.args, **kwargs: P.kwargs) -> Timer:
        """Call a function once, ``delay`` seconds from now."""
        ...

    def create_future(self) -> Promise[Any]:  # Any: the annotation of whoever receives it decides
        """Create a promise that tasks of this loop can await."""
        ...

    def spawn(self, coro: Coroutine[Any, Any, T], /, *, name: str | None = None) -> Task[T]:
        """Run a coroutine as a task. If it fails while nobody is waiting for it, that is logged."""
        ...

    def cancel_scope(self, *, deadline: float = ..., shield: bool = False) -> CancelScope:
        """Create a scope that cancels itself at ``deadline`` on the clock of :meth:`time` (default: never).

        With ``shield``, scopes outside it have no effect on what is awaited inside.
        """
        ...

    def cancelling(self) -> bool:
        """True if the current task has been asked to end: the exception it raises now must be re-raised.

        A task that awaits something which somebody else has cancelled sees the same exception, but is not asked to
        end.
        """
        ...

    def lend_task(self, call: Callable[[T], R], /) -> Callable[[T], R] | None:
        """Return a function with which a callback of the loop can make ``call`` on behalf of the current task.

        It may be used while that task waits: ``call`` runs as if in the task, and so can begin whatever needs one,
        without a switch to it. The result is None if this is not possible, on this loop or outside a task.
        """
        ...

    def run_in_executor(self, executor: Executor | None, func: Callable[[*Ts], T], /, *args: *Ts) -> Future[T]:
        """Call a blocking function in a thread of ``executor`` (None: the loop's own)."""
        ...


class Backend(EventLoop, Protocol):
    """What :class:`~eyewall.ioloop.IOLoop` holds: an :class:`EventLoop` that can be run and closed.

    A backend is registered under a name as an entry point of the group ``eyewall.ioloop.backends``, whose object is
    called without arguments and returns a backend.
    """

    @property
    def name(self) -> str:
        """The name by which it is chosen, such as ``"asyncio"``."""
        ...

    @property
    def capabilities(self) -> frozenset[str]:
        """What it can do beyond the Protocol: names from :class:`~eyewall.ioloop.Capability`."""
        ...

    def add_callback_from_signal(self, callback: Callable[P, object], /, *args: P.args, **kwargs: P.kwargs) -> None:
        """Like :meth:`add_callback`, but from a signal handler, which may have interrupted the loop while it waits."""
        ...

    def start(self) -> None:
        """Run until :meth:`stop`. Raises ``RuntimeError`` if a loop is already running in this thread."""
        ...

    def stop(self) -> None:
        """Make :meth:`start` return after this turn, or after one turn when it is next called."""
        ...

    def is_running(self) -> bool:
        """True between the beginning and the end of :meth:`start`."""
        ...

    def counts(self) -> Counts:
        """Return the number of watched descriptors, scheduled calls and unfinished tasks. In the loop's thread only."""
        ...

    def make_current(self) -> None:
        """Tell the underlying library that this is the current loop of this thread, if it keeps track of that."""
        ...

    def clear_current(self) -> None:
        """Undo :meth:`make_current`, if it is still in effect."""
        ...

    def shutdown(self) -> None:
        """Cancel the remaining tasks and run until they, async generators and executor jobs have ended.

        Not allowed while it runs.
        """
        ...

    def close(self, *, all_fds: bool = False) -> None:
        """Free the resources of the loop; with ``all_fds``, close the watched descriptors too.

        Not allowed while it runs. Idempotent.
        """
        ...
