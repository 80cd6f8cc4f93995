"""run(): a whole program in one call."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ._ioloop import IOLoop
from .backends import running_backend

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from .protocols import Backend, T


def run(main: Callable[[], Awaitable[T]], *, backend: str | Backend | None = None) -> T:
    """Run a program: create a loop, await ``main()`` on it, cancel the remaining tasks, and close the loop.

    ``backend`` is chosen as by :class:`IOLoop`. Raises ``RuntimeError`` if a loop is already running::

        eyewall.ioloop.run(main, backend="uvloop")
    """
    if running_backend() is not None:
        raise RuntimeError("a loop runs in this thread already; await main() instead of run(main)")
    io_loop = IOLoop(backend=backend)
    try:
        return io_loop.run_sync(main)
    finally:
        try:
            # Not in a child that main() has forked and that ends by an exception.
            if io_loop._usable():  # pyright: ignore[reportPrivateUsage] - the layer's own
                io_loop.shutdown()
        finally:
            io_loop.close()
