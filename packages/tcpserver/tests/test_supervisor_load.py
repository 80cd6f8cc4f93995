"""Replacing workers, and the program, under load: no connection is refused, and none is broken."""

from __future__ import annotations

import logging
import os
import signal
from typing import Final

import pytest

from eyewall.tcpserver import ExitCode

from ._load import load_on
from ._supervised import supervised

logger: Final = logging.getLogger(__name__)  # pytest --log-cli-level=INFO shows the counts

REPLACEMENTS: Final = int(os.environ.get("EYEWALL_REPLACEMENTS", "3"))
SHARED = "Supervisor(Echo, listen, workers=2).run()"
REUSE_PORT = """
    def listen():
        return bind_sockets(0, "127.0.0.1", reuse_port=True)
    Supervisor(Echo, listen, workers=2, reuse_port=True).run()
"""


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
        assert len(load.answers) >= 4, load.verdict()
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
        assert set(load.answers) - {str(pid) for pid in old}, load.verdict()
        os.kill(supervisor, signal.SIGTERM)
        running.end()
