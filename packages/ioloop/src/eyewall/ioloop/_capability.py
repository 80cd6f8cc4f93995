"""The names of what one backend can do and another cannot."""

from typing import Final


class Capability:
    """Names for ``Backend.capabilities``; tests are skipped by these names only.

    They are plain strings, so that a third party can add its own.
    """

    SOCKETS: Final = "sockets"
    """Descriptors can be watched: sockets, pipes, ``add_handler``."""

    THREADS: Final = "threads"
    """Callbacks added by other threads wake the loop, and executor jobs run in threads."""

    SIGNALS: Final = "signals"
    """A callback added by a signal handler wakes the loop; hence ``add_signal_handler`` works."""

    FORK: Final = "fork"
    """After ``os.fork`` the child can make and run a loop of its own."""

    SURVIVES_RUNS: Final = "survives_runs"
    """Tasks, handlers and timers stay alive between two calls of ``start``."""

    REAL_TIME: Final = "real_time"
    """The clock is the machine's; without this capability, waiting takes no time."""

    ASYNCIO: Final = "asyncio"
    """Code written for asyncio (its futures, tasks, queues, time-outs) runs in tasks of the loop."""

    ASYNCIO_TRANSPORTS: Final = "asyncio_transports"
    """asyncio's transports, servers and subprocesses work, and so do most clients written for asyncio."""

    COMBINED_EVENTS: Final = "combined_events"
    """The handler of a descriptor that is readable and writable is called once, with ``READ | WRITE``."""

    GUARDS_CALLBACKS: Final = "guards_callbacks"
    """The backend itself logs what an added callback raises, and runs an awaitable that one returns as a task."""
