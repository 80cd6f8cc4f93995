"""``python -m tests.fuzz SECONDS [FOLDER] [--target NAME]``: guided by coverage, from what the corpora hold.

The targets share the seconds; what is new goes into FOLDER, into a folder for each. Needs atheris.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from importlib import import_module
from pathlib import Path
from tempfile import TemporaryDirectory

import atheris

HERE = Path(__file__).parent
SHARES = {"http1": 0.5, "answers": 0.25, "forms": 0.25}
"""How much of the time is whose: the targets are modules, with a corpus and a dictionary of the same name."""


def fuzz(target: str, seconds: float, folder: Path) -> None:
    """Fuzz for so long, and end the process; what breaks something is left in a file, and belongs into the corpus."""
    with atheris.instrument_imports(include=["eyewall.httpserver"]):
        check = import_module(f".{target}", __package__).check
    options = [f"-max_total_time={seconds:.0f}", "-max_len=2000", f"-dict={HERE / target}.dict", "-timeout=20"]
    # The first folder is written to, the others are only read.
    found = folder / target
    found.mkdir(parents=True, exist_ok=True)
    atheris.Setup([sys.argv[0], *options, str(found), str(HERE / "corpus" / target)], check)
    atheris.Fuzz()


def main() -> int:
    """Fuzz each target in a process of its own; give 1 where one of them failed."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("seconds", type=float, nargs="?", default=60)
    parser.add_argument("folder", type=Path, nargs="?")
    parser.add_argument("--target", choices=SHARES)
    given = parser.parse_args()
    with TemporaryDirectory() as nowhere:
        folder = given.folder or Path(nowhere)
        if given.target:
            fuzz(given.target, given.seconds, folder)
        failed = False
        for target, share in SHARES.items():
            seconds = f"{given.seconds * share:.0f}"
            command = [sys.executable, "-m", "tests.fuzz", seconds, str(folder), "--target", target]
            print(f"{target}, {seconds} seconds", flush=True)
            failed |= subprocess.run(command, check=False).returncode != 0
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
