"""eyewall's own event loop, on epoll, kqueue, poll or select: no asyncio event loop is beneath."""

from __future__ import annotations

import asyncio
import functools
import socket
from collections import deque
from contextvars import copy_context
from time import monotonic
from typing import TYPE_CHECKING, Any, Final

from .._callbacks import log_failure
from .._capability import Capability
from .._events import READ, WRITE
from .._signals import SignalHandlers
from ..protocols import P
from ._asyncio import ALL, AsyncioBackend
from ._executor import DefaultExecutor
from ._pollers import make_poller
from ._sides import Sides
from ._turns import TurnLoop, refuse
from ._waker import Waker
from ._watching import number_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from concurrent.futures import Executor
    from contextvars import Context

    from ..protocols import HasFileno, T, Ts
    from ._asyncio import Watch
    from ._turns import Call

_BOTH: Final = READ | WRITE
# Seconds. No poller takes all that a float can hold; to wake once a day costs nothing.
_LONGEST_WAIT: Final = 86_400.0


class Watched:
    """A descriptor that is watched: for what, and what is called."""

    __slots__ = ("call", "events", "origin")

    def __init__(self, events: int, call: Callable[[int], object], origin: object) -> None:
        self.events = events
        self.call = call
        self.origin = origin  # to be named where the call fails


class SelectorEventLoop(TurnLoop):
    """An event loop in asyncio's shape that waits for descriptors, and has no transports.

    In each turn it calls for the descriptors that are ready, and then runs what was added before
    the turn or by these calls, and the timers that are due.
    """

    signals: SignalHandlers

    def __init__(self, kind: str | None = None) -> None:
        super().__init__()
        self._poller = make_poller(kind)
        self._poll = self._poller.poll
        self._watched: dict[int, Watched] = {}
        self._added: set[int] = set()  # numbers, since the poller was last asked
        self._sides: dict[int, Sides] = {}
        self._executor = DefaultExecutor(self)
        self._waker = Waker()
        self.asleep: bool = False
        self.watch(self._waker.number, READ, self._waker.rest, self._waker)

    def time(self) -> float:
        return monotonic()

    # Turns

    def run_forever(self) -> None:
        with self._waker.by_signals():
            super().run_forever()

    def _wait(self) -> None:
        events = self._poll(0) if self.ready or self._stopping else self._sleep()
        watched = self._watched
        added = self._added
        added.clear()
        for number, happened in events:
            found = watched.get(number)
            # A handler of this round may have removed it, or closed it and registered another of the same number.
            if found is None or (added and number in added):
                continue
            # In error or hung up: whatever its owner waits for will tell.
            ready = found.events if happened > _BOTH else happened & found.events
            if ready:
                try:
                    found.call(ready)
                except (SystemExit, KeyboardInterrupt):
                    raise
                except BaseException as error:  # noqa: BLE001 - whatever it is, the loop goes on
                    log_failure(found.origin, error)

    def _sleep(self) -> Iterable[tuple[int, int]]:
        timeout = min(max(self._timers.next_moment() - monotonic(), 0), _LONGEST_WAIT) if self._timers else None
        try:
            self.asleep = True
            # What was added up to here is seen here, and what is added from here on wakes.
            return self._poll(0 if self.ready else timeout)
        finally:
            self.asleep = False

    def wake(self) -> None:
        """See to it that a callback that another thread or a signal handler has added is run."""
        if self.asleep:
            self.asleep = False  # once is enough
            self._waker.wake()

    def call_soon_threadsafe(
        self, callback: Callable[[*Ts], object], *args: *Ts, context: Context | None = None
    ) -> asyncio.Handle:
        handle = self.call_soon(callback, *args, context=context)
        self.wake()
        return handle

    # Descriptors

    def watch(self, number: int, events: int, call: Callable[[int], object], origin: object) -> None:
        """Call ``call(events)`` while the descriptor is ready for some of these events, one of them at least.

        A failure is logged as that of ``origin``. Raises ``ValueError`` for what is watched already, and
        what the system says of a descriptor that cannot be watched.
        """
        if number in self._watched:
            raise ValueError(f"descriptor {number} is watched already, for {self._watched[number].origin!r}")
        self._poller.watch(number, 0, events)
        self._watched[number] = Watched(events, call, origin)
        self._added.add(number)

    def watch_for(self, number: int, events: int) -> None:
        """Change what a descriptor is watched for; 0 ends the watch."""
        found = self._watched[number]
        if events:
            self._poller.watch(number, found.events, events)
            found.events = events
        else:
            del self._watched[number]
            self._poller.watch(number, found.events, 0)

    def add_reader(self, fd: int | HasFileno, callback: Callable[[*Ts], object], *args: *Ts) -> None:
        self._add_side(fd, READ, asyncio.Handle(callback, args, self))

    def add_writer(self, fd: int | HasFileno, callback: Callable[[*Ts], object], *args: *Ts) -> None:
        self._add_side(fd, WRITE, asyncio.Handle(callback, args, self))

    def remove_reader(self, fd: int | HasFileno) -> bool:
        return self._remove_side(fd, READ)

    def remove_writer(self, fd: int | HasFileno) -> bool:
        return self._remove_side(fd, WRITE)

    def _add_side(self, fd: int | HasFileno, event: int, handle: asyncio.Handle) -> None:
        self._check_open()
        number = number_of(fd)
        sides = self._sides.get(number)
        if sides is None:
            sides = Sides()
            self.watch(number, event, sides.call, sides)
            self._sides[number] = sides
        else:
            self.watch_for(number, sides.events | event)
        sides.handles[event] = handle

    def _remove_side(self, fd: int | HasFileno, event: int) -> bool:
        number = number_of(fd)
        sides = self._sides.get(number)
        if sides is None or sides.handles.pop(event, None) is None:
            return False
        if not sides.handles:
            del self._sides[number]
        self.watch_for(number, sides.events)
        return True

    # Threads, signals, names, and the end

    def run_in_executor(self, executor: Executor | None, func: Callable[[*Ts], T], *args: *Ts) -> asyncio.Future[T]:
        self._check_open()
        return self._executor.run(executor, func, args)

    def set_default_executor(self, executor: Executor) -> None:
        self._executor.set(executor)

    async def shutdown_default_executor(self, timeout: float | None = None) -> None:
        await self._executor.shut_down(timeout)

    async def getaddrinfo(self, host: Any, port: Any, **hints: int) -> Any:
        return await self.run_in_executor(None, functools.partial(socket.getaddrinfo, host, port, **hints))

    async def getnameinfo(self, sockaddr: Any, flags: int = 0) -> tuple[str, str]:
        return await self.run_in_executor(None, socket.getnameinfo, sockaddr, flags)

    def add_signal_handler(self, sig: int, callback: Callable[[*Ts], object], *args: *Ts) -> None:
        self._check_open()
        self.signals.add(sig, asyncio.Handle(callback, args, self)._run)

    def remove_signal_handler(self, sig: int) -> bool:
        return self.signals.remove(sig)

    def close(self) -> None:
        if self._closed:
            return
        super().close()
        self.signals.clear()
        self._executor.close()
        self._watched.clear()
        self._sides.clear()
        self._poller.close()
        self._waker.close()


refuse(
    SelectorEventLoop,
    (
        "connect_accepted_socket",
        "connect_read_pipe",
        "connect_write_pipe",
        "create_connection",
        "create_datagram_endpoint",
        "create_server",
        "create_unix_connection",
        "create_unix_server",
        "sendfile",
        "sock_accept",
        "sock_connect",
        "sock_recv",
        "sock_recv_into",
        "sock_recvfrom",
        "sock_recvfrom_into",
        "sock_sendall",
        "sock_sendfile",
        "sock_sendto",
        "start_tls",
        "subprocess_exec",
        "subprocess_shell",
    ),
    'it has no transports, servers and subprocesses of asyncio\'s; run on the backend "asyncio" or "uvloop" for them',
)


class SelectorBackend(AsyncioBackend):
    """The backend over a loop of that kind. It adds callbacks past the loop's handles, which cost the most."""

    def __init__(self, kind: str | None = None) -> None:
        # mypy and pyright take the methods refused above for missing: they are set by name.
        self._loop = SelectorEventLoop(kind)  # type: ignore[abstract]
        super().__init__(
            self._loop,
            name=f"selector:{kind}" if kind else "selector",
            capabilities=ALL - {Capability.ASYNCIO_TRANSPORTS}
            | {Capability.COMBINED_EVENTS, Capability.GUARDS_CALLBACKS},
        )
        self.time = monotonic
        self._loop.signals = SignalHandlers(self)
        self._ready: deque[Call] = self._loop.ready

    def _set_events(self, number: int, watch: Watch, events: int) -> None:
        before, wanted = watch.events & _BOTH, events & _BOTH
        if not before and wanted:
            run: Callable[..., object] = copy_context().run
            self._loop.watch(number, wanted, functools.partial(run, watch.handler, watch.given), watch.handler)
        elif before != wanted:
            self._loop.watch_for(number, wanted)
        watch.events = events

    def add_callback(self, callback: Callable[P, object], /, *args: P.args, **kwargs: P.kwargs) -> None:
        if kwargs:
            self.add_callback(functools.partial(callback, *args, **kwargs))
            return
        self._ready.append((None, copy_context(), callback, args))
        if self._loop.asleep:
            self._loop.wake()

    add_callback_from_signal = add_callback

    def close(self, *, all_fds: bool = False) -> None:
        super().close(all_fds=all_fds)
        self._ready = deque(maxlen=0)  # drops what another thread, which cannot know, still adds
