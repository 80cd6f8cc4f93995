"""The board as a program, for tests that meet it over real sockets."""

from __future__ import annotations

import re
import subprocess
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path

PATIENCE_SECONDS = 60


@contextmanager
def running(folder: Path, *arguments: str) -> Generator[tuple[subprocess.Popen[str], str]]:
    """Run the board in a folder; gives the process and the address that it printed."""
    command = [sys.executable, "-m", "board", *arguments]
    with subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            line = process.stdout.readline()
            found = re.search(r"http://127\.0\.0\.1:\d+/", line)
            assert found, f"no address in {line!r}"
            yield process, found[0]
        finally:
            # Not SIGKILL, which would leave the workers of a parent behind.
            process.terminate()
