"""Wakes a loop that sleeps in its poller: from another thread, and when a signal arrives."""

from __future__ import annotations

import contextlib
import signal
import socket
import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Generator


class Waker:
    """A pair of sockets. The loop watches :attr:`number` and calls :meth:`rest` when that is readable."""

    def __init__(self) -> None:
        self._near, self._far = socket.socketpair()
        self._near.setblocking(False)
        self._far.setblocking(False)
        self.number: int = self._near.fileno()

    def wake(self) -> None:
        """Make :attr:`number` readable. From any thread, and from a signal handler."""
        # Full is as good as written to; closed means that the loop has gone.
        with contextlib.suppress(OSError):
            self._far.send(b"\0")

    def rest(self, _number: int, _events: int) -> None:
        """Take what was written."""
        with contextlib.suppress(OSError):
            while self._near.recv(4096):
                pass

    @contextlib.contextmanager
    def by_signals(self) -> Generator[None]:
        """Have each signal wake the loop meanwhile.

        Python runs signal handlers in the main thread, between two steps of Python code. A signal
        that arrives just before the loop goes to sleep, or in another thread, interrupts no sleep.
        """
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        before = signal.set_wakeup_fd(self._far.fileno(), warn_on_full_buffer=False)
        try:
            yield
        finally:
            signal.set_wakeup_fd(before)

    def close(self) -> None:
        """Close both sockets."""
        self._near.close()
        self._far.close()
