"""Runs a program as ``python FILE …`` or ``python -m MODULE …`` would; where it fails, waits for a change."""

from __future__ import annotations

import os
import runpy
import sys
import time
import traceback
from typing import TYPE_CHECKING

from ._command import restart
from ._files import folders_of, loaded_sources, newer_than
from ._watch import folder_changes

if TYPE_CHECKING:
    from collections.abc import Sequence


def main(command: Sequence[str]) -> None:
    """Run it. What it raises is shown, and a change of a source waited for; an exit of its own is one."""
    try:
        _run(command)
    except Exception as error:  # noqa: BLE001 - whatever the program raises
        traceback.print_exception(error)
        print("autoreload: waiting for a change", file=sys.stderr, flush=True)  # noqa: T201 - there may be no log yet
        _wait_for_change(error)
        restart()


def _run(command: Sequence[str]) -> None:
    if command[0] == "-m":
        sys.argv[:] = command[1:]
        sys.path[0] = os.getcwd()
        runpy.run_module(command[1], run_name="__main__", alter_sys=True)
    else:
        sys.argv[:] = command
        sys.path[0] = os.path.dirname(os.path.realpath(command[0]))
        runpy.run_path(command[0], run_name="__main__")


def _wait_for_change(error: Exception) -> None:
    """Wait for a source in the folder of any that is loaded, or that the error has to do with."""
    since = time.time()
    files = [frame.filename for frame in traceback.extract_tb(error.__traceback__)]
    if isinstance(error, SyntaxError) and error.filename is not None:
        files.append(error.filename)
    also = [os.path.realpath(file) for file in files if os.path.isfile(file)]
    for _ in folder_changes([], also):
        folders = folders_of([*loaded_sources(), *also], [])
        sources = [entry.path for folder in folders for entry in os.scandir(folder) if entry.name.endswith(".py")]
        if newer_than(since, sources, []):
            return


if __name__ == "__main__":
    main(sys.argv[1:])
