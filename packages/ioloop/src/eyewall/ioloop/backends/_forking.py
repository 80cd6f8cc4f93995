"""Keeps what a forked child does from its parent, with which it shares each epoll.

What the child unregisters there, as all does that is closed at its end, the parent would hear of no more.
"""

from __future__ import annotations

import os
from typing import Final, Protocol
from weakref import WeakSet


class HasShared(Protocol):
    """Something with a part that a forked child shares with its parent."""

    def after_fork(self) -> None:
        """Give up that part; called in the child."""
        ...


_alive: Final[WeakSet[HasShared]] = WeakSet()


def keep_apart(owner: HasShared) -> None:
    """Call ``owner.after_fork()`` in each child that is forked while there is an owner."""
    _alive.add(owner)


def _separate() -> None:
    for owner in list(_alive):
        owner.after_fork()


if hasattr(os, "register_at_fork"):  # not on Windows
    os.register_at_fork(after_in_child=_separate)
