"""The one socket pair between a supervisor and a worker.

The worker says on it that it is ready and, from its loop, that the loop turns. Asked for a report, it
sends text: the stacks of its threads, written by ``faulthandler`` on ``SIGQUIT`` (and on a crash),
which needs no Python to run; and its tasks, written by a thread that has nothing else to do, and so
also when the loop's thread is stuck. When the socket ends, the other side is gone.
"""

from __future__ import annotations

import contextlib
import faulthandler
import os
import signal
import socket
import threading
import time
from typing import TYPE_CHECKING, Final

from ._exit_code import ExitCode

if TYPE_CHECKING:
    from collections.abc import Callable

READY: Final = 0x02
BEAT: Final = 0x06
END_OF_REPORT: Final = 0x03
_SIGNS: Final = bytes((READY, BEAT, END_OF_REPORT))
_ASK: Final = b"?"
_MAX_REPORT: Final = 256 * 1024
"""Bytes of a report that are kept: enough for a hundred threads, or thousands of tasks."""
_STACKS_FIRST: Final = 0.2
"""Seconds that the stacks get to be written before the tasks; else the two would mix."""

STACKS_SIGNAL: Final = signal.SIGQUIT


class ParentEnd:
    """The supervisor's end."""

    def __init__(self, sock: socket.socket) -> None:
        sock.setblocking(False)
        self._sock = sock
        self._text = bytearray()
        self.ended = False
        """True once the worker has closed its end, most often by dying."""

    def fileno(self) -> int:
        """Return the descriptor."""
        return self._sock.fileno()

    def receive(self) -> frozenset[int]:
        """Return the signs that have come; what else has come is kept for :meth:`take_report`."""
        seen: set[int] = set()
        with contextlib.suppress(OSError):
            while data := self._sock.recv(65536):
                seen.update(sign for sign in _SIGNS if sign in data)
                self._text += data.translate(None, _SIGNS)[: _MAX_REPORT - len(self._text)]
            self.ended = True
        return frozenset(seen)

    def ask(self, pid: int) -> None:
        """Have the worker write the stacks of its threads, and its tasks."""
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, STACKS_SIGNAL)
        with contextlib.suppress(OSError):
            self._sock.send(_ASK)

    def has_report(self) -> bool:
        """True if text has come."""
        return bool(self._text)

    def take_report(self) -> str:
        """Return the text that has come, and forget it."""
        text, self._text = self._text, bytearray()
        return text.decode(errors="replace").rstrip()

    def close(self) -> None:
        """Let go; a worker that is still there takes it for the supervisor's end."""
        self._sock.close()


class WorkerEnd:
    """The worker's end. ``describe`` gives the tasks as text, ``on_orphaned`` is called when the parent is gone.

    A worker that is still there ``patience`` seconds after that is ended, whatever it does.
    """

    def __init__(
        self, sock: socket.socket, describe: Callable[[], str], on_orphaned: Callable[[], object], patience: float
    ) -> None:
        self._sock = sock
        self._describe = describe
        self._on_orphaned = on_orphaned
        self._patience = patience
        faulthandler.enable(file=sock.fileno(), all_threads=True)
        faulthandler.register(STACKS_SIGNAL, file=sock.fileno(), all_threads=True, chain=False)
        threading.Thread(target=self._listen, name="eyewall-lifeline", daemon=True).start()

    def ready(self) -> None:
        """Say that this worker serves."""
        self._say(READY)

    def beat(self) -> None:
        """Say that the loop turns."""
        self._say(BEAT)

    def _say(self, sign: int) -> None:
        with contextlib.suppress(OSError):  # full: the parent does not read; broken: _listen sees to it
            self._sock.send(bytes((sign,)), socket.MSG_DONTWAIT)

    def _listen(self) -> None:
        with contextlib.suppress(OSError):
            while self._sock.recv(64):
                self._report()
        self._on_orphaned()
        time.sleep(self._patience)
        os._exit(ExitCode.ORPHANED)

    def _report(self) -> None:
        time.sleep(_STACKS_FIRST)
        try:
            tasks = self._describe()
        except Exception as error:  # noqa: BLE001 - another thread's data, looked at while it may change
            tasks = f"  (cannot be told: {error!r})"
        self._sock.sendall(f"Tasks:\n{tasks}\n".encode(errors="replace") + bytes((END_OF_REPORT,)))
