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
        self._entries: list[tuple[float, int, E]] = []
        self._count = itertools.count()
        self._cancelled = 0

    def push(self, moment: float, entry: E) -> None:
        """Add an entry."""
        heapq.heappush(self._entries, (moment, next(self._count), entry))

    def note_cancelled(self) -> None:
        """Say that an entry of the heap has been cancelled."""
        self._cancelled += 1
        # Dropping the cancelled half at once keeps the cost linear.
        if self._cancelled > 100 and self._cancelled * 2 > len(self._entries):
            self._entries = [entry for entry in self._entries if not entry[2].cancelled()]
            heapq.heapify(self._entries)
            self._cancelled = 0

    def next_moment(self) -> float:
        """Give the moment of the first entry that still counts, or infinity."""
        while self._entries and self._entries[0][2].cancelled():
            heapq.heappop(self._entries)
            self._cancelled -= 1
        return self._entries[0][0] if self._entries else math.inf

    def take_due(self, now: float) -> list[E]:
        """Remove and give the entries whose moment has come."""
        due: list[E] = []
        while self.next_moment() <= now:
            due.append(heapq.heappop(self._entries)[2])
        return due

    def __bool__(self) -> bool:
        return bool(self._entries)

    def entries(self) -> list[E]:
        """Give them all, in no order, the cancelled ones that are still here included."""
        return [entry for _, _, entry in self._entries]

    def count(self) -> int:
        """Say how many count."""
        return len(self._entries) - self._cancelled

    def clear(self) -> None:
        """Forget all entries."""
        self._entries.clear()
        self._cancelled = 0
