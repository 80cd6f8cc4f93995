"""What asyncio's ``add_reader`` and ``add_writer`` add: one callback for each direction of a descriptor."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .._events import READ, WRITE

if TYPE_CHECKING:
    import asyncio


class Sides:
    """A descriptor's callbacks."""

    __slots__ = ("handles",)

    def __init__(self) -> None:
        self.handles: dict[int, asyncio.Handle] = {}

    @property
    def events(self) -> int:
        """What the descriptor is to be watched for."""
        return sum(self.handles)

    def call(self, _number: int, happened: int) -> None:
        """Run the callbacks of what has happened, one of which may take the other away."""
        for event in (READ, WRITE):
            if happened & event and (handle := self.handles.get(event)) is not None:
                handle._run()
