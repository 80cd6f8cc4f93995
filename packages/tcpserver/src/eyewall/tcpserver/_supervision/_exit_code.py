"""Exit codes: what a process manager can tell causes apart by."""

from __future__ import annotations

import enum


class ExitCode(enum.IntEnum):
    """With what status a :class:`Supervisor` or one of its workers exits.

    1 and 2 are Python's and argparse's, 64 and up sysexits', 126 and up the shell's and systemd's.
    """

    OK = 0
    """It was told to stop, or its successor has taken over; what it had begun was finished."""
    CRASHED = 1
    """An exception that nobody expected; the log has it."""
    LISTEN_FAILED = 10
    """Supervisor: a listening socket could not be had."""
    START_FAILED = 11
    """Worker: what makes its server raised. Supervisor: its workers do so every time; it gave up."""
    CRASH_LOOP = 12
    """Supervisor: workers get ready and die soon after, every time; it gave up."""
    CUT = 13
    """Stopped as told, but what did not end within the grace had to be cut."""
    ORPHANED = 14
    """Worker: its supervisor is gone. It has finished what it had begun, as far as the grace allowed."""
    LOOP_STOPPED = 15
    """Worker: something in it has stopped its event loop."""
