"""Programs that serve, each run in a process of its own as a user would run it; and what a test asks of one."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

PATIENCE_SECONDS = 30
PROGRAMS = Path(__file__).parents[1] / "programs"


class Program:
    """A program that listens, on a TCP port of 127.0.0.1 or at the path of a Unix socket."""

    def __init__(self, process: subprocess.Popen[bytes], log: Path, where: int | str) -> None:
        self.process = process
        self.where = where
        self._log = log

    def connect(self) -> socket.socket:
        """Connect, as soon as it listens."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while True:
            try:
                return connect(self.where)
            except (ConnectionRefusedError, FileNotFoundError):
                assert self.process.poll() is None, f"the program has ended; it said:\n{self.said()}"
                assert time.monotonic() < deadline, f"the program does not listen; it said:\n{self.said()}"
                time.sleep(0.01)

    def said(self) -> str:
        """Give what it has written so far, to its standard output and its log."""
        return self._log.read_text(errors="replace")

    def descriptors(self) -> list[str]:
        """Give what it holds open, by Linux's names."""
        names: list[str] = []
        for entry in Path(f"/proc/{self.process.pid}/fd").iterdir():
            with suppress(FileNotFoundError):  # closed since the folder was read
                names.append(str(entry.readlink()).split(":")[0])
        return sorted(names)

    def wait_until_idle(self) -> None:
        """Wait until it has done what it was asked, and waits in turn."""
        wait_for_state(self.process.pid, "S")

    def stop(self, number: signal.Signals = signal.SIGTERM) -> int:
        """Send it a signal, and give its exit status."""
        self.process.send_signal(number)
        return self.process.wait(PATIENCE_SECONDS)


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as sock:
        port: int = sock.getsockname()[1]
        return port


def connect(where: int | str) -> socket.socket:
    if isinstance(where, int):
        return socket.create_connection(("127.0.0.1", where), timeout=PATIENCE_SECONDS)
    sock = socket.socket(socket.AF_UNIX)
    try:
        sock.settimeout(PATIENCE_SECONDS)
        sock.connect(where)
    except BaseException:
        sock.close()
        raise
    return sock


@contextmanager
def running(
    program: Path, *arguments: str, where: int | str | None = None, options: tuple[str, ...] = (), backend: str = ""
) -> Generator[Program]:
    """Run a program until it listens, and end it in the end.

    Its last argument is where to listen: a free port, unless that is given. ``options`` are the interpreter's.
    """
    where = free_port() if where is None else where
    command = [sys.executable, *options, str(program), *arguments, str(where)]
    environment = {**os.environ, "PYTHONUNBUFFERED": "1", **({"EYEWALL_IOLOOP": backend} if backend else {})}
    with (
        tempfile.NamedTemporaryFile() as log,
        # A session of its own: whatever it has started can be ended with it.
        subprocess.Popen(command, env=environment, stdout=log, stderr=log, start_new_session=True) as process,
    ):
        started = Program(process, Path(log.name), where)
        try:
            started.connect().close()
            yield started
        finally:
            try:
                # Not SIGKILL at once, which would leave the workers of a parent behind.
                process.terminate()
                process.wait(PATIENCE_SECONDS)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                raise


def ended(program: Path, *arguments: str) -> tuple[int, str]:
    """Run a program that is to end by itself; gives its exit status and what it wrote."""
    command = [sys.executable, str(program), *arguments]
    done = subprocess.run(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=PATIENCE_SECONDS, check=False
    )
    return done.returncode, done.stdout


def wait_for_state(pid: int, state: str) -> None:
    """Wait until a process is in a state: one of the letters of proc(5)."""
    file = Path(f"/proc/{pid}/stat")
    eventually(lambda: file.read_text().rpartition(")")[2].split()[0] == state, lambda: f"{pid} is not in {state}")


def wait_for_children(pid: int, count: int) -> list[int]:
    """Wait until a process has as many children: it may listen before it has started them all."""
    file = Path(f"/proc/{pid}/task/{pid}/children")
    eventually(lambda: len(file.read_text().split()) == count, lambda: f"{pid} never had {count} children")
    return [int(child) for child in file.read_text().split()]


def eventually(true: Callable[[], object], otherwise: Callable[[], str]) -> None:
    """Wait for what another process is to do soon; fails where it does not."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not true():
        assert time.monotonic() < deadline, otherwise()
        time.sleep(0.01)
