"""The asyncio backend over uvloop's loop (extra ``uvloop``)."""

from __future__ import annotations

from ..errors import BackendNotFoundError
from ._asyncio import AsyncioBackend


def uvloop_backend() -> AsyncioBackend:
    """Make a backend over a new uvloop. Raises BackendNotFoundError where uvloop is not installed."""
    try:
        import uvloop
    except ImportError as error:
        raise BackendNotFoundError('the backend "uvloop" needs uvloop: pip install "eyewall-ioloop[uvloop]"') from error
    return AsyncioBackend(uvloop.new_event_loop(), name="uvloop")
