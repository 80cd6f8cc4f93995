"""Exit codes: what a process manager can tell causes apart by."""

from __future__ import annotations

import enum


class ExitCode(enum.IntEnum):
    """The exit status of a :class:`Supervisor` or of one of its workers.

    Statuses 1 and 2 belong to Python and argparse, 64 and up to sysexits, 126 and up to the shell and systemd.
    """

    OK = 0
    """Told to stop, or replaced by a successor; all work in progress was finished."""
    CRASHED = 1
    """An unexpected exception, which is in the log."""
    LISTEN_FAILED = 10
    """Supervisor: a listening socket could not be created."""
    START_FAILED = 11
    """Worker: ``make_server`` raised an exception. Supervisor: that happened every time, and it gave up."""
    CRASH_LOOP = 12
    """Supervisor: workers got ready but died soon after, every time, and it gave up."""
    CUT = 13
    """Stopped as told, but what did not end within the grace period had to be cut off."""
    ORPHANED = 14
    """Worker: its supervisor had died. It finished the work in progress, as far as the grace period allowed."""
    LOOP_STOPPED = 15
    """Worker: something in it stopped its event loop."""
