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
    """A value to come, as whoever waits for it sees it.

    Await it from a task of the loop that made it. It has no ``cancel``: to give up waiting,
    wait inside a :class:`CancelScope`.
    """

    def __await__(self) -> Generator[Any, Any, T_co]:
        """Wait for the value, or raise the exception that came in its place."""
        ...

    def done(self) -> bool:
        """True once there is a value, an exception, or nobody left who waits."""
        ...

    def result(self) -> T_co:
        """Return the value, or raise its exception; raises as well where it is not done."""
        ...

    def exception(self) -> BaseException | None:
        """Return the exception, or None if there is a value."""
        ...

    def add_done_callback(self, callback: Callable[[Self], object], /) -> None:
        """Call ``callback(self)`` in a turn of the loop once done, also if that is already so."""
        ...


class Promise(Future[T], Protocol[T]):
    """The same value as whoever answers sees it.

    Ask :meth:`done` before you answer: a waiter that was cancelled is gone, and its promise done.
    """

    def set_result(self, result: T, /) -> None:
        """Answer with a value. The waiters run in a later turn of the loop."""
        ...

    def set_exception(self, exception: BaseException, /) -> None:
        """Answer with an exception, raised in whoever waits."""
        ...


class Task(Future[T_co], Protocol[T_co]):
    """A coroutine that the loop runs."""

    def cancel(self) -> object:
        """Ask the coroutine to end; it sees its backend's cancellation where it waits."""
        ...

    def get_name(self) -> str:
        """The name given to ``spawn``, or one that the backend made up."""
        ...


class Timer(Protocol):
    """A call that was put off with ``call_at`` or ``call_later``."""

    def cancel(self) -> None:
        """Drop the call, if it has not been made. Idempotent."""
        ...


class CancelScope(Protocol):
    """Cancels what is awaited inside its ``with`` block; ``trio.CancelScope`` fits as it is.

    A scope is entered once, by the task that made it. Layers above name no cancellation
    exception: what runs through such a block on its way out is raised on.
    """

    @property
    def cancelled_caught(self) -> bool:
        """True after the block if this scope cut it short."""
        ...

    def cancel(self) -> None:
        """Cancel what the block waits for, now or when it next waits. Idempotent."""
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
    """What a stream, a server or a handler may ask of the loop it runs on.

    All but :meth:`add_callback` are to be called in the loop's own thread.
    """

    def time(self) -> float:
        """Seconds on the loop's clock, which never goes backwards; its zero means nothing."""
        ...

    def add_handler(self, fd: F, handler: Callable[[F, int], object], events: int, /) -> None:
        """Call ``handler(fd, events)`` whenever the descriptor is ready, until it is removed.

        ``events`` is a sum of ``READ``, ``WRITE`` and ``ERROR``. The handler gets the object that
        was passed here. Readiness is level-triggered: a handler that leaves bytes is called again.
        A descriptor has one handler; adding a second raises ``ValueError``.
        """
        ...

    def update_handler(self, fd: int | HasFileno, events: int, /) -> None:
        """Change what a registered descriptor is watched for. Events may be 0: keep it, watch nothing."""
        ...

    def remove_handler(self, fd: int | HasFileno, /) -> None:
        """Stop watching; after this the handler is not called, even for events already seen.

        Does nothing for a descriptor that is not registered.
        """
        ...

    def add_callback(self, callback: Callable[P, object], /, *args: P.args, **kwargs: P.kwargs) -> None:
        """Call in the next turn of the loop. Safe from any thread."""
        ...

    def call_at(self, when: float, callback: Callable[P, object], /, *args: P.args, **kwargs: P.kwargs) -> Timer:
        """Call once, when :meth:`time` has reached ``when``."""
        ...

    def call_later(self, delay: float, callback: Callable[P, object], /, *args: P.args, **kwargs: P.kwargs) -> Timer:
        """Call once, ``delay`` seconds from now."""
        ...

    def create_future(self) -> Promise[Any]:  # Any: the annotation of whoever receives it decides
        """Make a promise that tasks of this loop can await."""
        ...

    def spawn(self, coro: Coroutine[Any, Any, T], /, *, name: str | None = None) -> Task[T]:
        """Run a coroutine as a task. One that fails with nobody waiting for it is logged."""
        ...

    def cancel_scope(self, *, deadline: float = ..., shield: bool = False) -> CancelScope:
        """Make a scope that cancels itself at ``deadline`` on :meth:`time` (default: never).

        With ``shield``, scopes outside it do not reach what is awaited inside.
        """
        ...

    def cancelling(self) -> bool:
        """True if the task that runs is asked to end: what it raises now is to be raised on.

        Whoever awaits what another has cancelled sees the same exception, and is not asked to end.
        """
        ...

    def lend_task(self, call: Callable[[T], R], /) -> Callable[[T], R] | None:
        """Return a function by which a callback of the loop makes ``call`` on behalf of the task that asks for it here.

        For as long as that task waits: what is called finds itself in that task, and so may begin whatever
        needs one, without a switch to it. None if there is no such thing: on this loop, or outside a task.
        """
        ...

    def run_in_executor(self, executor: Executor | None, func: Callable[[*Ts], T], /, *args: *Ts) -> Future[T]:
        """Call a function that blocks in a thread of ``executor`` (None: the loop's own)."""
        ...


class Backend(EventLoop, Protocol):
    """What :class:`~eyewall.ioloop.IOLoop` holds: an :class:`EventLoop` that can be run and closed.

    A backend is registered by name as an entry point of the group ``eyewall.ioloop.backends``,
    whose object is called without arguments and returns one.
    """

    @property
    def name(self) -> str:
        """The name it is chosen by, such as ``"asyncio"``."""
        ...

    @property
    def capabilities(self) -> frozenset[str]:
        """What it can do beyond the Protocol: names from :class:`~eyewall.ioloop.Capability`."""
        ...

    def add_callback_from_signal(self, callback: Callable[P, object], /, *args: P.args, **kwargs: P.kwargs) -> None:
        """Do what :meth:`add_callback` does, from a signal handler, which may have interrupted the loop's wait."""
        ...

    def start(self) -> None:
        """Run until :meth:`stop`. Raises ``RuntimeError`` if a loop already runs in this thread."""
        ...

    def stop(self) -> None:
        """Make :meth:`start` return after this turn, or after one turn when it is next called."""
        ...

    def is_running(self) -> bool:
        """True between the beginning and the end of :meth:`start`."""
        ...

    def counts(self) -> Counts:
        """Say how many descriptors are watched, calls put off, and tasks not ended. In the loop's thread."""
        ...

    def make_current(self) -> None:
        """Tell the library beneath that this thread's loop is this one, if it keeps such a note."""
        ...

    def clear_current(self) -> None:
        """Take :meth:`make_current` back, if it still holds."""
        ...

    def shutdown(self) -> None:
        """Cancel the tasks that are left and run until they, async generators and executor jobs have ended.

        Not while it runs.
        """
        ...

    def close(self, *, all_fds: bool = False) -> None:
        """Free what the loop holds; with ``all_fds``, close the watched descriptors too.

        Not while it runs. Idempotent.
        """
        ...
