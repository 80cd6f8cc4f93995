"""The clerk: one thread that waits for SQLite, so that the event loop does not."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Concatenate, ParamSpec, TypeVar

from .store import Store

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from eyewall.ioloop import EventLoop

P = ParamSpec("P")
T = TypeVar("T")


class Clerk:
    """Answers questions to the store at ``path``, one after the other, each in a turn of its own thread.

    Make it after a fork: neither a thread nor a connection to SQLite survives one. The store is
    opened by the first question.
    """

    def __init__(self, path: Path, *, io_loop: EventLoop) -> None:
        self._path = path
        self._io_loop = io_loop
        self._executor = ThreadPoolExecutor(max_workers=1, thread_name_prefix="board-store")
        self._store: Store | None = None

    async def ask(self, question: Callable[Concatenate[Store, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Call a method of the store: ``await clerk.ask(Store.get, 12)``.

        Raises what the method raises, and :class:`~board.store.StoreError` where the store cannot be opened.
        """
        return await self._io_loop.run_in_executor(self._executor, lambda: question(self._opened(), *args, **kwargs))

    def _opened(self) -> Store:
        # SQLite's connection belongs to the thread that made it: this one.
        if self._store is None:
            self._store = Store(self._path)
        return self._store

    async def close(self) -> None:
        """Answer what has been asked, then close the store and end the thread."""
        await self._io_loop.run_in_executor(self._executor, self._close_store)
        self._executor.shutdown(wait=False)

    def _close_store(self) -> None:
        if self._store is not None:
            self._store.close()
            self._store = None
