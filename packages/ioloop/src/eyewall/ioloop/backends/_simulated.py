"""The simulated loop: time is a number, chance is a seed, and waiting for ever is an error."""

from __future__ import annotations

import asyncio
import math
import random
from typing import TYPE_CHECKING, Any, Final, NoReturn

from .._capability import Capability
from ..errors import DeadlockError
from ._asyncio import AsyncioBackend
from ._turns import TRANSPORTS, TurnLoop, refuse
from ._waiting import describe_tasks

if TYPE_CHECKING:
    from collections.abc import Callable
    from concurrent.futures import Executor

    from ..protocols import T, Ts

# Two moments closer than this (seconds) are one: ten steps of 0.1 reach a timer at 1.0.
_RESOLUTION: Final = 1e-9
# So many turns without the clock moving (about a second of real time) are a loop that never ends.
_MAX_TURNS_AT_ONCE: Final = 1_000_000
# So many seconds (a day) in one run without its end mean that something ticks for ever.
_LONGEST_RUN: Final = 86_400.0
# A seeded executor job takes up to so many turns.
_MAX_JOB_TURNS: Final = 3


class SimulatedEventLoop(TurnLoop):
    """An asyncio event loop whose clock jumps to the next timer when nothing is ready.

    With a seed, what is ready at once runs in an order drawn from it; with None or 0, in the order
    of the calls.
    """

    def __init__(self, seed: int | None = 0, *, longest_run: float = _LONGEST_RUN) -> None:
        super().__init__()
        self._longest_run = longest_run
        self._run_ends = math.inf
        self._chance = random.Random(seed) if seed else None  # noqa: S311 - chance, no secret
        self._now = 0.0
        self._turns_at_once = 0
        self._end: float | None = None  # of the time that advance() lets pass

    def time(self) -> float:
        return self._now

    def advance(self, seconds: float) -> None:
        """Let time pass, running all that falls due, in order, and what is ready at the end."""
        if self._running:
            raise RuntimeError("the loop runs, and its clock jumps by itself: await a sleep instead of advance()")
        if not 0 <= seconds < math.inf:
            raise ValueError(f"time goes forward, by a finite number of seconds, not by {seconds!r}")
        self._end = self._now + seconds
        try:
            self.run_forever()
        finally:
            self._end = None

    def run_forever(self) -> None:
        self._run_ends = self._now + self._longest_run
        self._turns_at_once = 0
        super().run_forever()

    def _wait(self) -> None:
        self._turns_at_once += 1
        if self._turns_at_once > _MAX_TURNS_AT_ONCE:
            self._turns_at_once = 0
            self._give_up(f"{_MAX_TURNS_AT_ONCE} turns have run without time going on: something calls back for ever")
        if self.ready or self._stopping:
            return
        due = self._timers.next_moment()
        if self._end is not None and due > self._end + _RESOLUTION:
            self._jump(self._end)
            self.stop()
        elif due == math.inf:
            self._give_up("nothing can ever run again: no callback is ready and no timer is set")
        elif self._end is None and due > self._run_ends:
            self._give_up(f"this run has lasted {self._longest_run} seconds of simulated time")
        else:
            self._jump(due)

    def _give_up(self, reason: str) -> NoReturn:
        tasks = describe_tasks(asyncio.all_tasks(self))
        raise DeadlockError(f"{reason}. At {self._now} seconds these tasks wait:\n{tasks}")

    def _jump(self, moment: float) -> None:
        if moment > self._now:
            self._now = moment
            self._turns_at_once = 0

    def _run_ready(self) -> None:
        if self._chance is not None and len(self.ready) > 1:
            self._chance.shuffle(self.ready)
        super()._run_ready()

    def run_in_executor(self, executor: Executor | None, func: Callable[[*Ts], T], *args: *Ts) -> asyncio.Future[T]:
        """Call the function in a later turn, in this thread; no executor is ever used."""
        future: asyncio.Future[T] = self.create_future()
        turns = 1 if self._chance is None else self._chance.randint(1, _MAX_JOB_TURNS)

        def job(turns_left: int) -> None:
            if future.done():
                return
            if turns_left > 1:
                self.call_soon(job, turns_left - 1)
                return
            try:
                result = func(*args)
            except Exception as error:  # noqa: BLE001 - it is the future's
                future.set_exception(error)
            else:
                future.set_result(result)

        self.call_soon(job, turns)
        return future

    def set_default_executor(self, executor: Any) -> None:
        """Nothing to do: jobs run in the loop's own thread."""


refuse(
    SimulatedEventLoop,
    (
        *TRANSPORTS,
        "add_reader",
        "add_signal_handler",
        "add_writer",
        "getaddrinfo",
        "getnameinfo",
        "remove_reader",
        "remove_signal_handler",
        "remove_writer",
    ),
    "a simulated loop has no descriptors. Use eyewall.iostream.testing.memory_streams() instead of sockets, "
    'or run on the backend "asyncio"',
)


def simulated_backend(loop: SimulatedEventLoop | None = None) -> AsyncioBackend:
    """Make the backend over a simulated loop."""
    # mypy and pyright take the methods refused above for missing: they are set by name.
    made = SimulatedEventLoop() if loop is None else loop  # type: ignore[abstract]
    capabilities = frozenset((Capability.SURVIVES_RUNS, Capability.ASYNCIO))
    return AsyncioBackend(made, name="simulated", capabilities=capabilities)
