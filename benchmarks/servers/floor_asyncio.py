"""What one task for each connection costs on asyncio by itself: a reader, a future, a task, a canned answer.

``python -m benchmarks.servers.floor_asyncio PORT [ANSWERS [BYTES [close]]]``: as ``floor``. What reads and
answers in a coroutine on asyncio has all of this, and HTTP besides.
"""

from __future__ import annotations

import asyncio
import socket
import sys

from .floor import answer_of


class Connection:
    """Answers on a socket until the peer goes away."""

    __slots__ = ("data", "loop", "socket", "waiter")

    def __init__(self, connected: socket.socket, loop: asyncio.AbstractEventLoop) -> None:
        self.socket = connected
        self.loop = loop
        self.data = b""
        self.waiter: asyncio.Future[None] = loop.create_future()

    def on_readable(self) -> None:
        """Read, and wake the task."""
        try:
            self.data = self.socket.recv(65536)
        except OSError:
            self.data = b""
        if not self.waiter.done():
            self.waiter.set_result(None)

    async def serve(self, answer: bytes, *, closes: bool) -> None:
        """Be the task of this connection."""
        self.loop.add_reader(self.socket.fileno(), self.on_readable)
        while True:
            await self.waiter
            if not self.data:
                break
            # Before the answer: what it brings in must find somebody who waits.
            self.waiter = self.loop.create_future()
            self.socket.send(answer)
            if closes:
                break
        self.loop.remove_reader(self.socket.fileno())
        self.socket.close()


async def serve(port: int, answer: bytes, *, closes: bool) -> None:
    """Accept, and make a task for each connection."""
    loop = asyncio.get_running_loop()
    tasks: set[asyncio.Task[None]] = set()
    with socket.create_server(("127.0.0.1", port), backlog=1024) as listener:
        listener.setblocking(False)
        while True:
            connected, _ = await loop.sock_accept(listener)
            connected.setblocking(False)
            connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            task = loop.create_task(Connection(connected, loop).serve(answer, closes=closes))
            tasks.add(task)
            task.add_done_callback(tasks.discard)


if __name__ == "__main__":
    asyncio.run(serve(int(sys.argv[1]), answer_of(sys.argv[2:]), closes="close" in sys.argv))
