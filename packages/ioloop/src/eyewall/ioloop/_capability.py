"""The names of what one backend can do and another cannot."""

from typing import Final


class Capability:
    """Names for ``Backend.capabilities``; tests skip by them, and by nothing else.

    Plain strings, so that a third party may add its own.
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
    """Tasks, handlers and timers live on between two calls of ``start``."""

    REAL_TIME: Final = "real_time"
    """The clock is that of the machine; without it, waiting costs no time."""

    ASYNCIO: Final = "asyncio"
    """What is written for asyncio (its futures, tasks, queues, time-outs) runs in tasks of the loop."""

    ASYNCIO_TRANSPORTS: Final = "asyncio_transports"
    """Transports, servers and subprocesses of asyncio's run on it, and so do most clients written for asyncio."""

    COMBINED_EVENTS: Final = "combined_events"
    """A descriptor that is readable and writable has its handler called once, with ``READ | WRITE``."""

    GUARDS_CALLBACKS: Final = "guards_callbacks"
    """It logs by itself what an added callback raises, and runs an awaitable that one returns as a task."""
