"""A script of what goes wrong between two memory streams, and when."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence


class Delay(NamedTuple):
    """The transport is not ready for this many seconds of the loop's clock."""

    seconds: float


Step = int | Delay | OSError
"""What one receive or send does: transfer at most this many bytes, wait, or fail."""


class Faults(NamedTuple):
    """What happens to the receives and sends of one end, one after the other; afterwards nothing more goes wrong.

    A step is used up by a call that could do something: one that finds bytes, or the end, or room. For example,
    ``Faults(receive=[1, Delay(5), ConnectionResetError()])`` delivers the first byte, is silent for five seconds, and
    breaks. An error is raised by that one call; after ``BlockingIOError()``, ``InterruptedError()`` and
    ``OSError(errno.ENOBUFS, "")``, a stream tries again.
    """

    receive: Sequence[Step] = ()
    send: Sequence[Step] = ()


def random_faults(seed: int, *, steps: int = 20, largest: int = 16, longest: float = 10.0) -> Faults:
    """Draw small pieces, spurious wake-ups and delays from a seed; the same seed gives the same script.

    None of it breaks a stream: everything that is sent must arrive. Include the seed in the message of a failing
    test.
    """
    from random import Random

    chance = Random(seed)  # noqa: S311 - that is what the seed is for
    kinds: list[Callable[[], Step]] = [
        lambda: chance.randint(1, largest),
        lambda: chance.randint(1, largest),
        lambda: Delay(chance.uniform(0, longest)),
        BlockingIOError,
        InterruptedError,
    ]

    def script() -> list[Step]:
        return [chance.choice(kinds)() for _ in range(steps)]

    return Faults(script(), script())


class Script:
    """The steps of one direction, as they are used up."""

    def __init__(self, steps: Sequence[Step], now: Callable[[], float], wake_at: Callable[[float], object]) -> None:
        self._steps: deque[Step] = deque(steps)
        self._now = now
        self._wake_at = wake_at
        self._not_before = 0.0

    def silent(self) -> bool:
        """True while a delay lasts."""
        return self._now() < self._not_before

    def next(self, num_bytes: int) -> int:
        """Use up a step: give how many bytes may go, or raise what is to be raised."""
        if self.silent():
            raise BlockingIOError
        step = self._steps.popleft() if self._steps else num_bytes
        if isinstance(step, int):
            return min(step, num_bytes)
        if isinstance(step, Delay):
            self._not_before = self._now() + step.seconds
            self._wake_at(self._not_before)
            raise BlockingIOError
        raise step
