"""What every parent of worker processes needs: a safe moment to fork, and an alarm that no signal escapes."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import threading
from typing import TYPE_CHECKING, Final
from weakref import WeakKeyDictionary

from eyewall.ioloop import IOLoop

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable, Mapping
    from types import FrameType

# Before a handler was set, or None for one that is not Python's: what signal.getsignal gives.
Handlers = dict[int, object]

_task_id: int | None = None
_reasons: Final[WeakKeyDictionary[object, str]] = WeakKeyDictionary()


def task_id() -> int | None:
    """Return the number of this worker, under :func:`fork_processes` or a :class:`Supervisor`; None elsewhere."""
    return _task_id


def become_worker(number: int) -> None:
    """Note that this process is a worker from now on, for its whole life."""
    global _task_id  # noqa: PLW0603 - of the process, as its number is
    _task_id = number


def forbid_workers(owner: object, reason: str) -> None:
    """Let whoever wants worker processes be refused with ``reason``, for as long as ``owner`` lives."""
    _reasons[owner] = reason


def check_can_fork(what: str) -> None:
    """Raise ``RuntimeError`` if forking workers would break things; ``what`` names who wants to."""
    if _task_id is not None:
        raise RuntimeError(f"this process is worker {_task_id} already; call {what} once, in the parent")
    if IOLoop.current(instance=False) is not None:
        raise RuntimeError(
            f"this process has an event loop, which workers cannot share; call {what}, or start() with"
            " several processes, before the first use of IOLoop.current() and outside a running loop"
        )
    if threading.current_thread() is not threading.main_thread():
        raise RuntimeError(f"{what} handles signals; call it in the main thread")
    for reason in _reasons.values():
        raise RuntimeError(f"{what} cannot make workers here: {reason}")


def fork() -> int:
    """Fork, so that what is buffered for output now is written once."""
    sys.stdout.flush()
    sys.stderr.flush()
    return os.fork()


def cause_of(code: int) -> str:
    """Say how a process has ended, from what ``os.waitstatus_to_exitcode`` gives."""
    if code >= 0:
        return f"exited with status {code}"
    try:
        return f"was killed by {signal.Signals(-code).name}"
    except ValueError:  # a real-time signal has no name
        return f"was killed by signal {-code}"


@contextlib.contextmanager
def signals_held(numbers: Iterable[int]) -> Generator[None]:
    """Hold signals back: they shall find a new worker listed, or under its own handlers."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, numbers)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def restore_signals(before: Mapping[int, object]) -> None:
    """Put handlers back that ``signal.getsignal`` gave."""
    for number, handler in before.items():
        if handler is None:  # it is not Python's, and cannot be put back
            signal.signal(number, signal.SIG_DFL)
        elif callable(handler) or isinstance(handler, signal.Handlers):
            signal.signal(number, handler)


def take_note(_number: int, _frame: FrameType | None) -> None:
    """Handle a signal by nothing: it sets off the :class:`Alarm`, and is not ignored by programs that are started."""


class Alarm:
    """Waits for a signal, also for one that came since the last wait.

    In ``os.wait`` the latter would be lost: Python handles signals before a call, and one that comes
    between that and the system call does not end it.
    """

    def __init__(self) -> None:
        self._read, self._write = os.pipe()
        os.set_blocking(self._write, False)
        self._before: Final = signal.set_wakeup_fd(self._write, warn_on_full_buffer=False)

    def fileno(self) -> int:
        """Return the descriptor that becomes readable when a signal comes."""
        return self._read

    def wait(self) -> None:
        """Wait for a signal. Its handler has run when this returns."""
        os.read(self._read, 4096)

    def close(self) -> None:
        """Give the alarm up, in the parent or in a worker."""
        signal.set_wakeup_fd(self._before)
        os.close(self._read)
        os.close(self._write)
