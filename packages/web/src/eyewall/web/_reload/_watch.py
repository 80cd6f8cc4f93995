"""The thread that waits for a change, and starts the process anew."""

from __future__ import annotations

import os
import threading
import time
from typing import TYPE_CHECKING, Final

from .._log import general_log
from ._command import restart
from ._files import folders_of, has_errors, loaded_sources, newer_than

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

LOOK_AGAIN_MILLISECONDS: Final = 1000
"""After which what has been loaded since is watched too."""

_started = False


def watch_in_thread(templates: Sequence[str], since: float) -> None:
    """Watch from now on, once in a process; ``since`` is when the sources were read (``time.time``)."""
    global _started  # noqa: PLW0603 - of the process, as what it does is
    if not _started:
        _started = True
        threading.Thread(target=_watch, args=(templates, since), name="autoreload", daemon=True).start()


def _watch(templates: Sequence[str], since: float) -> None:
    try:
        broken: set[tuple[str, float]] = set()
        for _ in folder_changes(templates):
            looked_at = time.time()
            if changed := newer_than(since, loaded_sources(), templates) - broken:
                _restart_unless_broken(sorted(path for path, _ in changed))
                broken, since = changed, looked_at
    except Exception:  # noqa: BLE001 - of a thread that nobody waits for
        general_log.exception("autoreload has ended")


def folder_changes(templates: Sequence[str], also: Sequence[str] = ()) -> Iterator[None]:
    """Tell of a change in the folders of what is loaded, of ``also`` and of templates; and now and then of none.

    The latter because folders are added as modules are, and none is to be missed in between.
    """
    from watchfiles import watch

    while True:
        folders = folders_of([*loaded_sources(), *also], templates)
        for _ in watch(
            *filter(os.path.isdir, folders),
            recursive=False,
            yield_on_timeout=True,
            rust_timeout=LOOK_AGAIN_MILLISECONDS,
        ):
            yield
            if folders_of([*loaded_sources(), *also], templates) != folders:
                break


def _restart_unless_broken(paths: Sequence[str]) -> None:
    for path in paths:
        if path.endswith(".py") and (error := has_errors(path)) is not None:
            general_log.error("%s has changed, and is not taken: %s", path, error)
            return
    general_log.info("%s has changed: starting anew", ", ".join(paths))
    restart()
