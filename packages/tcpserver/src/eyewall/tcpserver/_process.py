"""Worker processes: forked from a parent that restarts those that crash and hands on the signal to stop."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
from typing import TYPE_CHECKING, Final

from ._forking import Alarm, become_worker, cause_of, check_can_fork, fork, restore_signals, signals_held, take_note
from ._log import logger

if TYPE_CHECKING:
    from ._forking import Handlers

MAX_RESTARTS: Final = 100
_FORWARDED: Final = (signal.SIGTERM, signal.SIGINT)


def cpu_count() -> int:
    """Return the number of processors that this process may use; at least 1."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def fork_processes(num_processes: int | None, max_restarts: int | None = None) -> int:
    """Fork worker processes, and return in each of them its number, from 0 up.

    ``num_processes`` of None or 0 means one for each processor. The parent does not return. If a worker is killed by
    a signal or exits with a status other than 0, the parent starts it again with the same number, at most
    ``max_restarts`` times in all (default 100). It passes SIGTERM and SIGINT on to its workers, then starts no more
    and exits when the last one has ended: with status 0, or with 1 if a worker failed while stopping. Without a
    signal, it exits with 0 once all workers have done so.

    Raises ``RuntimeError`` in the parent after too many restarts, when the remaining workers have been stopped; and
    immediately if forking would break things: when this process already has an event loop, is itself a worker, or is
    not in its main thread.
    """
    check_can_fork("fork_processes")
    parent = _Parent(MAX_RESTARTS if max_restarts is None else max_restarts)
    task = parent.run(num_processes if num_processes is not None and num_processes > 0 else cpu_count())
    if task is None:
        sys.exit(parent.exit_status)
    return task


class _Parent:
    """The process that forked the others."""

    def __init__(self, max_restarts: int) -> None:
        self.exit_status = 0
        self._max_restarts = max_restarts
        self._restarts = 0
        self._task_of: dict[int, int] = {}
        self._told: set[int] = set()  # the signals that the workers were stopped with
        self._before: Handlers = {number: signal.getsignal(number) for number in (*_FORWARDED, signal.SIGCHLD)}
        self._alarm = Alarm()

    def run(self, count: int) -> int | None:
        """Fork, and see the workers to their end: None. In a worker: its number, at once."""
        logger.info("starting %d worker processes", count)
        self._forward_signals()
        try:
            return self._supervise(list(range(count)))
        except BaseException:
            self._stop_workers(signal.SIGTERM)
            raise
        finally:
            restore_signals(self._before)
            self._alarm.close()

    def _supervise(self, tasks: list[int]) -> int | None:
        """Start the tasks, and anew what crashes, until nothing runs."""
        while True:
            for task in tasks:
                if not self._told and self._fork(task):
                    return task
            if not self._task_of:
                break
            tasks = self._wait()
        if self._restarts > self._max_restarts:
            raise RuntimeError(
                f"worker processes crashed more than {self._max_restarts} times; the log has the cause of each"
            )
        return None

    def _fork(self, task: int) -> bool:
        """Start a worker; True in the worker."""
        with signals_held(_FORWARDED):
            pid = fork()
            if pid:
                self._task_of[pid] = task
                return False
            become_worker(task)
            self._task_of.clear()
            restore_signals(self._before)
            return True

    def _wait(self) -> list[int]:
        """Wait for a worker to end. Give the tasks to be started anew: one, or none."""
        while not (ended := os.waitpid(-1, os.WNOHANG))[0]:
            self._alarm.wait()
        pid, status = ended
        task = self._task_of.pop(pid, None)
        if task is None:  # a child of somebody else's
            return []
        code = os.waitstatus_to_exitcode(status)
        if code == 0 or -code in self._told:
            logger.info("worker %d (pid %d) has ended", task, pid)
            return []
        cause = cause_of(code)
        if self._told:
            logger.warning("worker %d (pid %d) %s while stopping", task, pid, cause)
            self.exit_status = 1
            return []
        self._restarts += 1
        if self._restarts > self._max_restarts:
            logger.error("worker %d (pid %d) %s; that was one crash too many, stopping all", task, pid, cause)
            self._stop_workers(signal.SIGTERM)
            return []
        logger.warning("worker %d (pid %d) %s; starting it anew", task, pid, cause)
        return [task]

    def _stop_workers(self, number: int) -> None:
        self._told.add(number)
        for pid in list(self._task_of):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, number)

    def _forward_signals(self) -> None:
        for number in _FORWARDED:
            if self._before[number] is not signal.SIG_IGN:  # nohup, or a shell's background job: ignored it stays
                signal.signal(number, lambda number, _frame: self._stop_workers(number))
        signal.signal(signal.SIGCHLD, take_note)  # without a handler it would not set off the alarm
