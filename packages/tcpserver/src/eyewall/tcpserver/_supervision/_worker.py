"""A worker as its supervisor sees it: what phase it is in, since when, and whether that is too long."""

from __future__ import annotations

import enum
import math
import os
import random
import signal
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from .._log import logger
from ._lifeline import BEAT, END_OF_REPORT, READY
from ._memory import resident_bytes
from ._settings import LEAVE_MARGIN

if TYPE_CHECKING:
    from ._lifeline import ParentEnd
    from ._settings import Settings

REPORT_SECONDS: Final = 2.0
"""How long a worker that is to be killed may take to tell what it was doing."""


class Phase(enum.Enum):
    """What a worker does at the moment."""

    STARTING = "starting"
    SERVING = "serving"
    LEAVING = "leaving"
    """It was told to drain and end."""
    REPORTING = "reporting"
    """It takes too long, was asked what it is doing, and will be killed."""
    KILLED = "killed"


class Worker:
    """One worker process."""

    def __init__(self, number: int, pid: int, lifeline: ParentEnd, settings: Settings, now: float) -> None:
        self.number: Final = number
        self.pid: Final = pid
        self.lifeline: Final = lifeline
        self.phase = Phase.STARTING
        self.was_ready = False
        self.ready_at = math.inf
        self._settings = settings
        self._since = now
        self._beaten = now
        # A tenth more or less, so that workers that began together do not end together.
        self._old_at = math.inf if settings.max_age is None else now + settings.max_age * random.uniform(0.9, 1.1)  # noqa: S311
        self._why_killed = ""

    def __str__(self) -> str:
        return f"worker {self.number} (pid {self.pid})"

    def served_for(self, now: float) -> float:
        """Return the seconds since it became ready; 0 where it has not."""
        return max(0.0, now - self.ready_at)

    # What it says

    def listen(self, now: float) -> frozenset[int]:
        """Take in what it says, and give the signs."""
        told_before = self.lifeline.has_report()
        signs = self.lifeline.receive()
        if BEAT in signs:
            self._beaten = now
        if READY in signs and self.phase is Phase.STARTING:
            self._enter(Phase.SERVING, now)
            self.was_ready = True
            self.ready_at = self._beaten = now
        if self.phase is Phase.REPORTING:
            if END_OF_REPORT in signs:
                self._kill()
        elif END_OF_REPORT in signs or (told_before and BEAT in signs):
            # Nobody asked, and it goes on. What has come together with a beat may be the stack of a crash.
            self._log_report()
        return signs

    def ask(self) -> None:
        """Have it report what it is doing, for the log."""
        self.lifeline.ask(self.pid)

    def _log_report(self) -> None:
        if report := self.lifeline.take_report():
            logger.info("%s reports:\n%s", self, report)

    # What it is told

    def leave(self, now: float) -> None:
        """Tell it to drain and end."""
        if self.phase in {Phase.STARTING, Phase.SERVING}:
            self._enter(Phase.LEAVING, now)
            self._send(signal.SIGTERM)

    def kill_at_once(self) -> None:
        """End it without asking what it does."""
        self.phase = Phase.KILLED
        self._send(signal.SIGKILL)

    def _kill(self) -> None:
        logger.error(
            "%s is killed: %s. It was doing this:\n%s",
            self,
            self._why_killed,
            self.lifeline.take_report() or "  (it cannot tell)",
        )
        self.kill_at_once()

    def _send(self, number: int) -> None:
        with suppress(ProcessLookupError):
            os.kill(self.pid, number)

    def _enter(self, phase: Phase, now: float) -> None:
        self.phase = phase
        self._since = self._beaten = now

    # What is too much

    def due(self) -> float:
        """Return the moment at which :meth:`check` has something to do, if nothing happens before."""
        settings = self._settings
        overdue, hung = math.inf, math.inf
        if self.phase is Phase.STARTING:
            overdue = self._since + settings.start_timeout
        elif self.phase is Phase.LEAVING:
            overdue = self._since + settings.grace + LEAVE_MARGIN
        elif self.phase is Phase.REPORTING:
            overdue = self._since + REPORT_SECONDS
        if self.phase in {Phase.SERVING, Phase.LEAVING} and self.was_ready and settings.hang_timeout is not None:
            hung = self._beaten + settings.hang_timeout
        return min(overdue, hung)

    def check(self, now: float) -> None:
        """See that nothing takes too long: what does is asked for a report, and then killed."""
        if now < self.due():
            return
        if self.phase is Phase.REPORTING:
            self._kill()
            return
        self._why_killed = self._complaint(now)
        self._enter(Phase.REPORTING, now)
        self.ask()

    def _complaint(self, now: float) -> str:
        if self.phase is Phase.STARTING:
            return f"it has not become ready within {self._settings.start_timeout:g} s"
        if self.phase is Phase.LEAVING and now >= self._since + self._settings.grace + LEAVE_MARGIN:
            since = f"{now - self._since:.0f} s"
            return f"it has not ended {since} after it was told to, with {self._settings.grace:g} s of grace"
        return f"it hangs: its event loop has not turned for {self._settings.hang_timeout:g} s"

    def excuse(self, now: float) -> None:
        """Let what it has not said be forgotten: the supervisor itself was not there to hear it."""
        self._beaten = now

    def why_recycle(self, now: float) -> str | None:
        """Say why it is time for a new one in its place; None: it is not."""
        if now >= self._old_at:
            return f"it is {now - self.ready_at:.0f} s old"
        limit = self._settings.max_memory
        if limit is not None and (used := resident_bytes(self.pid)) is not None and used > limit:
            return f"it has {used / 2**20:.1f} MiB of memory resident, more than {limit / 2**20:.1f}"
        return None
