"""Sockets that systemd's own tool opens and passes."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from programs import PATIENCE_SECONDS, PROGRAMS, Program, free_port

if TYPE_CHECKING:
    from pathlib import Path

COMMAND = "systemd-socket-activate"


@pytest.mark.systemd
def test_each_socket_that_systemd_passes_is_served_by_its_name(tmp_path: Path) -> None:
    path, port = str(tmp_path / "s"), free_port()
    log = tmp_path / "log"
    names = ["-l", f"127.0.0.1:{port}", "-l", path, "--fdname=web:admin"]
    with log.open("wb") as file:
        process = subprocess.Popen(
            [COMMAND, *names, "-E", "PYTHONPATH", sys.executable, str(PROGRAMS / "activated.py")], stderr=file
        )
    try:
        for where, name in ((port, b"web"), (path, b"admin")):
            with Program(process, log, where).connect() as client:
                assert client.recv(100) == name
    finally:
        process.kill()
        process.wait(PATIENCE_SECONDS)
