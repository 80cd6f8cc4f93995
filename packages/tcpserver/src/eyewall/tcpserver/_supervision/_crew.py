"""The workers of a supervisor: started, replaced one at a time, stopped, and what it means when one dies."""

from __future__ import annotations

import math
import os
import signal
import socket
from typing import TYPE_CHECKING, Final

from .._forking import cause_of, fork, signals_held
from .._log import logger
from ._child import Job, be_deaf, work
from ._exit_code import ExitCode
from ._lifeline import READY, ParentEnd
from ._slot import Slot
from ._worker import Phase, Worker

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from ..protocols import MakeServer
    from ._dealing import Hand
    from ._settings import Settings

HANDLED: Final = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2)
RELOAD: Final = "SIGHUP"


class Crew:
    """N slots, and every worker process that is alive, whether it has a slot or is leaving.

    ``become_child`` is called in a new worker: it gives up what is the parent's.
    """

    def __init__(
        self, make_server: MakeServer, hands: list[Hand], settings: Settings, become_child: Callable[[], object]
    ) -> None:
        self._make_server = make_server
        self._settings = settings
        self._become_child = become_child
        self._slots = [Slot(number, hand, settings) for number, hand in enumerate(hands)]
        self._workers: dict[int, Worker] = {}
        self._reloading = False
        self.stopping = False
        self.exit_code: ExitCode = ExitCode.OK
        self.beaten = False
        """Whether a worker's loop has turned since this was last set to False."""

    def __iter__(self) -> Iterator[Worker]:
        """Go through the workers that are alive."""
        return iter(list(self._workers.values()))

    def __len__(self) -> int:
        """Return the number of workers that are alive."""
        return len(self._workers)

    def all_serve(self) -> bool:
        """True while each slot has a worker that became ready."""
        return all(slot.serves() for slot in self._slots)

    def size(self) -> int:
        """Return the number of slots."""
        return len(self._slots)

    def serving(self) -> int:
        """Return the number of slots with a worker that became ready."""
        return sum(slot.serves() for slot in self._slots)

    def is_reloading(self) -> bool:
        """True from :meth:`reload` until all have been replaced, or that was given up."""
        return self._reloading

    # What the supervisor tells it

    def reload(self) -> None:
        """Replace all workers, one at a time."""
        logger.info("SIGHUP: the workers are replaced, one at a time")
        self._reloading = True
        for slot in self._slots:
            if slot.worker is not None:
                slot.replace_because = RELOAD

    def stop(self, now: float) -> None:
        """Let every worker drain and end; start no more."""
        self.stopping = True
        for worker in self:
            worker.leave(now)

    def kill(self) -> None:
        """End every worker at once."""
        if self._workers:
            self._fail(ExitCode.CUT)
        for worker in self:
            worker.kill_at_once()

    def abandon(self) -> None:
        """Leave the workers to themselves: they drain, as when the supervisor has died."""
        for worker in self:
            worker.lifeline.close()

    def ask(self) -> None:
        """Have every worker report what it is doing."""
        for worker in self:
            worker.ask()

    def excuse(self, now: float) -> None:
        """Count no silence up to now against a worker."""
        for worker in self:
            worker.excuse(now)

    # What happens

    def listen(self, now: float) -> None:
        """Hear what the workers say."""
        for worker in self:
            signs = worker.listen(now)
            if not signs:
                continue
            self.beaten = True
            if READY in signs and worker.phase is Phase.SERVING:  # and was not told to go meanwhile
                self._is_ready(worker, now)
            if not self.stopping:
                self._slots[worker.number].wish_recycling(now)

    def _is_ready(self, worker: Worker, now: float) -> None:
        slot = self._slots[worker.number]
        if worker is not slot.coming:
            logger.info("%s serves", worker)
            return
        slot.worker, slot.coming, old = worker, None, slot.worker
        logger.info("%s serves, and %s is told to finish: %s", worker, old, slot.replace_because)
        slot.replace_because = None
        if old is not None:
            old.leave(now)

    def reap(self, pid: int, code: int, now: float) -> bool:
        """A child has ended; False if it is none of these."""
        worker = self._workers.pop(pid, None)
        if worker is None:
            return False
        worker.listen(now)
        slot = self._slots[worker.number]
        was_told = worker.phase is Phase.LEAVING or (worker.phase is Phase.KILLED and slot.worker is not worker)
        report = worker.lifeline.take_report()
        worker.lifeline.close()
        how = _how(code) + (f". It was doing this:\n{report}" if report and code < 0 else "")
        if code == -signal.SIGKILL and worker.phase is not Phase.KILLED:
            how += " (not by this supervisor; if memory ran out, the kernel's log says so)"
        if worker is slot.coming:
            self._replacement_failed(slot, worker, how, now)
        elif was_told or self.stopping:
            self._has_left(worker, code, how)
        elif worker is slot.worker:
            self._was_lost(slot, worker, how, now)
        return True

    def _has_left(self, worker: Worker, code: int, how: str) -> None:
        if code == 0 or (code == -signal.SIGTERM and not worker.was_ready):
            logger.info("%s has ended", worker)
        elif code == ExitCode.START_FAILED:
            logger.info("%s has ended: %s", worker, how)
        else:
            logger.warning("%s, told to finish, %s", worker, how)
            if self.stopping:
                self._fail(ExitCode.CUT)

    def _was_lost(self, slot: Slot, worker: Worker, how: str, now: float) -> None:
        delay = slot.lost(worker, now)
        if slot.worker is not None:
            then = f"{slot.worker} starts already in its place"
        elif delay:
            then = f"the next starts in {delay:g} s, for this was failure {slot.failures} in a row"
        else:
            then = "starting another"
        ready = "" if worker.was_ready else " before it was ready"
        logger.error("%s %s%s; %s", worker, how, ready, then)

    def _replacement_failed(self, slot: Slot, worker: Worker, how: str, now: float) -> None:
        logger.error("%s, to take the place of %s, %s; the old one stays", worker, slot.worker, how)
        slot.put_off_replacement(now)
        if self._reloading:
            self._reloading = False
            waiting = [other for other in self._slots if other.replace_because == RELOAD]
            for other in waiting:
                other.replace_because = None
            logger.error("SIGHUP is given up: %d of %d workers are old ones", len(waiting) + 1, len(self._slots))

    def _fail(self, code: ExitCode) -> None:
        if self.exit_code is ExitCode.OK:
            self.exit_code = code

    # What is to be done

    def due(self) -> float:
        """Return the moment at which :meth:`look_after` has something to do, if nothing happens before."""
        starts = [slot.start_at for slot in self._slots if slot.worker is None and not self.stopping]
        return min([*starts, *(worker.due() for worker in self)], default=math.inf)

    def look_after(self, now: float) -> None:
        """Do what is due."""
        for worker in self:
            worker.check(now)
        if self.stopping:
            return
        if all(slot.is_hopeless() for slot in self._slots):
            self._give_up(now)
            return
        for slot in self._slots:
            if slot.worker is None and now >= slot.start_at:
                slot.worker = self._start(slot, now)
        self._replace_one(now)

    def _replace_one(self, now: float) -> None:
        if any(slot.coming is not None for slot in self._slots):
            return
        for slot in self._slots:
            if slot.may_replace():
                logger.info("%s is to be replaced: %s", slot.worker, slot.replace_because)
                slot.coming = self._start(slot, now)
                return
        if self._reloading and not any(slot.replace_because == RELOAD or slot.is_starting() for slot in self._slots):
            self._reloading = False
            logger.info("SIGHUP: new workers serve in all places")

    def _give_up(self, now: float) -> None:
        were_ready = any(slot.last_was_ready for slot in self._slots)
        self._fail(ExitCode.CRASH_LOOP if were_ready else ExitCode.START_FAILED)
        logger.critical(
            "giving up: every worker has failed %d times in a row %s; the log has the cause of each",
            self._settings.max_failures,
            "soon after it was ready" if were_ready else "before it was ready",
        )
        self.stop(now)

    def _start(self, slot: Slot, now: float) -> Worker | None:
        near, far = socket.socketpair()
        try:
            with signals_held(HANDLED):
                pid = fork()
                if not pid:
                    self._become_child()
                    be_deaf()
        except OSError as error:
            near.close()
            far.close()
            slot.start_at = now + self._settings.max_back_off
            logger.error("cannot fork worker %d: %s; trying again in %g s", slot.number, error, slot.start_at - now)
            return None
        if not pid:
            near.close()
            self._work(slot, far)
        far.close()
        worker = Worker(slot.number, pid, ParentEnd(near), self._settings, now)
        self._workers[pid] = worker
        return worker

    def _work(self, slot: Slot, far: socket.socket) -> None:
        for worker in self:
            worker.lifeline.close()
        mine = [sock for group in slot.sockets.values() for sock in group]
        for other in self._slots:
            for sock in (sock for group in other.sockets.values() for sock in group):
                if sock not in mine:
                    sock.close()
        settings = self._settings
        work(Job(slot.number, self._make_server, slot.sockets, far, settings.grace, settings.beat_seconds))


def _how(code: int) -> str:
    try:
        return f"exited with status {code} ({ExitCode(code).name})"
    except ValueError:
        return cause_of(code)


def ended_children() -> Iterator[tuple[int, int]]:
    """Return the process id and the exit code of each child that has ended and was not asked after before."""
    while True:
        try:
            pid, status = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return
        if not pid:
            return
        yield pid, os.waitstatus_to_exitcode(status)
