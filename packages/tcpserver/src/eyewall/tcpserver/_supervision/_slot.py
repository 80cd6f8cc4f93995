"""A place for one worker: who is in it, who is to follow, and how often that has failed."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from ._worker import Phase

if TYPE_CHECKING:
    import socket
    from collections.abc import Mapping, Sequence

    from ._settings import Settings
    from ._worker import Worker


class Slot:
    """One of the N places of a crew."""

    def __init__(self, number: int, sockets: Mapping[str, Sequence[socket.socket]], settings: Settings) -> None:
        self.number = number
        self.sockets = sockets
        self.worker: Worker | None = None
        """Who serves, or starts to, where nobody does."""
        self.coming: Worker | None = None
        """Who starts beside one that serves, to take its place."""
        self.replace_because: str | None = None
        self.replace_not_before = -math.inf
        self.start_at = -math.inf
        """When the next may start, where nobody is there."""
        self.failures = 0
        """How often in a row a worker has died before it had served for long."""
        self.last_was_ready = False
        """Whether the last of them had become ready."""
        self._settings = settings

    def serves(self) -> bool:
        """True while a worker that became ready is in this place."""
        return self.worker is not None and self.worker.phase is Phase.SERVING

    def is_starting(self) -> bool:
        """True while a worker in this place is not ready yet."""
        return self.worker is not None and self.worker.phase is Phase.STARTING

    def is_hopeless(self) -> bool:
        """True if workers have failed as often in a row as is allowed, and nobody serves."""
        return self.failures >= self._settings.max_failures and not self.serves()

    def may_replace(self) -> bool:
        """True if a successor is wanted, and could start now."""
        return self.replace_because is not None and self.coming is None and self.serves()

    def wish_recycling(self, now: float) -> None:
        """Look whether the worker has become too old or too big."""
        if self.worker is None or not self.serves() or self.replace_because or now < self.replace_not_before:
            return
        self.replace_because = self.worker.why_recycle(now)

    def lost(self, worker: Worker, now: float) -> float:
        """Note that the worker has died untold; give the seconds until the next may start."""
        if worker.served_for(now) >= self._settings.stable_seconds:
            self.failures = 0
            delay = 0.0
        else:
            delay = min(self._settings.max_back_off, self._settings.back_off * 2 ** min(self.failures, 30))
            self.failures += 1
        self.last_was_ready = worker.was_ready
        self.replace_because = None  # whoever follows is new
        self.worker, self.coming = self.coming, None
        self.start_at = now + delay
        return delay

    def put_off_replacement(self, now: float) -> None:
        """The successor has failed: the worker stays, and is not found too old or too big for a while."""
        self.replace_because = None
        self.coming = None
        self.replace_not_before = now + self._settings.max_back_off
