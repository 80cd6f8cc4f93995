"""Calls handlers of descriptors straight from the answer of a poller, with no handle or queue in between."""

from __future__ import annotations

from contextvars import copy_context
from typing import TYPE_CHECKING, Any, Final

from .._callbacks import log_failure
from .._events import READ, WRITE
from ._asyncio import AsyncioBackend

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable, Iterable

    from ._asyncio import Watch
    from ._pollers import Poller

_BOTH: Final = READ | WRITE


class Watched:
    """A descriptor that is watched, and what is called: with what, for what, and in which context."""

    __slots__ = ("asked", "context", "events", "given", "handler")

    def __init__(self, given: Any, handler: Callable[[Any, int], object]) -> None:
        self.given = given
        self.handler = handler
        self.context = copy_context()
        # What the poller watches it for. What it is called for may be less in the round in which a
        # handler changes this: the poller's answer was for what was asked before, and perhaps for
        # another descriptor of the same number.
        self.asked = 0
        self.events = 0


def watched_already(number: int) -> str:
    """Say so, and what to do."""
    return f"descriptor {number} is watched already; remove its reader, writer or handler first"


class Dispatcher:
    """The descriptors that a poller watches for us, each with its handler."""

    def __init__(self, poller: Poller, others: dict[int, Any] | None = None) -> None:
        """Share the poller with whoever has it watch ``others``, by their numbers."""
        self._poller = poller
        self._others: dict[int, Any] = {} if others is None else others
        self.watched: Final[dict[int, Watched]] = {}
        self._changed: list[Watched] = []  # since the poller last answered

    def watch(self, number: int, events: int, given: Any, handler: Callable[[Any, int], object]) -> None:
        """Call ``handler(given, events)`` while the descriptor is ready for some of these events; 0 is not allowed.

        Raises ``ValueError`` for what is watched already, and what the system says of a descriptor
        that cannot be watched.
        """
        if number in self.watched:
            raise ValueError(watched_already(number))
        found = Watched(given, handler)
        try:
            self._ask(number, found, events)
        except FileExistsError:  # epoll's, for one that asyncio has it watch
            raise ValueError(watched_already(number)) from None
        # Where the system takes it, whoever had this number watched before has closed what it stood for.
        self._others.pop(number, None)
        self.watched[number] = found

    def watch_for(self, number: int, events: int) -> None:
        """Change what a descriptor is watched for; 0 ends the watch."""
        found = self.watched[number]
        if not events:
            del self.watched[number]
        self._ask(number, found, events)

    def _ask(self, number: int, found: Watched, events: int) -> None:
        self._poller.watch(number, found.asked, events)
        found.asked = events
        found.events &= events
        if events:
            self._changed.append(found)

    def dispatch(self, answer: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
        """Call the handlers of what the poller says is ready; give what is none of theirs."""
        watched = self.watched
        others: list[tuple[int, int]] = []
        if self._changed:
            for found in self._changed:
                found.events = found.asked
            self._changed.clear()
        for number, happened in answer:
            try:
                found = watched[number]
            except KeyError:  # another's, or removed by a handler in this round
                others.append((number, happened))
                continue
            ready = found.events
            if happened != ready:
                if happened <= _BOTH:  # else in error or hung up: whatever its owner waits for will tell
                    ready &= happened
                if not ready:
                    continue
            try:
                found.context.run(found.handler, found.given, ready)
            except (SystemExit, KeyboardInterrupt):
                raise
            except BaseException as error:  # noqa: BLE001 - whatever it is, the loop goes on
                log_failure(found.handler, error)
        return others


class DispatchingBackend(AsyncioBackend):
    """A backend over an asyncio loop whose descriptors are a dispatcher's."""

    def __init__(
        self, loop: asyncio.AbstractEventLoop, dispatcher: Dispatcher, *, name: str, capabilities: frozenset[str]
    ) -> None:
        super().__init__(loop, name=name, capabilities=capabilities)
        self._dispatcher = dispatcher

    def _set_events(self, number: int, watch: Watch, events: int) -> None:
        before, wanted = watch.events & _BOTH, events & _BOTH
        if before != wanted:
            if self.asyncio_loop.is_closed():  # perhaps by itself, when nothing is watched any more
                if wanted:
                    raise RuntimeError("Event loop is closed")
            elif before:
                self._dispatcher.watch_for(number, wanted)
            else:
                self._dispatcher.watch(number, wanted, watch.given, watch.handler)
        watch.events = events
