"""asyncio's own loop, with a way to wait of ours, which spares each event asyncio's handles and queue."""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from .._capability import Capability
from .._events import READ, WRITE
from ._asyncio import ALL, AsyncioBackend, backend_over
from ._dispatch import Dispatcher, DispatchingBackend, watched_already
from ._pollers import make_poller
from ._watching import number_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from _typeshed import FileDescriptorLike


class Keys(Mapping["FileDescriptorLike", selectors.SelectorKey]):
    """What is registered with a selector, by number and by whatever has that number."""

    def __init__(self) -> None:
        self.by_number: Final[dict[int, selectors.SelectorKey]] = {}

    def __getitem__(self, fileobj: FileDescriptorLike) -> selectors.SelectorKey:
        if (number := number_of(fileobj)) >= 0:
            return self.by_number[number]
        for key in self.by_number.values():  # closed, and not unregistered before
            if key.fileobj is fileobj:
                return key
        raise KeyError(fileobj)

    def __iter__(self) -> Iterator[FileDescriptorLike]:
        return iter(self.by_number)

    def __len__(self) -> int:
        return len(self.by_number)


class DispatchingSelector(selectors.BaseSelector):
    """A selector that calls a dispatcher's handlers by itself, while it is asked what is ready.

    From a ready descriptor to its handler asyncio takes five calls and its queue: 5,000 instructions, a twentieth
    of a small request. What asyncio itself registers, for ``add_reader`` and its transports, is told as by any
    other selector.
    """

    def __init__(self) -> None:
        self._poller = make_poller()
        self._poll = self._poller.poll
        self._keys = Keys()
        self.dispatcher: Final = Dispatcher(self._poller, self._keys.by_number)
        self._registered: set[int] = set()  # since the poller last answered

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        answer = self._poll(timeout)
        if self._registered:
            self._registered.clear()
        ready: list[tuple[selectors.SelectorKey, int]] = []
        for number, happened in self.dispatcher.dispatch(answer):
            key = self._keys.by_number.get(number)
            # What a handler has just registered is perhaps another descriptor of that number.
            if key is None or number in self._registered:
                continue
            if events := _in_their_terms(happened) & key.events:
                ready.append((key, events))
        return ready

    def register(self, fileobj: FileDescriptorLike, events: int, data: Any = None) -> selectors.SelectorKey:
        number = number_of(fileobj)
        if number in self._keys.by_number or number in self.dispatcher.watched:
            raise KeyError(watched_already(number))
        self._poller.watch(number, 0, _in_our_terms(events))
        self._registered.add(number)
        return self._keep(selectors.SelectorKey(fileobj, number, events, data))

    def unregister(self, fileobj: FileDescriptorLike) -> selectors.SelectorKey:
        key = self._keys.by_number.pop(self._keys[fileobj].fd)
        self._poller.watch(key.fd, _in_our_terms(key.events), 0)
        return key

    def modify(self, fileobj: FileDescriptorLike, events: int, data: Any = None) -> selectors.SelectorKey:
        key = self._keys[fileobj]
        if events != key.events:
            try:
                self._poller.watch(key.fd, _in_our_terms(key.events), _in_our_terms(events))
            except BaseException:
                del self._keys.by_number[key.fd]  # closed, and the number is another's now
                raise
        return self._keep(key._replace(events=events, data=data))

    def _keep(self, key: selectors.SelectorKey) -> selectors.SelectorKey:
        self._keys.by_number[key.fd] = key
        return key

    def get_map(self) -> Mapping[FileDescriptorLike, selectors.SelectorKey]:
        return self._keys

    def close(self) -> None:
        self._keys.by_number.clear()
        self.dispatcher.watched.clear()
        self._poller.close()


def _in_our_terms(events: int) -> int:
    return (READ if events & selectors.EVENT_READ else 0) | (WRITE if events & selectors.EVENT_WRITE else 0)


def _in_their_terms(happened: int) -> int:
    """Tell what a poller said: an error, or that the peer has hung up, is something to read and to write."""
    return (selectors.EVENT_READ if happened & ~WRITE else 0) | (selectors.EVENT_WRITE if happened & ~READ else 0)


def asyncio_backend() -> AsyncioBackend:
    """Make the backend over a new loop of the kind that asyncio makes here; over asyncio's own, with our selector."""
    made = asyncio.new_event_loop()
    if type(made) is not asyncio.SelectorEventLoop:
        return backend_over(made)  # of a policy that somebody has set, or on Windows
    made.close()
    selector = DispatchingSelector()
    capabilities = ALL | {Capability.COMBINED_EVENTS}
    loop = asyncio.SelectorEventLoop(selector)
    return DispatchingBackend(loop, selector.dispatcher, name="asyncio", capabilities=capabilities)
