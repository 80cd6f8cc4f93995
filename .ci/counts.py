"""Prints how many tests ran in each environment, and fails where that is none, or one of them failed.

An environment that runs nothing looks like one that passes; the counts are what tells them apart. A test that passed
only at its second try counts as passed, and is named: it is to be looked at.
"""

from __future__ import annotations

import sys
from collections import Counter
from pathlib import Path
from xml.etree import ElementTree as ET

LAYERS = ["ioloop", "iostream", "tcpserver", "httpserver", "web"]
EVERYWHERE = [*LAYERS, "integration", "board"]
EXPECTED = [*EVERYWHERE, "types", "imports", "wheels", "optimized", "load", "instructions"]
OUTCOMES = ["passed", "failed", "skipped"]


def part_of(classname: str) -> str:
    """Give what a test belongs to: packages.web.tests... is web's, tests.integration... the integration suite's."""
    return classname.split(".")[1]


def outcome_of(case: ET.Element) -> str:
    """Give what became of a test; one whose fixtures broke has failed."""
    if case.find("failure") is not None or case.find("error") is not None:
        return "failed"
    return "skipped" if case.find("skipped") is not None else "passed"


def name_of(case: ET.Element) -> str:
    """Give the name that a test has once in a report, unless it was tried again."""
    return f"{case.get('classname')}::{case.get('name')}"


def count(folder: Path) -> tuple[dict[str, Counter[str]], list[str]]:
    """Give the outcomes of each environment, those of the matrix by what they test; and the tests tried again."""
    rows: dict[str, Counter[str]] = {name: Counter() for name in EXPECTED}
    again: list[str] = []
    for report in sorted(folder.glob("*.xml")):
        name = report.stem
        if name.startswith("matrix-"):
            rows |= {f"{name} {part}": Counter() for part in EVERYWHERE}
        last_tries: dict[str, ET.Element] = {}
        for case in ET.parse(report).iter("testcase"):
            if name_of(case) in last_tries:
                again.append(f"{name_of(case)} in {name}")
            last_tries[name_of(case)] = case
        for case in last_tries.values():
            row = f"{name} {part_of(case.get('classname', ''))}" if name.startswith("matrix-") else name
            rows[row][outcome_of(case)] += 1
    return rows, sorted(set(again))


def main(folder: Path) -> int:
    """Print the table and the sums, and give the exit status."""
    rows, again = count(folder)
    print(f"{'':24}" + "".join(f"{outcome:>9}" for outcome in OUTCOMES))
    for name, row in rows.items():
        print(f"{name:24}" + "".join(f"{row[outcome]:9}" for outcome in OUTCOMES))
    for test in again:
        print(f"tried again: {test}")
    idle = [name for name, row in rows.items() if not row["passed"]]
    if idle:
        print(f"FAILED: no test passed in {', '.join(idle)}")
    total = sum(rows.values(), Counter[str]())
    print(", ".join(f"{total[outcome]} {outcome}" for outcome in OUTCOMES if total[outcome] or outcome != "skipped"))
    return 1 if idle or total["failed"] else 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
