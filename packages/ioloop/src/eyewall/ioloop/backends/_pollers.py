"""The system's ways to wait for descriptors, in one shape: epoll, kqueue, poll and select.

All of them report readiness for as long as it lasts. What they report of a descriptor is ``READ``,
``WRITE`` or both, or a greater number where it is in error or its peer has hung up.
"""

from __future__ import annotations

import contextlib
import math
import os
import select
from typing import TYPE_CHECKING, Any, Final, Protocol

from .._events import ERROR, READ, WRITE
from ..errors import BackendNotFoundError
from ._forking import keep_apart

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

_system: Any = select  # Any: typeshed shows of it what one platform has, and this file is for all of them


class Poller(Protocol):
    """Waits for descriptors. It may forget what it watches each for: the loop remembers."""

    @property
    def poll(self) -> Callable[[float | None], Iterable[tuple[int, int]]]:
        """Wait so many seconds, or for ever, and give the numbers that are ready, with their events."""
        ...

    @property
    def number(self) -> int | None:
        """Its own descriptor, which is readable while one is ready that it watches; None if it has none."""
        ...

    def watch(self, number: int, before: int, events: int) -> None:
        """Watch a descriptor for ``events``, instead of those of ``before``; 0 is none.

        Raises ``OSError`` or ``ValueError`` for one that cannot be watched. Does nothing where one
        that is no longer to be watched was closed before.
        """
        ...

    def close(self) -> None:
        """Free what the system has given."""
        ...


class EpollPoller:
    """Linux. Its events are ours."""

    def __init__(self) -> None:
        self._epoll: Any = _system.epoll()
        keep_apart(self)
        self.number: Final[int] = self._epoll.fileno()
        self.poll: Final[Callable[[float | None], Iterable[tuple[int, int]]]] = self._epoll.poll

    def watch(self, number: int, before: int, events: int) -> None:
        if not before:
            self._epoll.register(number, events)
        elif events:
            self._epoll.modify(number, events)
        else:
            try:  # noqa: SIM105 - suppress() takes as long as the rest of it
                self._epoll.unregister(number)
            except OSError:
                pass

    def close(self) -> None:
        self._epoll.close()

    def after_fork(self) -> None:
        """Become empty, under the same number: the child's, and no more the parent's."""
        if not self._epoll.closed:
            with _system.epoll() as empty:
                os.dup2(empty.fileno(), self.number, inheritable=False)


class PollPoller:
    """Any Unix. Its events are ours, and it counts in milliseconds."""

    def __init__(self) -> None:
        self._poll: Any = _system.poll()
        self.number: Final[int | None] = None

    def poll(self, timeout: float | None) -> Iterable[tuple[int, int]]:
        found: list[tuple[int, int]] = self._poll.poll(None if timeout is None else math.ceil(timeout * 1000))
        return found

    def watch(self, number: int, before: int, events: int) -> None:
        if not events:
            self._poll.unregister(number)
            return
        if not before:
            os.fstat(number)  # poll itself says only when it waits that there is no such descriptor
        self._poll.register(number, events)

    def close(self) -> None:
        """There is nothing to free."""


class SelectPoller:
    """Everywhere; on Unix only for numbers below 1024."""

    def __init__(self) -> None:
        self.number: Final[int | None] = None
        self._readers: set[int] = set()
        self._writers: set[int] = set()

    def poll(self, timeout: float | None) -> Iterable[tuple[int, int]]:
        try:
            # Windows reports a connection that failed in the third list only.
            readable, writable, failed = select.select(self._readers, self._writers, self._writers, timeout)
        except OSError:
            if closed := self._closed_ones():
                return closed
            raise
        found = dict.fromkeys(readable, READ)
        for number in writable:
            found[number] = found.get(number, 0) | WRITE
        for number in failed:
            found[number] = ERROR
        return found.items()

    def _closed_ones(self) -> list[tuple[int, int]]:
        """Find what was closed while it was watched: for its sake select has failed, without naming it."""
        return [(number, ERROR) for number in self._readers | self._writers if not _is_open(number)]

    def watch(self, number: int, before: int, events: int) -> None:
        if not before:
            select.select([number], (), (), 0)  # raises, rather now than in some later turn
        for numbers, wanted in ((self._readers, events & READ), (self._writers, events & WRITE)):
            if wanted:
                numbers.add(number)
            else:
                numbers.discard(number)

    def close(self) -> None:
        """There is nothing to free."""


class KqueuePoller:
    """macOS and the BSDs. It has a filter for each direction, and reports each by itself."""

    def __init__(self) -> None:
        self._kqueue: Any = _system.kqueue()
        self.number: Final[int] = self._kqueue.fileno()
        self._filters: Final = ((READ, _system.KQ_FILTER_READ), (WRITE, _system.KQ_FILTER_WRITE))

    def poll(self, timeout: float | None) -> Iterable[tuple[int, int]]:
        found: dict[int, int] = {}
        for event in self._kqueue.control(None, _MAX_EVENTS, timeout):
            happened = READ if event.filter == _system.KQ_FILTER_READ else WRITE
            found[event.ident] = found.get(event.ident, 0) | happened
        return found.items()

    def watch(self, number: int, before: int, events: int) -> None:
        for event, event_filter in self._filters:
            if events & ~before & event:
                self._kqueue.control([_system.kevent(number, event_filter, _system.KQ_EV_ADD)], 0, 0)
            elif before & ~events & event:
                with contextlib.suppress(OSError):
                    self._kqueue.control([_system.kevent(number, event_filter, _system.KQ_EV_DELETE)], 0, 0)

    def close(self) -> None:
        self._kqueue.close()


_MAX_EVENTS: Final = 1024  # of one call of kqueue

# The best first.
_POLLERS: Final[dict[str, Callable[[], Poller]]] = {
    "epoll": EpollPoller,
    "kqueue": KqueuePoller,
    "poll": PollPoller,
    "select": SelectPoller,
}


def make_poller(kind: str | None = None) -> Poller:
    """Make a poller of that kind, or of the best that the system has.

    Raises :class:`~eyewall.ioloop.BackendNotFoundError` for a kind that the system has not.
    """
    there_are = [name for name in _POLLERS if hasattr(select, name)]
    if kind is None:
        kind = there_are[0]
    if kind not in there_are:
        raise BackendNotFoundError(f"there is no {kind!r} on this system; there are: {', '.join(there_are)}")
    return _POLLERS[kind]()


def _is_open(number: int) -> bool:
    try:
        os.fstat(number)
    except OSError:
        return False
    return True
