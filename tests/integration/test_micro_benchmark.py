"""The micro benchmark fakes a stream by hand, and so has to keep up with what the HTTP layer asks of one."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_the_micro_benchmark_measures_every_part() -> None:
    command = [sys.executable, "-m", "benchmarks.micro", "--number", "1"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    assert "whole, to a RequestHandler" in done.stdout
