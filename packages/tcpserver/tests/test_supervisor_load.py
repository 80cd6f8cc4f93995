"""Replacing workers, and the program, under load: no connection is refused, and none is broken."""

from __future__ import annotations

import logging
import os
import signal
import socket
import threading
from collections import Counter
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

import pytest

from eyewall.tcpserver import ExitCode

from ._supervised import PATIENCE, Supervised, ask, supervised

if TYPE_CHECKING:
    from collections.abc import Iterator

logger: Final = logging.getLogger(__name__)  # pytest --log-cli-level=INFO shows the counts

REPLACEMENTS: Final = int(os.environ.get("EYEWALL_REPLACEMENTS", "3"))
CLIENTS: Final = 8
LINES: Final = 3
SHARED = "Supervisor(Echo, listen, workers=2).run()"
REUSE_PORT = """
    def listen():
        return bind_sockets(0, "127.0.0.1", reuse_port=True)
    Supervisor(Echo, listen, workers=2, reuse_port=True).run()
"""


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


@pytest.mark.parametrize("program", [SHARED, REUSE_PORT], ids=["shared", "reuse_port"])
def test_workers_are_replaced_again_and_again_without_a_connection_refused_or_broken(program: str) -> None:
    with supervised(program) as running:
        running.wait_until_all_serve(2)
        with load_on(running) as load:
            for _ in range(REPLACEMENTS):
                running.signal(signal.SIGHUP)
                running.wait_for("SIGHUP: new workers serve in all places")
                load.wait_for_more(50)
        logger.info(load.verdict())
        assert (load.refused, load.broken) == (0, []), load.verdict()
        assert len(load.served) >= 4, load.verdict()
        assert running.stop() == ExitCode.OK


@pytest.mark.parametrize("program", [SHARED, REUSE_PORT], ids=["shared", "reuse_port"])
def test_new_programs_take_over_without_a_connection_refused_or_broken(program: str) -> None:
    with supervised(program) as running:
        old = running.wait_until_all_serve(2)
        supervisor = running.pid
        with load_on(running) as load:
            for _ in range(REPLACEMENTS):
                os.kill(supervisor, signal.SIGUSR2)
                new = int(running.wait_for(r"started the new program \(pid (\d+)\)")[1])
                running.wait_for(rf"supervisor \(pid {supervisor}\) exits with status 0 \(OK\)")
                supervisor = new
                load.wait_for_more(50)
        logger.info(load.verdict())
        assert (load.refused, load.broken) == (0, []), load.verdict()
        assert set(load.served) - {str(pid) for pid in old}, load.verdict()
        os.kill(supervisor, signal.SIGTERM)
        running.end()
