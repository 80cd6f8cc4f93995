"""``python -m benchmarks.instructions``: how many instructions a request takes, against the recorded count.

Needs valgrind. ``--record`` writes what was counted to ``benchmarks/instructions.json``, for this version of Python.
"""

from __future__ import annotations

import argparse
import json
import platform
import sys
from pathlib import Path
from typing import Final

from ._instructions import REQUESTS, count

RECORD: Final = Path(__file__).with_suffix(".json")
MARGIN: Final = 0.08
"""How much more than the recorded count a request may take. Two counts of one program differ by less than 1 %."""


def recorded() -> dict[str, int]:
    """Give the counts of this version of Python; empty where there are none."""
    counts: dict[str, dict[str, int]] = json.loads(RECORD.read_text()) if RECORD.exists() else {}
    return counts.get(platform.python_version(), {})


def excess(name: str, counted: int) -> str | None:
    """Say by how much a count is above the record, if that is more than the margin."""
    before = recorded().get(name, counted)
    if counted <= before * (1 + MARGIN):
        return None
    return (
        f"{name}: a request takes {counted:,} instructions, which is {counted / before - 1:.1%} more than the recorded "
        f"{before:,}; {MARGIN:.0%} are let pass. Make it cheaper, or say in the commit what it costs and why, and "
        "record it: python -m benchmarks.instructions --record"
    )


def main() -> int:
    """Print the counts, and give the exit status."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.instructions", description=__doc__)
    parser.add_argument("--record", action="store_true", help="keep these counts, to compare with from now on")
    parser.add_argument("--work", nargs="+", choices=sorted(REQUESTS), default=list(REQUESTS), help="these kinds only")
    chosen = parser.parse_args()
    before = recorded()
    counts = count(chosen.work)
    for name, counted in counts.items():
        change = f"{counted / before[name] - 1:+8.1%}" if name in before else "     new"
        print(f"{name:12}{counted:10,}{change}")
    if chosen.record:
        record: dict[str, dict[str, int]] = json.loads(RECORD.read_text()) if RECORD.exists() else {}
        record[platform.python_version()] = before | counts
        RECORD.write_text(json.dumps(dict(sorted(record.items())), indent=2) + "\n")
        return 0
    problems = [problem for name, counted in counts.items() if (problem := excess(name, counted))]
    print(*problems, sep="\n", end="\n" if problems else "")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
