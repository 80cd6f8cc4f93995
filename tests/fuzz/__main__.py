"""``python -m tests.fuzz SECONDS [CORPUS]``: guided by coverage, from what the corpus holds; needs atheris."""

from __future__ import annotations

import sys
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["eyewall.httpserver"]):
    from . import http1

HERE = Path(__file__).parent


def main() -> None:
    """Fuzz for so long; what breaks something is left in a file, and belongs into the corpus."""
    seconds = sys.argv[1] if len(sys.argv) > 1 else "60"
    folder = sys.argv[2] if len(sys.argv) > 2 else ""
    found = [folder] if folder else []
    options = [f"-max_total_time={seconds}", "-max_len=2000", f"-dict={HERE / 'http1.dict'}", "-timeout=20"]
    atheris.Setup([sys.argv[0], *options, *found, str(HERE / "corpus" / "http1")], http1.check)
    atheris.Fuzz()


main()
