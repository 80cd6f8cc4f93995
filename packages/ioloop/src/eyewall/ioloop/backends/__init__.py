"""Finds a backend by its name, or the one that already runs. The only place that names event loops."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from ..errors import BackendNotFoundError

if TYPE_CHECKING:
    from collections.abc import Callable

    from ..protocols import Backend

ENTRY_POINTS = "eyewall.ioloop.backends"


def _asyncio() -> Backend:
    from ._asyncio import AsyncioBackend

    return AsyncioBackend()


_BUILT_IN: dict[str, Callable[[], Backend]] = {"asyncio": _asyncio}


def make_backend(name: str) -> Backend:
    """Make the backend of that name. Raises :class:`~eyewall.ioloop.BackendNotFoundError`."""
    if factory := _BUILT_IN.get(name):
        return factory()
    raise BackendNotFoundError(name)


def running_backend() -> Backend | None:
    """Give the backend of the loop that runs in this thread, be it started by eyewall or not."""
    if "asyncio" not in sys.modules:
        return None
    from ._asyncio import running

    return running()
