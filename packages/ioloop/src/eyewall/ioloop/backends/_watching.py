"""What can be watched: a descriptor's number, or a file object that has one."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ..protocols import HasFileno


def number_of(fd: int | HasFileno) -> int:
    """Return the descriptor's number."""
    return fd if isinstance(fd, int) else fd.fileno()


def close_descriptor(given: Any) -> None:
    """Close it, unless its owner has done so before."""
    try:
        if isinstance(given, int):
            os.close(given)
        else:
            given.close()
    except OSError:
        pass
