"""The programs in the README run as they stand."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

README = Path(__file__).parents[1] / "README.md"
PROGRAMS = re.findall(r"```python\n(.*?)```", README.read_text(encoding="utf-8"), re.DOTALL)
OUTPUTS = ["gave up: True\n", "", "hello\n", "hello\n", "True\n", "an hour later\n"]
SAID = ["", "", "", "", "the loop has stood still", ""]  # at the beginning of what goes to the standard error


@pytest.mark.parametrize(("program", "output", "said"), list(zip(PROGRAMS, OUTPUTS, SAID, strict=True)))
def test_a_program_of_the_readme_runs_and_prints_what_it_says(program: str, output: str, said: str) -> None:
    if "import trio" in program:
        pytest.importorskip("trio")
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", program], check=False, capture_output=True, text=True, timeout=30
    )
    assert (done.stdout, done.stderr[: len(said) or None]) == (output, said)
