"""How much memory another process has resident."""

from __future__ import annotations

import os
import sys


def resident_bytes(pid: int) -> int | None:
    """Return the resident memory of a process, in bytes; None if it cannot be told."""
    if sys.platform == "linux":
        try:
            with open(f"/proc/{pid}/statm", "rb") as file:
                return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
        except (OSError, ValueError, IndexError):
            return None
    return _from_ps(pid)


def _from_ps(pid: int) -> int | None:
    import subprocess

    try:
        listed = subprocess.run(  # noqa: S603 - no word of it is anybody's input
            ["/bin/ps", "-o", "rss=", "-p", str(pid)], stdout=subprocess.PIPE, check=True, timeout=5
        )
        return int(listed.stdout) * 1024
    except (OSError, ValueError, subprocess.SubprocessError):
        return None
