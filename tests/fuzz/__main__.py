"""``python -m tests.fuzz [FOLDER] (--seconds N | --runs N)``: guided by coverage, from what the corpora hold.

With ``--runs`` it tries the same each time, which is what a gate needs; with ``--seconds`` something else each time.
The targets share them; what is new goes into FOLDER, into a folder for each. Needs atheris.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from importlib import import_module
from pathlib import Path
from tempfile import TemporaryDirectory

import atheris

HERE = Path(__file__).parent
SHARES = {"http1": 0.5, "answers": 0.25, "forms": 0.25}
"""How much of the whole is whose: the targets are modules, with a corpus and a dictionary of the same name."""


def bounds(unit: str, total: int) -> list[str]:
    """Give the fuzzer's options for so many seconds, or runs."""
    if unit == "seconds":
        return [f"-max_total_time={total}"]
    # Neither looks at the folder's news by the clock, nor weighs an input by the time that it took.
    return [f"-runs={total}", "-seed=1", "-reload=0", "-entropic=0"]


def fuzz(target: str, options: list[str], folder: Path) -> None:
    """Fuzz that far, and end the process; what breaks something is left in a file, and belongs into the corpus."""
    with atheris.instrument_imports(include=["eyewall.httpserver"]):
        check = import_module(f".{target}", __package__).check
    options += ["-max_len=2000", f"-dict={HERE / target}.dict", "-timeout=20"]
    # The first folder is written to, the others are only read.
    found = folder / target
    found.mkdir(parents=True, exist_ok=True)
    atheris.Setup([sys.argv[0], *options, str(found), str(HERE / "corpus" / target)], check)
    atheris.Fuzz()


def main() -> int:
    """Fuzz each target in a process of its own; give 1 where one of them failed."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("folder", type=Path, nargs="?")
    parser.add_argument("--target", choices=SHARES, help="this one alone, in this process")
    bound = parser.add_mutually_exclusive_group(required=True)
    bound.add_argument("--seconds", type=int)
    bound.add_argument("--runs", type=int)
    given = parser.parse_args()
    unit, total = ("seconds", given.seconds) if given.runs is None else ("runs", given.runs)
    with TemporaryDirectory() as nowhere:
        folder = given.folder or Path(nowhere)
        if given.target:
            fuzz(given.target, bounds(unit, total), folder)
        failed = False
        for target, share in SHARES.items():
            part = f"{total * share:.0f}"
            command = [sys.executable, "-m", "tests.fuzz", str(folder), f"--{unit}", part, "--target", target]
            print(f"{target}, {part} {unit}", flush=True)
            # The order of sets is a part of what is covered.
            environment = {**os.environ, "PYTHONHASHSEED": "0"}
            failed |= subprocess.run(command, check=False, env=environment).returncode != 0
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
