"""Signals as callbacks of a loop, by nothing but what every backend does already.

Python runs a signal handler between two instructions of the main thread. One that comes just before
the loop begins to wait would leave it waiting: so the kernel's side of Python also writes a byte to a
*wake-up descriptor*, of which a process has one. Trio and uvloop have theirs while they run; where
there is none, the loop watches one of ours.
"""

from __future__ import annotations

import contextlib
import signal
import socket
import threading
from typing import TYPE_CHECKING, Any, Final

from ._events import READ

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType

    from .protocols import Backend

_NO_DESCRIPTOR: Final = -1


class SignalHandlers:
    """The signals that one loop has taken over, and what each of them did before."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend
        self._calls: dict[int, Callable[[], object]] = {}
        self._before: dict[int, Any] = {}
        self._wakeup: _Wakeup | None = None

    def add(self, number: int, call: Callable[[], object]) -> None:
        """Have ``call()`` called in a turn of the loop whenever the signal has come."""
        _check_thread()
        try:
            before = signal.signal(number, self._came)
        except (OSError, ValueError) as error:
            raise ValueError(f"signal {number} cannot be handled ({error}); SIGKILL and SIGSTOP never can") from error
        # Without it, calls of C libraries that know no EINTR would fail.
        signal.siginterrupt(number, False)
        self._before.setdefault(number, before)
        self._calls[number] = call
        if self._wakeup is None:
            self._wakeup = _Wakeup(self._backend)

    def remove(self, number: int) -> bool:
        """Let the signal do again what it did before; False if the loop has not taken it."""
        if number not in self._calls:
            return False
        _check_thread()
        del self._calls[number]
        before = self._before.pop(number)
        # None: the handler is not Python's, and cannot be put back.
        signal.signal(number, signal.SIG_DFL if before is None else before)
        if not self._calls and self._wakeup is not None:
            self._wakeup.close()
            self._wakeup = None
        return True

    def clear(self) -> None:
        """Let all the signals go."""
        for number in list(self._calls):
            self.remove(number)

    def _came(self, number: int, _frame: FrameType | None) -> None:
        self._backend.add_callback_from_signal(self._call, number)

    def _call(self, number: int) -> None:
        if (call := self._calls.get(number)) is not None:  # it may have been removed since
            call()


class _Wakeup:
    """Ends the loop's wait when a signal comes, unless the loop sees to that itself."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend
        self._pair: tuple[socket.socket, socket.socket] | None = None
        self._closed = False
        # A backend that has such a descriptor sets it when it starts; until then, who waits is nobody.
        backend.add_callback(self._claim)

    def _claim(self) -> None:
        if self._closed:
            return
        theirs = signal.set_wakeup_fd(_NO_DESCRIPTOR)
        if theirs != _NO_DESCRIPTOR:
            signal.set_wakeup_fd(theirs)
            return
        self._pair = ours, far = socket.socketpair()
        ours.setblocking(False)
        far.setblocking(False)
        self._backend.add_handler(ours, _drain, READ)
        signal.set_wakeup_fd(far.fileno(), warn_on_full_buffer=False)

    def close(self) -> None:
        self._closed = True
        if self._pair is None:
            return
        ours, far = self._pair
        current = signal.set_wakeup_fd(_NO_DESCRIPTOR)
        if current not in {far.fileno(), _NO_DESCRIPTOR}:  # somebody has taken our place since
            signal.set_wakeup_fd(current)
        self._backend.remove_handler(ours)
        ours.close()
        far.close()


def _drain(sock: socket.socket, _events: int) -> None:
    # Nobody looks at the bytes: Python has called the handlers by now.
    with contextlib.suppress(BlockingIOError):
        sock.recv(4096)


def _check_thread() -> None:
    if threading.current_thread() is not threading.main_thread():
        raise RuntimeError("Python handles signals in the main thread; add and remove their handlers there")
