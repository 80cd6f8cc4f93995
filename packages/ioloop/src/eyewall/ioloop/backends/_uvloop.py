"""The asyncio backend over uvloop's loop (extra ``uvloop``)."""

from __future__ import annotations

import contextlib
import gc
import sys
from typing import TYPE_CHECKING

from ..errors import BackendNotFoundError
from ._asyncio import ALL, AsyncioBackend

if TYPE_CHECKING:
    import asyncio

    from ._asyncio import Watch


def uvloop_backend() -> AsyncioBackend:
    """Make a backend over a new uvloop. Raises BackendNotFoundError where uvloop is not installed."""
    try:
        import uvloop
    except ImportError as error:
        raise BackendNotFoundError('the backend "uvloop" needs uvloop: pip install "eyewall-ioloop[uvloop]"') from error
    return over_uvloop(uvloop.new_event_loop(), name="uvloop")


def is_uvloop(loop: asyncio.AbstractEventLoop) -> bool:
    """True for uvloop's loop, and for subclasses of it."""
    return any(kind.__module__.partition(".")[0] == "uvloop" for kind in type(loop).__mro__)


if sys.platform == "linux":
    import select

    class UvloopBackend(AsyncioBackend):
        """Sees to it that a descriptor with an error goes on being watched.

        Where epoll reports an error, libuv calls back and stops watching, and uvloop (0.23) does not
        begin again: who is called with data, a reset behind it, would never hear of the reset. So
        each descriptor is also in an epoll of our own that asks for nothing, and hence reports errors
        and hang-ups only. uvloop watches that one; what it reports is registered anew, each turn
        until its handler has dealt with it. This costs a connection two system calls, an event nothing.
        """

        def __init__(self, loop: asyncio.AbstractEventLoop, *, name: str, capabilities: frozenset[str] = ALL) -> None:
            super().__init__(loop, name=name, capabilities=capabilities)
            self._broken = select.epoll()
            loop.add_reader(self._broken.fileno(), loop.call_soon, self._watch_again)

        def _count_timers(self) -> int:
            # uvloop's own set of them, which it does not show.
            held: list[set[object]] = [thing for thing in gc.get_referents(self.asyncio_loop) if isinstance(thing, set)]
            return sum(type(thing).__name__ == "TimerHandle" for things in held for thing in things)

        def close(self, *, all_fds: bool = False) -> None:
            super().close(all_fds=all_fds)
            self._broken.close()

        def _set_events(self, number: int, watch: Watch, events: int) -> None:
            before = watch.events
            super()._set_events(number, watch, events)
            # Somebody may have closed the descriptor before its handler was removed, or another of the same file.
            with contextlib.suppress(OSError):
                if events and not before:
                    self._broken.register(number, 0)
                elif before and not events:
                    self._broken.unregister(number)

        def _watch_again(self) -> None:
            for number, _ in self._broken.poll(0):
                if (watch := self._watched.get(number)) is not None:
                    events = watch.events
                    super()._set_events(number, watch, 0)
                    super()._set_events(number, watch, events)

    over_uvloop = UvloopBackend
else:
    over_uvloop = AsyncioBackend
