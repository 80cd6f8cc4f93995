"""The benchmark of the event loops still runs; what it measures is for a quiet machine."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path


def test_the_loops_are_compared() -> None:
    command = [sys.executable, "-m", "benchmarks.loop", "--rounds", "1", "--only", "selector"]
    root = Path(__file__).parents[2]
    done = subprocess.run(command, cwd=root, check=False, capture_output=True, text=True, timeout=60)
    assert done.stderr == ""
    heading, *lines = done.stdout.splitlines()
    assert heading.split() == ["ours", "theirs", "ratio", "limit"]
    assert len(lines) == 5
