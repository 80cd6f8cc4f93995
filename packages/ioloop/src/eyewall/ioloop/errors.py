"""The errors of the loop's layer.

IOLoopError
├── BackendNotFoundError (a LookupError)   no such backend here
├── BadYieldError (a TypeError)            run_sync was given what cannot be awaited
├── DeadlockError                          nothing can ever run again on a simulated loop
└── FutureStateError (a RuntimeError)      a future was asked for, or given, what it cannot have
"""

from __future__ import annotations


class IOLoopError(Exception):
    """The base class of the errors of this layer."""


class BackendNotFoundError(IOLoopError, LookupError):
    """There is no backend of that name here; the message lists those that there are."""


class BadYieldError(IOLoopError, TypeError):
    """A function returned neither an awaitable nor None."""


class DeadlockError(IOLoopError):
    """On a simulated loop, nothing can ever run again; the message says which tasks are waiting, and where."""


class FutureStateError(IOLoopError, RuntimeError):
    """On Trio: a future that is not done was asked for its result, or one that is done was answered.

    It is also the exception of a task that was cancelled, and of a future nobody waits for any more.
    """
