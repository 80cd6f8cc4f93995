"""The supervised example under load: its workers, and then the program, are replaced, and no client loses anything."""

from __future__ import annotations

import http.client
import logging
import os
import re
import signal
import threading
import time
from collections import Counter
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final

import pytest
from programs import PATIENCE_SECONDS, Program, running

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

logger: Final = logging.getLogger(__name__)  # pytest --log-cli-level=INFO shows the counts

EXAMPLE = Path(__file__).parents[2] / "examples" / "hello_supervised.py"
CLIENTS = 4


class Clients:
    """Clients without pause: each request on a connection of its own, or many on one that is kept alive."""

    def __init__(self, port: int, *, keep_alive: bool) -> None:
        self.refused = 0
        self.broken: list[str] = []
        self.renewed = 0
        """How often a kept connection had ended between two requests, and the next took another (RFC 9112 §9.3.1)."""
        self.answered: Counter[str] = Counter()
        self._port = port
        self._keep_alive = keep_alive
        self._over = threading.Event()
        self._threads = [threading.Thread(target=self._run) for _ in range(CLIENTS)]

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        self._over.set()
        for thread in self._threads:
            thread.join()

    def verdict(self) -> str:
        kept = "kept alive" if self._keep_alive else "one each"
        return (
            f"connections {kept}: {self.answered.total()} requests answered by {len(self.answered)} workers, "
            f"{self.refused} refused, {len(self.broken)} broken {self.broken}, {self.renewed} connections renewed"
        )

    def _run(self) -> None:
        while not self._over.is_set():
            connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=PATIENCE_SECONDS)
            try:
                self._use(connection)
            except ConnectionRefusedError:
                self.refused += 1
            except (OSError, http.client.HTTPException) as error:
                self.broken.append(repr(error))
            finally:
                connection.close()

    def _use(self, connection: http.client.HTTPConnection) -> None:
        fresh = True
        while not self._over.is_set():
            try:
                connection.request("GET", "/", headers={} if self._keep_alive else {"Connection": "close"})
                answer = connection.getresponse()
            except ConnectionRefusedError:
                raise
            except (ConnectionError, http.client.RemoteDisconnected):
                if fresh:
                    raise
                self.renewed += 1
                return
            found = re.fullmatch(rb"Hello from process (\d+)!", answer.read())
            assert found
            self.answered[found[1].decode()] += 1
            fresh = False
            if answer.will_close:
                return


@contextmanager
def asking(program: Program, *, keep_alive: bool) -> Iterator[Clients]:
    assert isinstance(program.where, int)
    clients = Clients(program.where, keep_alive=keep_alive)
    clients.start()
    try:
        yield clients
    finally:
        clients.stop()
    logger.info(clients.verdict())


def wait_until(condition: Callable[[], bool], program: Program) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not condition():
        assert time.monotonic() < deadline, program.said()
        threading.Event().wait(0.01)


def wait_for_line(program: Program, line: str, count: int = 1) -> None:
    wait_until(lambda: program.said().count(line) >= count, program)


def wait_for_more(clients: Clients, program: Program) -> None:
    goal = clients.answered.total() + 100
    wait_until(lambda: clients.answered.total() >= goal, program)


@pytest.mark.parametrize("keep_alive", [False, True], ids=["one request each", "kept alive"])
def test_no_request_is_lost_while_workers_and_then_the_program_are_replaced(keep_alive: bool) -> None:
    with running(EXAMPLE) as program:
        wait_for_line(program, " serves", 2)
        with asking(program, keep_alive=keep_alive) as clients:
            wait_for_more(clients, program)
            for count in (1, 2):
                program.process.send_signal(signal.SIGHUP)
                wait_for_line(program, "new workers serve", count)
                wait_for_more(clients, program)
            program.process.send_signal(signal.SIGUSR2)
            assert program.process.wait(PATIENCE_SECONDS) == 0, program.said()
            wait_for_more(clients, program)
        new = re.search(r"the new program \(pid (\d+)\) serves", program.said())
        assert new
        os.kill(int(new[1]), signal.SIGTERM)
        wait_for_line(program, f"supervisor (pid {new[1]}) exits with status 0 (OK)")
        assert (clients.refused, clients.broken) == (0, []), clients.verdict()
        assert len(clients.answered) >= 4, clients.verdict()
