"""Clients without pause, and what becomes of each of their connections."""

from __future__ import annotations

import socket
import threading
from collections import Counter
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from ._supervised import PATIENCE, Supervised, ask

if TYPE_CHECKING:
    from collections.abc import Iterator

CLIENTS: Final = 8
LINES: Final = 3


class Load:
    """Clients that connect, ask some lines and leave, without pause; and what became of each connection."""

    def __init__(self, port: int) -> None:
        self.refused = 0
        self.broken: list[str] = []
        self.served: Counter[str] = Counter()
        self._port = port
        self._over = threading.Event()
        self._some = threading.Condition()
        self._threads = [threading.Thread(target=self._run) for _ in range(CLIENTS)]

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        self._over.set()
        for thread in self._threads:
            thread.join()

    def wait_for_more(self, count: int) -> None:
        """Wait until so many more connections have been served, so that what happens, happens under load."""
        with self._some:
            goal = self.served.total() + count
            assert self._some.wait_for(lambda: self.served.total() >= goal, timeout=PATIENCE)

    def verdict(self) -> str:
        served = f"{self.served.total()} connections served by {len(self.served)} workers"
        return f"{served}, {self.refused} refused, {len(self.broken)} broken {self.broken[:5]}"

    def _run(self) -> None:
        while not self._over.is_set():
            try:
                worker = self._connect()
            except ConnectionRefusedError:
                self.refused += 1
            except (OSError, ValueError) as error:
                self.broken.append(repr(error))
            else:
                with self._some:
                    self.served[worker] += 1
                    self._some.notify_all()

    def _connect(self) -> str:
        with socket.create_connection(("127.0.0.1", self._port), timeout=PATIENCE) as sock:
            answers = [ask(sock, f"line{number}") for number in range(LINES)]
        workers = {worker for worker, _, _ in answers}  # ValueError: an answer is cut short
        assert [line for _, _, line in answers] == [f"line{number}" for number in range(LINES)]
        return workers.pop()


@contextmanager
def load_on(program: Supervised) -> Iterator[Load]:
    load = Load(program.port())
    load.start()
    try:
        load.wait_for_more(50)
        yield load
        load.wait_for_more(50)
    finally:
        load.stop()
