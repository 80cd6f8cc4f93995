"""Types as a downstream user meets them: one program must check, and each marked line of another must not."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

HERE = Path(__file__).parent
ROOT = HERE.parents[1]


def output_of(*command: str | Path) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT)
    assert done.returncode in {0, 1}, done.stdout + done.stderr
    return done.stdout


def mypy(program: Path) -> dict[int, str]:
    """Give what mypy says of each line that it refuses."""
    lines = output_of("mypy", "--output=json", program).splitlines()
    told = [json.loads(line) for line in lines if line.startswith("{")]
    return {error["line"]: error["message"] for error in told if error["severity"] == "error"}


def pyright(program: Path) -> dict[int, str]:
    """Give what pyright says of each line that it refuses, strictly."""
    told = json.loads(output_of("pyright", "--outputjson", program))["generalDiagnostics"]
    return {error["range"]["start"]["line"] + 1: error["message"] for error in told if error["severity"] == "error"}


@pytest.mark.parametrize("program", ["downstream.py", "downstream_web.py"])
@pytest.mark.parametrize("check", [mypy, pyright])
def test_a_strict_program_of_a_downstream_user_checks(check: Callable[[Path], dict[int, str]], program: str) -> None:
    assert check(HERE / program) == {}


@pytest.mark.parametrize("check", [mypy, pyright])
def test_each_marked_mistake_is_refused_and_nothing_else(check: Callable[[Path], dict[int, str]]) -> None:
    program = HERE / "refused.py"
    lines = program.read_text().splitlines()
    marked = {number for number, line in enumerate(lines, 1) if line.endswith("# E")}
    refused = check(program)
    assert [lines[number - 1] for number in sorted(marked - refused.keys())] == [], "these must not check, and do"
    assert {n: text for n, text in refused.items() if n not in marked} == {}, "these must check, and do not"
