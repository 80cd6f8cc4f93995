"""What the Trio backend serves: callbacks, timers and descriptors, each kept from run to run.

Each has a Trio task of its own that calls back; no more happens between a ready descriptor and its
stream than a call. What is called back may be interrupted by control-C, the tasks themselves not.
"""

from __future__ import annotations

from collections import deque
from contextvars import copy_context
from typing import TYPE_CHECKING, Any, Final

import trio

from .._callbacks import log_failure
from .._events import READ, WRITE
from ..errors import BackendNotFoundError
from ._pollers import make_poller
from ._timers import TimerHeap
from ._watching import close_descriptor, number_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from contextvars import Context
    from typing import TypeAlias

    from ..protocols import F, HasFileno
    from ._pollers import Poller

    # What ends the run: KeyboardInterrupt and its like.
    Fatal: TypeAlias = Callable[[BaseException], object]

_BOTH: Final = READ | WRITE


@trio.lowlevel.disable_ki_protection
def call(fatal: Fatal, context: Context, callback: Callable[..., object], /, *args: Any, **kwargs: Any) -> None:
    """Call back, and log what is raised."""
    try:
        context.run(callback, *args, **kwargs)
    except Exception as error:  # noqa: BLE001 - whatever it is, the loop goes on
        log_failure(callback, error)
    except BaseException as error:  # noqa: BLE001 - as asyncio does: the run ends
        fatal(error)


class Callbacks:
    """Calls for the next turn, in the order in which they came."""

    def __init__(self, fatal: Fatal) -> None:
        self.fatal: Fatal = fatal
        self._ready: deque[tuple[Context, Callable[..., object], tuple[Any, ...], dict[str, Any]]] = deque()
        self._sleeper: trio.lowlevel.Task | None = None

    def add(self, context: Context, callback: Callable[..., object], /, *args: Any, **kwargs: Any) -> None:
        """Add a call; in the thread of the run."""
        self.put(context, callback, args, kwargs)
        self.wake()

    def put(
        self, context: Context, callback: Callable[..., object], args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> None:
        """Add a call that is noticed at the next :meth:`wake`; in any thread, and in signal handlers."""
        self._ready.append((context, callback, args, kwargs))

    def wake(self) -> None:
        """See to it that there is a turn."""
        if (sleeper := self._sleeper) is not None:
            self._sleeper = None
            trio.lowlevel.reschedule(sleeper)

    @trio.lowlevel.enable_ki_protection
    async def serve(self, after_turn: Callable[[], object]) -> None:
        """Run turns for ever."""
        while True:
            self.run_turn()
            after_turn()
            if self._ready:
                # Trio runs what is ready at once in any order, and whom this turn has woken comes before the next.
                await trio.lowlevel.checkpoint()
                await trio.lowlevel.checkpoint()
            else:
                self._sleeper = trio.lowlevel.current_task()
                await trio.lowlevel.wait_task_rescheduled(self._abort)

    def run_turn(self) -> None:
        """Run what is ready; timers and descriptors let it go first, whatever Trio's order."""
        ready, fatal = self._ready, self.fatal
        for _ in range(len(ready)):  # what these add runs in the next turn
            context, callback, args, kwargs = ready.popleft()
            call(fatal, context, callback, *args, **kwargs)

    def _abort(self, _: object) -> trio.lowlevel.Abort:
        self._sleeper = None
        return trio.lowlevel.Abort.SUCCEEDED

    def clear(self) -> None:
        """Forget all calls."""
        self._ready.clear()


class TrioTimer:
    """The :class:`~eyewall.ioloop.Timer` of the Trio backend."""

    __slots__ = ("_call", "_heap")

    def __init__(self, heap: TimerHeap[TrioTimer], *call: Any) -> None:
        self._heap: TimerHeap[TrioTimer] | None = heap  # None: it has fallen due
        self._call: tuple[Any, ...] | None = call

    def cancel(self) -> None:
        """Drop the call, if it has not been made. Idempotent."""
        if self._call is not None:
            self._call = None
            if self._heap is not None:
                self._heap.note_cancelled()

    def cancelled(self) -> bool:
        """True once it is not to run any more."""
        return self._call is None

    def fall_due(self) -> None:
        """Leave the heap."""
        self._heap = None

    def run(self, fatal: Fatal) -> None:
        """Call, unless it was cancelled, maybe by another of the same round."""
        if self._call is not None:
            context, callback, args, kwargs = self._call
            self._call = None
            call(fatal, context, callback, *args, **kwargs)


class Timers:
    """Calls at given moments."""

    def __init__(self, callbacks: Callbacks, time: Callable[[], float]) -> None:
        self._callbacks = callbacks
        self._time = time
        self._heap: TimerHeap[TrioTimer] = TimerHeap()
        self._wait: trio.CancelScope | None = None

    def add(self, when: float, callback: Callable[..., object], args: Any, kwargs: Any) -> TrioTimer:
        """Call at that moment."""
        timer = TrioTimer(self._heap, copy_context(), callback, args, kwargs)
        self._heap.push(when, timer)
        if (wait := self._wait) is not None and when < wait.deadline:
            wait.deadline = when
        return timer

    @trio.lowlevel.enable_ki_protection
    async def serve(self) -> None:
        """Wait for one moment after the other, for ever."""
        try:
            while True:
                with trio.CancelScope(deadline=self._heap.next_moment()) as self._wait:
                    await trio.sleep_forever()
                self._callbacks.run_turn()
                due = self._heap.take_due(self._time())
                for timer in due:
                    timer.fall_due()
                for timer in due:
                    timer.run(self._callbacks.fatal)
        finally:
            self._wait = None

    def count(self) -> int:
        """Say how many there are."""
        return self._heap.count()

    def clear(self) -> None:
        """Forget all calls."""
        self._heap.clear()


class Watch:
    """A descriptor, as it was given, with its handler."""

    __slots__ = ("context", "events", "given", "handler", "since")

    def __init__(self, given: Any, handler: Callable[[Any, int], object], since: int) -> None:
        self.given = given
        self.handler = handler
        self.context = copy_context()
        self.events = 0
        self.since = since


class Descriptors:
    """Handlers of descriptors.

    They are registered with an epoll or kqueue of eyewall's own, which is what Trio waits for: so a
    registration costs no task, it stays from one event to the next, and Trio, which would have to be
    told of each that is closed, knows none of them.
    """

    def __init__(self, callbacks: Callbacks) -> None:
        self._callbacks = callbacks
        self._watched: dict[int, Watch] = {}
        self._poller: Poller | None = None
        self._round = 0

    def add(self, fd: F, handler: Callable[[F, int], object], events: int) -> None:
        """Watch a descriptor."""
        number = number_of(fd)
        if number in self._watched:
            raise ValueError(f"descriptor {number} has a handler already; call remove_handler first")
        watch = Watch(fd, handler, self._round)
        self._set_events(number, watch, events)
        self._watched[number] = watch

    def update(self, fd: int | HasFileno, events: int) -> None:
        """Watch it for something else."""
        number = number_of(fd)
        if (watch := self._watched.get(number)) is None:
            raise ValueError(f"descriptor {number} has no handler; call add_handler first")
        self._set_events(number, watch, events)

    def remove(self, fd: int | HasFileno) -> None:
        """Watch it no more."""
        number = number_of(fd)
        if (watch := self._watched.pop(number, None)) is not None:
            self._set_events(number, watch, 0)

    def _set_events(self, number: int, watch: Watch, events: int) -> None:
        if self._poller is not None and events != watch.events:
            self._poller.watch(number, watch.events, events)
        watch.events = events

    @trio.lowlevel.enable_ki_protection
    async def serve(self) -> None:
        """Call handlers for ever."""
        self._poller = poller = make_poller()
        try:
            if poller.number is None:
                raise BackendNotFoundError('the backend "trio" needs epoll or kqueue, and this system has neither')
            self._begin()
            while True:
                await trio.lowlevel.wait_readable(poller.number)
                self._callbacks.run_turn()
                self._dispatch(poller.poll(0))
        finally:
            self._poller = None
            poller.close()

    def _begin(self) -> None:
        for number, watch in list(self._watched.items()):
            events, watch.events = watch.events, 0
            try:
                self._set_events(number, watch, events)
            except (OSError, ValueError) as error:
                del self._watched[number]
                log_failure(watch.handler, error)

    def _dispatch(self, happened: Iterable[tuple[int, int]]) -> None:
        self._round = now = self._round + 1
        watched, fatal = self._watched, self._callbacks.fatal
        for number, flags in happened:
            watch = watched.get(number)
            # One that was added in this round is another descriptor of that number.
            if watch is None or watch.since == now:
                continue
            # In error or hung up: whatever its owner waits for will tell.
            if events := watch.events if flags > _BOTH else flags & watch.events:
                call(fatal, watch.context, watch.handler, watch.given, events)

    def count(self) -> int:
        """Say how many there are."""
        return len(self._watched)

    def close(self, *, all_fds: bool) -> None:
        """Forget all descriptors, and maybe close them."""
        while self._watched:
            _, watch = self._watched.popitem()
            if all_fds:
                close_descriptor(watch.given)
