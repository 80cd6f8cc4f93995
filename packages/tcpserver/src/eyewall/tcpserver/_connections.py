"""The connections that a server has: counted from the accept until the stream is closed and its task has ended."""

from __future__ import annotations

import weakref
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from eyewall.ioloop import EventLoop, Promise, Task
    from eyewall.iostream import Address, BaseIOStream


class _WeakStream(weakref.ref["BaseIOStream"]):
    """A stream that is not kept, and whose it is: so all share the function that is told when one is forgotten."""

    __slots__ = ("connection",)

    connection: Connection


class Connection:
    """One connection: the owner of its stream.

    The stream is held weakly. A handler that forgets it without closing it frees its descriptor, as a
    forgotten socket does.
    """

    __slots__ = ("_connections", "_stream", "_task", "address", "client")

    def __init__(self, connections: Connections, address: Address) -> None:
        self._connections = connections
        self._stream: _WeakStream | None = None
        self._task: Task[Any] | None = None
        self.address: Address = address
        """The client's."""
        self.client: str | None = None
        """What the connection counts under where connections are counted for each address."""

    def stream_opened(self, stream: BaseIOStream, /) -> None:
        self._stream = weak = _WeakStream(stream, _forgotten)
        weak.connection = self

    def stream_closed(self) -> None:
        self._stream = None
        self._end_if_over()

    def runs_in(self, task: Task[Any]) -> None:
        """Count until this task has ended, too."""
        self._task = task
        task.add_done_callback(self._task_ended)

    def cancel(self) -> None:
        """Cancel the task, if there is one."""
        if self._task is not None:
            self._task.cancel()

    def close(self, error: BaseException) -> None:
        """Close the stream, if it is open."""
        stream = None if self._stream is None else self._stream()
        if stream is not None:
            stream.close(error)

    def _task_ended(self, _: object) -> None:
        self._task = None
        self._end_if_over()

    def _end_if_over(self) -> None:
        if self._stream is None and self._task is None:
            self._connections.discard(self)


def _forgotten(stream: weakref.ref[BaseIOStream]) -> None:
    if isinstance(stream, _WeakStream):
        stream.connection.stream_closed()


class Connections:
    """All connections of a server."""

    def __init__(self, on_end: Callable[[Connection], object]) -> None:
        # A dict: a set of ten thousand takes twice the memory.
        self._all: dict[Connection, None] = {}
        self._on_end = on_end
        self._waiting: list[Promise[None]] = []

    def __len__(self) -> int:
        return len(self._all)

    def __iter__(self) -> Iterator[Connection]:
        """Go through those that are there now; they may end meanwhile."""
        return iter(list(self._all))

    def add(self, address: Address) -> Connection:
        connection = Connection(self, address)
        self._all[connection] = None
        return connection

    def discard(self, connection: Connection) -> None:
        if connection not in self._all:
            return
        del self._all[connection]
        self._on_end(connection)
        if not self._all:
            waiting, self._waiting = self._waiting, []
            for promise in waiting:
                if not promise.done():
                    promise.set_result(None)

    async def cut(self, error: BaseException, io_loop: EventLoop) -> None:
        """Close what is open, and cancel the tasks that do not end of that."""
        for connection in self:
            connection.close(error)
        turn: Promise[None] = io_loop.create_future()
        io_loop.add_callback(turn.set_result, None)
        await turn
        for connection in self:
            connection.cancel()

    async def wait_until_none(self, io_loop: EventLoop) -> None:
        """Wait until the last has ended."""
        if self._all:
            promise: Promise[None] = io_loop.create_future()
            self._waiting.append(promise)
            await promise
