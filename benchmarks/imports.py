"""``python -m benchmarks.imports``: how long each layer takes to import, against ``tornado.web``."""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from importlib.util import find_spec
from statistics import median
from typing import Final

MODULES: Final = (
    "eyewall.ioloop",
    "eyewall.iostream",
    "eyewall.tcpserver",
    "eyewall.httpserver",
    "eyewall.web",
    "asyncio",
    "tornado.web",
)
BASE: Final = "tornado.web"
_PROGRAM: Final = """
import sys, time
before, began = len(sys.modules), time.perf_counter()
import {module}
print(1000 * (time.perf_counter() - began), len(sys.modules) - before)
"""


def measure(module: str, cache: str) -> tuple[float, int]:
    """Import a module in a process of its own; give the milliseconds, and how many modules that loaded."""
    # -P: the current folder, where tests and benchmarks lie, is not searched, as it is not for an installed program.
    command = [sys.executable, "-P", "-c", _PROGRAM.format(module=module)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=compiling(cache))
    milliseconds, loaded = done.stdout.split()
    return float(milliseconds), int(loaded)


def compiling(cache: str) -> dict[str, str]:
    """Give the environment of a program that is compiled once, as an installed one is, whatever this one says."""
    return {**os.environ, "PYTHONDONTWRITEBYTECODE": "", "PYTHONPYCACHEPREFIX": cache}


def main() -> None:
    """Print the table of medians."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.imports", description=__doc__)
    parser.add_argument("--rounds", type=int, default=11, help="imports of each, interleaved (default: 11)")
    rounds = parser.parse_args().rounds
    modules = [module for module in MODULES if find_spec(module.partition(".")[0])]
    with tempfile.TemporaryDirectory() as cache:
        for module in modules:
            measure(module, cache)  # compiles what has not been, and brings the files into memory
        runs = [[measure(module, cache) for module in modules] for _ in range(rounds)]
    times = {module: median(run[place][0] for run in runs) for place, module in enumerate(modules)}
    print(f"{'':20}{'ms':>8}{'modules':>9}{'x ' + BASE:>15}")
    for module, (_, loaded) in zip(modules, runs[0], strict=True):
        against = f"{times[module] / times[BASE]:15.2f}" if BASE in times else ""
        print(f"{module:20}{times[module]:8.1f}{loaded:9}{against}")


if __name__ == "__main__":
    main()
