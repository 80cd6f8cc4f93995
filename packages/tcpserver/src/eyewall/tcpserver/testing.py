"""For tests: a connection that no listening socket accepted, and clients without pause for what must lose none."""

from __future__ import annotations

import threading
from collections import Counter
from typing import TYPE_CHECKING

from eyewall.ioloop import IOLoop
from eyewall.iostream.testing import memory_streams

from ._dispatch import dispatch
from ._tcpserver import TCPServer

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType
    from typing import Self

    from eyewall.ioloop import EventLoop
    from eyewall.iostream import Address
    from eyewall.iostream.testing import MemoryStream

    from .protocols import StreamHandler


def connect(
    handler: StreamHandler, *, address: Address = ("192.0.2.1", 49152), io_loop: EventLoop | None = None
) -> MemoryStream:
    """Connect to a handler as a client would, and return the client's end.

    The handler gets the other end exactly as ``TCPServer`` would pass it: what it returns runs as a task, and its
    exceptions are logged and close the stream. ``address`` is that of the client.
    """
    io_loop = IOLoop.current() if io_loop is None else io_loop
    client, server = memory_streams(io_loop=io_loop)
    if isinstance(handler, TCPServer):
        handler.serve_stream(server, address)
    else:
        dispatch(handler, server, address, io_loop)
    return client


class Load:
    """Clients that connect without pause, each in a thread, and what happened to them: to show that nobody is lost.

    ``visit`` is what a client does again and again: it connects, and calls :meth:`answered` for each answer that it
    gets. If it raises a ``ConnectionRefusedError``, the visit counts as refused; with any other exception, as broken.

    ::

        def visit(load: Load) -> None:
            with socket.create_connection(address) as sock:
                load.answered(ask_which_worker(sock))

        with Load(visit) as load:
            load.wait_for_more(50)
            supervisor.send_signal(signal.SIGHUP)
            load.wait_for_more(50)
        assert (load.refused, load.broken) == (0, []), load.verdict()
    """

    def __init__(self, visit: Callable[[Load], object], clients: int = 8) -> None:
        self.refused: int = 0
        """The number of visits that found nobody listening."""
        self.broken: list[str] = []
        """The errors of visits that ended in another way."""
        self.answers: Counter[str] = Counter()
        """How many answers came, by who gave them."""
        self._visit = visit
        self._over = threading.Event()
        self._more = threading.Condition()
        self._threads = [threading.Thread(target=self._run) for _ in range(clients)]

    @property
    def over(self) -> bool:
        """True once the visits should end, for a visit that asks for many things."""
        return self._over.is_set()

    def answered(self, who: str) -> None:
        """Count an answer, and who gave it."""
        with self._more:
            self.answers[who] += 1
            self._more.notify_all()

    def wait_for_more(self, count: int, timeout: float = 30.0) -> None:
        """Wait for this many further answers, so that what is done next happens under load.

        Raises ``TimeoutError`` if they have not come within ``timeout`` seconds.
        """
        with self._more:
            goal = self.answers.total() + count
            if not self._more.wait_for(lambda: self.answers.total() >= goal, timeout):
                raise TimeoutError(f"{count} answers more have not come in {timeout:g} s: {self.verdict()}")

    def verdict(self) -> str:
        """Return a summary in one line."""
        lost = f"{self.refused} refused, {len(self.broken)} broken {self.broken[:5]}"
        return f"{self.answers.total()} answers from {len(self.answers)} processes, {lost}"

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._over.set()
        for thread in self._threads:
            thread.join()

    def _run(self) -> None:
        while not self.over:
            try:
                self._visit(self)
            except ConnectionRefusedError:
                with self._more:
                    self.refused += 1
            except Exception as error:  # noqa: BLE001 - whatever it is, the one who asserts wants to know
                self.broken.append(repr(error))
