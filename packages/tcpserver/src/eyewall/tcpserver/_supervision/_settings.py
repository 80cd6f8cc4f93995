"""The limits that a supervisor keeps its workers to, checked once."""

from __future__ import annotations

from typing import Final, NamedTuple

BEAT_SECONDS: Final = 5.0
"""The longest time between two heartbeats of a worker."""
LEAVE_MARGIN: Final = 5.0
"""So many seconds beyond its grace a worker may take to end."""
_MAY_BE_NONE: Final = {"hang_timeout", "max_age", "max_memory", "watchdog"}


class Settings(NamedTuple):
    """Seconds, bytes and counts; see :class:`Supervisor`."""

    workers: int
    grace: float
    start_timeout: float
    hang_timeout: float | None
    max_age: float | None
    max_memory: int | None
    back_off: float
    max_back_off: float
    max_failures: int
    stable_seconds: float
    watchdog: float | None
    """Within how many seconds systemd wants to hear that the service lives."""

    @property
    def beat_seconds(self) -> float:
        """How often a worker's loop says that it turns: four times before anybody would worry."""
        limits = [limit / 4 for limit in (self.hang_timeout, self.watchdog) if limit is not None]
        return min([BEAT_SECONDS, *limits])

    def check(self) -> Settings:
        """Raise ``ValueError`` for what makes no sense, and ``TypeError`` for what is no number."""
        for name, value in self._asdict().items():
            if not isinstance(value, int | float) and not (value is None and name in _MAY_BE_NONE):
                raise TypeError(f"{name} is {value!r}: give a number")
        if self.grace < 0:
            raise ValueError(f"grace={self.grace!r}: a number of seconds, 0 or more")
        for name in ("start_timeout", "hang_timeout", "max_age", "max_memory", "back_off", "stable_seconds"):
            value = getattr(self, name)
            if value is not None and not value > 0:
                raise ValueError(f"{name}={value!r}: more than 0, or leave it out")
        if self.max_back_off < self.back_off:
            raise ValueError(f"max_back_off={self.max_back_off!r} is less than back_off={self.back_off!r}")
        if self.max_failures < 1:
            raise ValueError(f"max_failures={self.max_failures!r}: at least 1")
        return self
