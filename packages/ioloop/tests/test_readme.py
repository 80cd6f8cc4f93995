"""The programs in the README run as they stand, and print what it says."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

README = (Path(__file__).parents[1] / "README.md").read_text(encoding="utf-8")
CODE = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
PROGRAMS = [code for code in CODE if "def test_" not in code]
TESTS = [code for code in CODE if "def test_" in code]
SAID = {"io_loop.watch(": "the loop has stood still"}  # on the standard error


def title(program: str) -> str:
    """Give what stands above a program."""
    return README.partition(program)[0].rpartition("\n\n")[0].rpartition("\n\n")[2][:50]


@pytest.mark.parametrize("program", PROGRAMS, ids=title)
def test_a_program_of_the_readme_runs_and_prints_what_it_says(program: str) -> None:
    for name in re.findall(r"^(?:import|from) (\w+)", program, re.MULTILINE):
        if find_spec(name) is None:
            pytest.skip(f"{name} is not installed")
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", program], check=False, capture_output=True, text=True, timeout=60
    )
    said = "".join(line for sign, line in SAID.items() if sign in program)
    assert (done.returncode, done.stderr[: len(said) or None]) == (0, said)
    assert done.stdout.split() == " ".join(re.findall(r"# prints: (.*)", program)).split()


def test_the_tests_of_the_readme_pass(tmp_path: Path) -> None:
    [tests] = TESTS
    (tmp_path / "test_theirs.py").write_text(tests)
    command = [sys.executable, "-m", "pytest", "-p", "eyewall.ioloop.testing.plugin", "--backends", "asyncio,simulated"]
    alone = {**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}  # what else is installed takes long to import
    done = subprocess.run(command, cwd=tmp_path, env=alone, check=False, capture_output=True, text=True)
    assert "3 passed" in done.stdout, done.stdout


def test_each_case_of_use_has_a_program_of_about_twenty_lines() -> None:
    section = README.partition("\n## Used by\n")[2].partition("\n## ")[0]
    cases = re.findall(r"^\*\*(.*?)\*\*.*?```python\n(.*?)```", section, re.MULTILINE | re.DOTALL)
    assert len(cases) == section.count("\n**") == 8
    too_long = [case for case, program in cases if len([line for line in program.splitlines() if line.strip()]) > 26]
    assert too_long == []
