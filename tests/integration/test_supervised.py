"""The supervised example under load: its workers, and then the program, are replaced, and no client loses anything."""

from __future__ import annotations

import http.client
import logging
import os
import re
import signal
import threading
import time
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Final

import pytest
from programs import PATIENCE_SECONDS, Program, running

from eyewall.tcpserver.testing import Load

if TYPE_CHECKING:
    from collections.abc import Callable

logger: Final = logging.getLogger(__name__)  # pytest --log-cli-level=INFO shows the counts

EXAMPLE = Path(__file__).parents[2] / "examples" / "hello_supervised.py"


class Visitor:
    """Asks a program over HTTP: each request on a connection of its own, or many on one that is kept alive."""

    def __init__(self, port: int, *, keep_alive: bool) -> None:
        self.renewed = 0
        """How often a kept connection had ended between two requests, and the next took another (RFC 9112 §9.3.1)."""
        self._port = port
        self._keep_alive = keep_alive

    def __call__(self, load: Load) -> None:
        with closing(http.client.HTTPConnection("127.0.0.1", self._port, timeout=PATIENCE_SECONDS)) as connection:
            goes_on = self._ask(connection, load)
            try:
                while goes_on and not load.over:
                    goes_on = self._ask(connection, load)
            except ConnectionError:
                self.renewed += 1

    def _ask(self, connection: http.client.HTTPConnection, load: Load) -> bool:
        connection.request("GET", "/", headers={} if self._keep_alive else {"Connection": "close"})
        answer = connection.getresponse()
        found = re.fullmatch(rb"Hello from process (\d+)!", answer.read())
        assert found
        load.answered(found[1].decode())
        return not answer.will_close


def wait_until(condition: Callable[[], bool], program: Program) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not condition():
        assert time.monotonic() < deadline, program.said()
        threading.Event().wait(0.01)


def wait_for_line(program: Program, line: str, count: int = 1) -> None:
    wait_until(lambda: program.said().count(line) >= count, program)


@pytest.mark.parametrize("keep_alive", [False, True], ids=["one request each", "kept alive"])
def test_no_request_is_lost_while_workers_and_then_the_program_are_replaced(keep_alive: bool) -> None:
    with running(EXAMPLE) as program:
        wait_for_line(program, " serves", 2)
        assert isinstance(program.where, int)
        visitor = Visitor(program.where, keep_alive=keep_alive)
        with Load(visitor, clients=4) as load:
            load.wait_for_more(100)
            for count in (1, 2):
                program.process.send_signal(signal.SIGHUP)
                wait_for_line(program, "new workers serve", count)
                load.wait_for_more(100)
            program.process.send_signal(signal.SIGUSR2)
            assert program.process.wait(PATIENCE_SECONDS) == 0, program.said()
            load.wait_for_more(100)
        logger.info("%s, %s connections renewed", load.verdict(), visitor.renewed)
        new = re.search(r"the new program \(pid (\d+)\) serves", program.said())
        assert new
        os.kill(int(new[1]), signal.SIGTERM)
        wait_for_line(program, f"supervisor (pid {new[1]}) exits with status 0 (OK)")
        assert (load.refused, load.broken) == (0, []), load.verdict()
        assert len(load.answers) >= 4, load.verdict()
