"""eyewall's own event loop, on epoll, kqueue, poll or select: no asyncio event loop is beneath."""

from __future__ import annotations

import asyncio
import functools
import socket
from collections import deque
from contextvars import copy_context
from time import monotonic
from typing import TYPE_CHECKING, Any, Final

from .._capability import Capability
from .._events import READ, WRITE
from .._signals import SignalHandlers
from ..protocols import P
from ._asyncio import ALL
from ._dispatch import Dispatcher, DispatchingBackend
from ._executor import DefaultExecutor
from ._pollers import make_poller
from ._sides import Sides
from ._turns import TRANSPORTS, TurnLoop, refuse
from ._waker import Waker
from ._watching import number_of

if TYPE_CHECKING:
    from collections.abc import Callable
    from concurrent.futures import Executor
    from contextvars import Context

    from ..protocols import HasFileno, T, Ts
    from ._turns import Call

# Seconds. No poller takes all that a float can hold; to wake once a day costs nothing.
_LONGEST_WAIT: Final = 86_400.0


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
        self.dispatcher: Final = Dispatcher(self._poller)
        self._sides: dict[int, Sides] = {}
        self._executor = DefaultExecutor(self)
        self._waker = Waker()
        self.asleep: bool = False
        self.dispatcher.watch(self._waker.number, READ, self._waker.number, self._waker.rest)

    def time(self) -> float:
        return monotonic()

    # Turns

    def run_forever(self) -> None:
        with self._waker.by_signals():
            super().run_forever()

    def _wait(self) -> None:
        if self.ready or self._stopping:
            # With nothing watched but the waker, there is nothing to ask.
            events = self._poll(0) if len(self.dispatcher.watched) > 1 else ()
        else:
            timeout: float | None = None
            if timers := self._timers.entries:
                # Maybe that of one which was cancelled: it is dropped then, rather than looked at in each turn.
                timeout = timers[0][0] - monotonic()
                if timeout < 0:
                    timeout = 0
                elif timeout > _LONGEST_WAIT:
                    timeout = _LONGEST_WAIT
            try:
                self.asleep = True
                # What was added up to here is seen here, and what is added from here on wakes.
                events = self._poll(0 if self.ready else timeout)
            finally:
                self.asleep = False
        if events:
            self.dispatcher.dispatch(events)

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

    def add_reader(self, fd: int | HasFileno, callback: Callable[[*Ts], object], *args: *Ts) -> None:
        self._add_side(fd, READ, asyncio.Handle(callback, args, self))

    def add_writer(self, fd: int | HasFileno, callback: Callable[[*Ts], object], *args: *Ts) -> None:
        self._add_side(fd, WRITE, asyncio.Handle(callback, args, self))

    def remove_reader(self, fd: int | HasFileno) -> bool:
        return self._remove_side(fd, READ)

    def remove_writer(self, fd: int | HasFileno) -> bool:
        return self._remove_side(fd, WRITE)

    def _add_side(self, fd: int | HasFileno, event: int, handle: asyncio.Handle) -> None:
        number = number_of(fd)
        sides = self._sides.get(number)
        if sides is None:
            sides = Sides()
            self._check_open()
            self.dispatcher.watch(number, event, number, sides.call)
            self._sides[number] = sides
        else:
            self.dispatcher.watch_for(number, sides.events | event)
        sides.handles[event] = handle

    def _remove_side(self, fd: int | HasFileno, event: int) -> bool:
        number = number_of(fd)
        sides = self._sides.get(number)
        if sides is None or sides.handles.pop(event, None) is None:
            return False
        if not sides.handles:
            del self._sides[number]
        self.dispatcher.watch_for(number, sides.events)
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
        self.dispatcher.watched.clear()
        self._sides.clear()
        self._poller.close()
        self._waker.close()


refuse(
    SelectorEventLoop,
    TRANSPORTS,
    'it has no transports, servers and subprocesses of asyncio\'s; run on the backend "asyncio" or "uvloop" for them',
)


class SelectorBackend(DispatchingBackend):
    """The backend over a loop of that kind. It adds callbacks past the loop's handles, which cost the most."""

    def __init__(self, kind: str | None = None) -> None:
        # mypy and pyright take the methods refused above for missing: they are set by name.
        self._loop = SelectorEventLoop(kind)  # type: ignore[abstract]
        super().__init__(
            self._loop,
            self._loop.dispatcher,
            name=f"selector:{kind}" if kind else "selector",
            capabilities=ALL - {Capability.ASYNCIO_TRANSPORTS}
            | {Capability.COMBINED_EVENTS, Capability.GUARDS_CALLBACKS},
        )
        self.time = monotonic
        self._loop.signals = SignalHandlers(self)
        self._loop.spawn = self.spawn
        self._ready: deque[Call] = self._loop.ready

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
