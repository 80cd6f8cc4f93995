"""The parent's own loop, which turns when a signal comes, a worker speaks, or something is due."""

from __future__ import annotations

import math
import os
import select
import signal
import time
from typing import TYPE_CHECKING, Final

from .._forking import Alarm, cause_of, restore_signals, take_note
from .._log import logger, readable
from ._crew import HANDLED, Crew, ended_children
from ._dealing import all_of
from ._exit_code import ExitCode
from ._successor import start_successor
from ._systemd import ServiceNews

if TYPE_CHECKING:
    from .._forking import Handlers
    from ..protocols import MakeServer
    from ._dealing import Hand
    from ._settings import Settings
    from ._successor import Inheritance, Successor

_LATE_SECONDS: Final = 1.0
"""Waking up so much too late means that this process did not run; then nobody was heard."""


class Supervision:
    """One run of a supervisor. ``command`` is the program for SIGUSR2, None if there can be none."""

    def __init__(
        self,
        make_server: MakeServer,
        hands: list[Hand],
        settings: Settings,
        command: list[str] | None,
        directory: str,
        inherited: Inheritance | None,
    ) -> None:
        self._settings = settings
        self._command = command
        self._directory = directory
        self._inherited = inherited
        self._sockets = all_of(hands)
        self._crew = Crew(make_server, hands, settings, self._give_up_what_is_the_parents)
        self._news = ServiceNews(settings.watchdog, time.monotonic())
        self._successor: Successor | None = None
        self._signals: list[int] = []
        self._before: Handlers = {number: signal.getsignal(number) for number in (*HANDLED, signal.SIGCHLD)}
        self._alarm = Alarm()

    def run(self) -> ExitCode:
        """Supervise until no worker is left."""
        where = ", ".join(dict.fromkeys(readable(s.getsockname()) for group in self._sockets.values() for s in group))
        logger.info("supervisor (pid %d): %d workers are to serve %s", os.getpid(), self._settings.workers, where)
        self._handle_signals()
        try:
            while not (self._crew.stopping and not len(self._crew)):
                self._turn()
        except BaseException:
            self._crew.abandon()
            raise
        finally:
            self._give_up_what_is_the_parents()
            for group in self._sockets.values():
                for sock in group:
                    sock.close()
        code = self._crew.exit_code
        logger.info("supervisor (pid %d) exits with status %d (%s)", os.getpid(), code, code.name)
        return code

    def _turn(self) -> None:
        now = time.monotonic()
        self._crew.listen(now)
        for pid, code in ended_children():
            if not self._crew.reap(pid, code, now):
                self._other_child_ended(pid, code)
        while self._signals:
            self._on_signal(self._signals.pop(0), now)
        self._look_after_successor(now)
        self._crew.look_after(now)
        if self._inherited is not None and self._crew.all_serve():
            self._inherited.announce()
            self._inherited = None
        self._news.tell(self._crew, now)
        if len(self._crew) or not self._crew.stopping:
            self._wait(now)

    def _wait(self, began: float) -> None:
        """Wait until something happens or is due. The turn ``began`` then; this process may have stood still since."""
        due = min(self._crew.due(), self._news.due(), self._successor.deadline if self._successor else math.inf)
        poll = select.poll()
        poll.register(self._alarm, select.POLLIN)
        for worker in self._crew:
            if not worker.lifeline.ended:
                poll.register(worker.lifeline, select.POLLIN)
        if self._successor is not None and not self._successor.ended:
            poll.register(self._successor, select.POLLIN)
        due = max(due, began)
        ready = poll.poll(None if due == math.inf else max(0.0, due - time.monotonic()) * 1000 + 1)
        if any(fd == self._alarm.fileno() for fd, _ in ready):
            self._alarm.wait()
        if (now := time.monotonic()) > due + _LATE_SECONDS:
            self._crew.excuse(now)

    # Signals

    def _handle_signals(self) -> None:
        for number in HANDLED:
            # Ignored under nohup, or in a shell's background job: then to be stopped is somebody else's wish.
            if number not in {signal.SIGTERM, signal.SIGINT} or self._before[number] is not signal.SIG_IGN:
                signal.signal(number, lambda number, _frame: self._signals.append(number))
        signal.signal(signal.SIGCHLD, take_note)  # without a handler it would not set off the alarm

    def _on_signal(self, number: int, now: float) -> None:
        name = signal.Signals(number).name
        if number == signal.SIGUSR1:
            logger.info("SIGUSR1: the workers report what they are doing")
            self._crew.ask()
        elif number in {signal.SIGTERM, signal.SIGINT}:
            self._stop(name, now)
        elif self._crew.stopping:
            logger.warning("%s is ignored: the supervisor is stopping", name)
        elif number == signal.SIGHUP:
            self._crew.reload()
        else:
            self._start_successor(now)

    def _stop(self, name: str, now: float) -> None:
        if self._crew.stopping:
            logger.warning("%s once more: %d workers are killed", name, len(self._crew))
            self._crew.kill()
            return
        logger.info("%s: the workers drain, with %g s of grace", name, self._settings.grace)
        if self._successor is not None:
            self._successor.terminate()
        self._crew.stop(now)

    # Successor

    def _start_successor(self, now: float) -> None:
        if self._command is None:
            logger.error("SIGUSR2 is ignored: give Supervisor a function that binds the sockets, not the sockets")
            return
        if self._successor is not None:
            logger.warning("SIGUSR2 is ignored: the new program (pid %d) starts already", self._successor.pid)
            return
        # Its own supervisor gives slow workers a chance or two.
        deadline = now + 2 * self._settings.start_timeout
        try:
            self._successor = start_successor(
                self._command,
                self._directory,
                self._sockets,
                HANDLED,
                self._give_up_what_is_the_parents,
                deadline,
            )
        except OSError as error:
            logger.error("SIGUSR2: no new program could be started (%s); this one goes on", error)
            return
        logger.info("SIGUSR2: started the new program (pid %d): %s", self._successor.pid, " ".join(self._command))

    def _look_after_successor(self, now: float) -> None:
        successor = self._successor
        if successor is None:
            return
        if successor.is_ready():
            logger.info("the new program (pid %d) serves; the workers of this one drain", successor.pid)
            self._forget_successor()
            self._news.handed_over(successor.pid)
            self._crew.stop(now)
        elif now >= successor.deadline:
            logger.error("the new program (pid %d) takes too long and is ended; this one goes on", successor.pid)
            successor.terminate()
            self._forget_successor()

    def _other_child_ended(self, pid: int, code: int) -> None:
        if self._successor is not None and pid == self._successor.pid:
            logger.error("the new program (pid %d) %s before it served; this one goes on", pid, cause_of(code))
            self._forget_successor()

    def _forget_successor(self) -> None:
        if self._successor is not None:
            self._successor.close()
            self._successor = None

    def _give_up_what_is_the_parents(self) -> None:
        restore_signals(self._before)
        self._alarm.close()
        self._forget_successor()
        if self._inherited is not None:
            self._inherited.close()
