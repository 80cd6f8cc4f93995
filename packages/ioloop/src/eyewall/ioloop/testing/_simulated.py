"""SimulatedLoop: an IOLoop for tests, on which hours pass in milliseconds and chance has a seed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .._ioloop import IOLoop

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from types import TracebackType
    from typing import Self

    from ..protocols import T


class SimulatedLoop(IOLoop):
    """An IOLoop with a virtual clock, for tests that do not wait and are exactly repeatable.

    Its clock starts at 0. In :meth:`run`, it jumps to the next timer whenever nothing is ready; :meth:`advance` moves
    it explicitly. With a ``seed`` other than 0, things that are ready at the same time run in an order drawn from it,
    and executor jobs, which run in the loop's own thread, end some turns later. There are no descriptors; for
    streams, see ``eyewall.iostream.testing``.

    If nothing can ever run again, or one run takes more than ``longest_run`` simulated seconds,
    :class:`~eyewall.ioloop.DeadlockError` says which tasks are waiting, and where.

    It is the current loop of the thread that created it until it is closed::

        with SimulatedLoop() as io_loop:
            io_loop.call_later(3600, print, "an hour later")
            io_loop.advance(3600)
    """

    def __init__(self, seed: int | None = 0, *, longest_run: float = 86_400.0) -> None:
        from ..backends._simulated import SimulatedEventLoop, simulated_backend

        # mypy and pyright take methods for missing that are set by name there.
        self._simulation = SimulatedEventLoop(seed, longest_run=longest_run)  # type: ignore[abstract]
        super().__init__(backend=simulated_backend(self._simulation))

    def run(self, main: Callable[[], Awaitable[T]] | Awaitable[T]) -> T:
        """Run a coroutine function, or a coroutine, to its end; return its result or raise its exception.

        Raises :class:`~eyewall.ioloop.DeadlockError` if it can never end.
        """
        return self.run_sync(main if callable(main) else lambda: main)

    def advance(self, seconds: float) -> None:
        """Move the clock, running everything that falls due, in order, and what is ready then.

        Only from outside the loop: within :meth:`run`, the clock moves by itself.
        """
        self._check_can_start()
        self._simulation.advance(seconds)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None, /
    ) -> None:
        """Cancel what tasks are left and close the loop."""
        try:
            self.shutdown()
        finally:
            self.close()
