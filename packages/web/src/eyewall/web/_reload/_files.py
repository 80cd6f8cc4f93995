"""What is watched: the folders of the sources that are loaded, and those of templates."""

from __future__ import annotations

import os
import sys
import sysconfig
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable

_LIBRARIES: Final = tuple(
    sorted({os.path.realpath(sysconfig.get_path(name)) + os.sep for name in ("stdlib", "platstdlib", "purelib")})
)

CLOCK_TICK_SECONDS: Final = 0.05
"""By how much the date of a file may be behind the clock: the kernel's own goes by ticks."""


def loaded_sources() -> set[str]:
    """The files of the modules that are loaded, without Python's own and installed ones."""
    files = (getattr(module, "__file__", None) for module in list(sys.modules.values()))
    paths = {os.path.realpath(file) for file in files if isinstance(file, str)}
    return {path for path in paths if path.endswith(".py") and not path.startswith(_LIBRARIES)}


def folders_of(sources: Iterable[str], templates: Iterable[str]) -> set[str]:
    """The folders to be watched, each by itself: a program's may be a home, with all that is below."""
    below = (folder for top in templates for folder, _, _ in os.walk(top))
    return {os.path.dirname(source) for source in sources} | {os.path.realpath(folder) for folder in below}


def has_errors(path: str) -> SyntaxError | ValueError | None:
    """Say what is wrong with a source, as far as it can be said without running it."""
    try:
        with open(path, "rb") as file:
            compile(file.read(), path, "exec", dont_inherit=True)
    except OSError:
        return None  # gone again
    except (SyntaxError, ValueError) as error:
        return error
    return None


def newer_than(since: float, sources: Iterable[str], templates: Iterable[str]) -> set[tuple[str, float]]:
    """The sources, and the files of templates, that have changed since a time (``time.time``); with when they did."""
    files = (os.path.join(folder, name) for top in templates for folder, _, names in os.walk(top) for name in names)
    times = ((path, _changed_at(path)) for path in {*sources, *map(os.path.realpath, files)})
    return {(path, changed) for path, changed in times if changed > since - CLOCK_TICK_SECONDS}


def _changed_at(path: str) -> float:
    try:
        return os.stat(path).st_mtime
    except OSError:
        return 0  # an editor may write it anew in a moment
