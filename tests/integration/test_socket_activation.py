"""Sockets that systemd's own tool opens and passes."""

from __future__ import annotations

import signal
import subprocess
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest
from programs import PATIENCE_SECONDS, PROGRAMS, Program, free_port

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path

pytestmark = pytest.mark.systemd


@contextmanager
def activated(program: str, log: Path, *options: str) -> Generator[subprocess.Popen[bytes]]:
    """Run a program that systemd's tool starts at the first connection."""
    command = ["systemd-socket-activate", *options, "-E", "PYTHONPATH", sys.executable, str(PROGRAMS / program)]
    with log.open("wb") as file:
        process = subprocess.Popen(command, stderr=file)
    try:
        yield process
    finally:
        process.terminate()
        process.wait(PATIENCE_SECONDS)


def test_each_socket_that_systemd_passes_is_served_by_its_name(tmp_path: Path) -> None:
    path, port, log = str(tmp_path / "s"), free_port(), tmp_path / "log"
    options = ["-l", f"127.0.0.1:{port}", "-l", path, "--fdname=web:admin"]
    with activated("activated.py", log, *options) as process:
        for where, name in ((port, b"web"), (path, b"admin")):
            with Program(process, log, where).connect() as client:
                assert client.recv(100) == name


def test_a_supervisor_deals_what_systemd_passes_to_its_workers(tmp_path: Path) -> None:
    port, log = free_port(), tmp_path / "log"
    with activated("activated_supervised.py", log, "-l", f"127.0.0.1:{port}", "--fdname=web") as process:
        program = Program(process, log, port)
        with program.connect() as client:
            assert client.recv(100) in {b"worker 0", b"worker 1"}
        assert program.stop(signal.SIGTERM) == 0
    assert "Traceback" not in program.said()
