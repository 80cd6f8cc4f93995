"""Timers in the order of their times; a cancelled one costs no more than its own removal."""

from __future__ import annotations

import heapq
import itertools
import math
from typing import Generic, Protocol, TypeVar


class Cancellable(Protocol):
    """What a heap holds."""

    def cancelled(self) -> bool:
        """True once it is not to run any more."""
        ...


E = TypeVar("E", bound=Cancellable)


class TimerHeap(Generic[E]):
    """Entries by their moments; those of the same moment in the order in which they came."""

    def __init__(self) -> None:
        self.entries: list[tuple[float, int, E]] = []  # a heap, the cancelled ones included
        self._count = itertools.count()
        self._cancelled = 0

    def push(self, moment: float, entry: E) -> None:
        """Add an entry."""
        heapq.heappush(self.entries, (moment, next(self._count), entry))

    def note_cancelled(self) -> None:
        """Say that an entry of the heap has been cancelled."""
        self._cancelled += 1
        # Dropping the cancelled half at once keeps the cost linear.
        if self._cancelled > 100 and self._cancelled * 2 > len(self.entries):
            self.entries = [entry for entry in self.entries if not entry[2].cancelled()]
            heapq.heapify(self.entries)
            self._cancelled = 0

    def next_moment(self) -> float:
        """Return the moment of the first entry that still counts, or infinity."""
        while self.entries and self.entries[0][2].cancelled():
            heapq.heappop(self.entries)
            self._cancelled -= 1
        return self.entries[0][0] if self.entries else math.inf

    def take_due(self, now: float) -> list[E]:
        """Remove and give the entries whose moment has come."""
        due: list[E] = []
        while self.next_moment() <= now:
            due.append(heapq.heappop(self.entries)[2])
        return due

    def count(self) -> int:
        """Say how many count."""
        return len(self.entries) - self._cancelled

    def clear(self) -> None:
        """Forget all entries."""
        self.entries.clear()
        self._cancelled = 0
