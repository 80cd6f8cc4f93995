"""Supervisors in processes of their own, whose log a test can wait for."""

from __future__ import annotations

import os
import re
import select
import signal
import socket
import subprocess
import sys
import textwrap
import time
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

PATIENCE = 30.0
"""Seconds after which a test gives up on what should take a fraction of one."""

HEAD = """
import asyncio, contextlib, logging, os, pathlib, signal, sys, threading, time
from eyewall.ioloop import IOLoop
from eyewall.tcpserver import Supervisor, TCPServer, bind_sockets, task_id

logging.basicConfig(level=logging.INFO, format="%(process)d %(levelname)s %(message)s")
SCRATCH = pathlib.Path(sys.argv[1])

class Echo(TCPServer):
    async def handle_stream(self, stream, address):
        while True:
            line = (await stream.read_until(b"\\n", max_bytes=100)).decode().strip()
            await self.on_line(line)
            await stream.write(f"{os.getpid()} {task_id()} {line}\\n".encode())

    async def on_line(self, line):
        if line == "die":
            os._exit(7)
        if line == "kill":
            os.kill(os.getpid(), signal.SIGKILL)
        if line == "block":
            block_the_loop()
        if line == "wait":
            logging.info("waits")
            await IOLoop.current().create_future()

def block_the_loop():
    threading.Event().wait()

def listen():
    return bind_sockets(0, "127.0.0.1")
"""


class Supervised:
    """A program with a supervisor, its log, and connections to it."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self.process = process
        self.log = ""
        self._seen = 0

    @property
    def pid(self) -> int:
        return self.process.pid

    def wait_for(self, pattern: str, count: int = 1) -> re.Match[str]:
        """Wait until the log has the pattern so many times more, behind what was waited for before; give the last."""
        for _ in range(count - 1):
            self.wait_for(pattern)
        deadline = time.monotonic() + PATIENCE
        while (found := re.compile(pattern).search(self.log, self._seen)) is None:
            if not self._read(deadline):
                raise AssertionError(f"{pattern!r} is not in the log behind {self._seen}:\n{self.log}")
        self._seen = found.end()
        return found

    def read_log(self) -> None:
        """Take in what has been logged: a supervisor whose log nobody reads comes to stand still, writing it."""
        while self._read(time.monotonic()):
            pass

    def wait_until(self, condition: Callable[[], bool]) -> None:
        """Wait until a condition holds; it is looked at whenever something is logged."""
        deadline = time.monotonic() + PATIENCE
        while not condition():
            assert self._read(deadline), self.log

    def wait_until_all_serve(self, count: int) -> list[int]:
        """Wait for so many workers; give the process ids."""
        return [int(self.wait_for(r"worker \d+ \(pid (\d+)\) serves")[1]) for _ in range(count)]

    def wait_until_ended(self, workers: list[int]) -> None:
        """Wait until the supervisor has seen the end of each of these."""
        for pid in workers:
            self._seen = 0
            self.wait_for(rf"\(pid {pid}\) has ended")

    def port(self) -> int:
        found = re.search(r"are to serve \S+:(\d+)", self.log)
        return int(found[1] if found else self.wait_for(r"are to serve \S+:(\d+)")[1])

    def connect(self) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.port()), timeout=PATIENCE)

    def ask(self, line: str = "hello") -> list[str]:
        """Send a line on a connection of its own; give the words of the answer, none where it broke."""
        with self.connect() as sock:
            return ask(sock, line)

    def signal(self, number: signal.Signals) -> None:
        self.process.send_signal(number)

    def end(self) -> int:
        """Wait for the supervisor, and whoever else writes to its log, to exit; give its status."""
        deadline = time.monotonic() + PATIENCE
        while self._read(deadline):
            pass
        assert time.monotonic() < deadline, f"somebody still holds the log open:\n{self.log}"
        return self.process.wait(max(0.1, deadline - time.monotonic()))

    def stop(self) -> int:
        self.signal(signal.SIGTERM)
        return self.end()

    def _read(self, deadline: float) -> bool:
        assert self.process.stderr is not None
        ready, _, _ = select.select([self.process.stderr], [], [], max(0.0, deadline - time.monotonic()))
        data = os.read(self.process.stderr.fileno(), 65536) if ready else b""
        self.log += data.decode()
        return bool(data)


def ask(sock: socket.socket, line: str) -> list[str]:
    try:
        sock.sendall(line.encode() + b"\n")
        answer = b""
        while not answer.endswith(b"\n"):
            data = sock.recv(1000)
            if not data:
                return []
            answer += data
    except ConnectionError:
        return []
    return answer.decode().split()


@contextmanager
def supervised(program: str, scratch: object = ".", **environment: str) -> Iterator[Supervised]:
    process = subprocess.Popen(
        [sys.executable, "-Werror", "-c", HEAD + textwrap.dedent(program), str(scratch)],
        stderr=subprocess.PIPE,
        start_new_session=True,
        env={**os.environ, **environment},
    )
    with process:
        made = Supervised(process)
        try:
            yield made
        finally:
            # The group outlives the supervisor where a successor or an orphan is left.
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)


def is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True
