"""The errors of the loop's layer."""

from __future__ import annotations


class IOLoopError(Exception):
    """The base of all that this layer raises by itself."""


class BackendNotFoundError(IOLoopError, LookupError):
    """No backend of that name can be made here; the message lists those that can."""
