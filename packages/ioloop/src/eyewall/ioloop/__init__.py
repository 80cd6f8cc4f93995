"""The event loop of the eyewall stack: Tornado's IOLoop on an event loop of your choice."""

from ._completed import CompletedFuture
from ._events import ERROR, NONE, READ, WRITE
from ._ioloop import IOLoop
from .errors import BackendNotFoundError, IOLoopError
from .protocols import Backend, CancelScope, EventLoop, Future, HasFileno, Promise, Task, Timer

__all__ = [
    "ERROR",
    "NONE",
    "READ",
    "WRITE",
    "Backend",
    "BackendNotFoundError",
    "CancelScope",
    "CompletedFuture",
    "EventLoop",
    "Future",
    "HasFileno",
    "IOLoop",
    "IOLoopError",
    "Promise",
    "Task",
    "Timer",
]
