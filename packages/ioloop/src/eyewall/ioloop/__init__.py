"""The event loop of the eyewall stack: Tornado's IOLoop on an event loop of your choice."""

from builtins import TimeoutError  # noqa: A004 - what run_sync raises, where Tornado has it
from typing import TYPE_CHECKING

from ._capability import Capability
from ._completed import CompletedFuture
from ._events import ERROR, NONE, READ, WRITE
from ._importing import import_later
from ._ioloop import IOLoop
from .backends import asyncio_backend
from .errors import BackendNotFoundError, BadYieldError, DeadlockError, FutureStateError, IOLoopError
from .protocols import Backend, CancelScope, EventLoop, Future, HasFileno, Promise, Task, Timer

if TYPE_CHECKING:
    from ._insight import Blockage, Counts, Insight, Lag
    from ._periodic import PeriodicCallback
    from ._run import run
else:  # what not every program needs is imported when it is first asked for
    from ._later import MODULES

    __getattr__, __dir__ = import_later(__name__, MODULES)

__all__ = [
    "ERROR",
    "NONE",
    "READ",
    "WRITE",
    "Backend",
    "BackendNotFoundError",
    "BadYieldError",
    "Blockage",
    "CancelScope",
    "Capability",
    "CompletedFuture",
    "Counts",
    "DeadlockError",
    "EventLoop",
    "Future",
    "FutureStateError",
    "HasFileno",
    "IOLoop",
    "IOLoopError",
    "Insight",
    "Lag",
    "PeriodicCallback",
    "Promise",
    "Task",
    "TimeoutError",
    "Timer",
    "asyncio_backend",
    "import_later",
    "run",
]
