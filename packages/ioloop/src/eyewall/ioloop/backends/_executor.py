"""The threads that a loop of our own has for what blocks."""

from __future__ import annotations

import asyncio
import threading
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable
    from concurrent.futures import Executor

    from ..protocols import T, Ts


class DefaultExecutor:
    """Makes an executor when one is first needed, and ends it."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop: Final = loop
        self._executor: Executor | None = None
        self._shut_down = False

    def set(self, executor: Executor) -> None:
        """Use this one from now on."""
        self._executor = executor

    def run(self, executor: Executor | None, func: Callable[[*Ts], T], args: tuple[*Ts]) -> asyncio.Future[T]:
        """Call a function in a thread; None means the default. Raises ``RuntimeError`` after :meth:`shut_down`."""
        if executor is None:
            if self._shut_down:
                raise RuntimeError("the loop's executor has been shut down; give run_in_executor one of your own")
            executor = self._executor = self._executor or self._make()
        return asyncio.wrap_future(executor.submit(func, *args), loop=self._loop)

    @staticmethod
    def _make() -> Executor:
        from concurrent.futures import ThreadPoolExecutor

        return ThreadPoolExecutor(thread_name_prefix="eyewall.ioloop")

    async def shut_down(self, timeout: float | None) -> None:
        """Wait until its jobs have ended, or so many seconds; takes no more jobs."""
        self._shut_down = True
        if self._executor is None:
            return
        # Waiting for threads blocks, and so a thread has to do it.
        ended = self._loop.create_future()
        thread = threading.Thread(target=self._wait, args=(self._executor, ended))
        thread.start()
        try:
            await asyncio.wait_for(ended, timeout)
        except TimeoutError:
            self._executor.shutdown(wait=False)
        else:
            thread.join()

    def _wait(self, executor: Executor, ended: asyncio.Future[None]) -> None:
        executor.shutdown(wait=True)
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(_answer, ended)

    def close(self) -> None:
        """Take no more jobs, and wait for none."""
        self._shut_down = True
        if self._executor is not None:
            self._executor.shutdown(wait=False)


def _answer(future: asyncio.Future[None]) -> None:
    if not future.done():
        future.set_result(None)
