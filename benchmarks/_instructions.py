"""How many instructions a server executes for a request, by valgrind's callgrind: the difference of two runs.

Whatever a run does once cancels out: starting, importing, the first request of each kind. The kernel's work is not
counted, nor how long anything takes, so that the count is the same on a busy machine: to a thousandth, with the seed of
Python's hashes fixed.
"""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

from ._contestants import BROWSER
from .servers._work import JSON_1K

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from typing import BinaryIO

_ROOT: Final = Path(__file__).parents[1]
_WARM_UP: Final = 40
_START_SECONDS: Final = 100
_VALGRIND: Final = ("valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null")


class Request(NamedTuple):
    """What is asked again and again."""

    head: str
    body: bytes = b""
    fields: dict[str, str] | None = None
    at_a_time: int = 1

    def encoded(self) -> bytes:
        """Give it as it is sent."""
        fields = {"Host": "127.0.0.1"} | (self.fields or {})
        if self.body:
            fields |= {"Content-Type": "application/json", "Content-Length": str(len(self.body))}
        lines = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
        return (f"{self.head} HTTP/1.1\r\n{lines}\r\n".encode() + self.body) * self.at_a_time


REQUESTS: Final = {
    "hello": Request("GET /"),
    "typed": Request("GET /users/42/alice", fields=BROWSER),
    "post": Request("POST /echo", body=JSON_1K),
    "pipelined": Request("GET /", at_a_time=16),
}
"""What is counted, by name."""


def count(names: Iterable[str], number: int = 400) -> dict[str, int]:
    """Count the instructions of one request of each kind, over so many.

    Each server is asked for everything a few times, and all but the first for one kind more often. Raises
    RuntimeError where one does not answer.
    """
    warm_up = dict.fromkeys(REQUESTS, _WARM_UP)
    # Compiles, outside callgrind, what is imported when it is first needed.
    _total(warm_up, [])
    plans = {name: warm_up | {name: _WARM_UP + number // REQUESTS[name].at_a_time} for name in names}
    with ThreadPoolExecutor(2) as pool:
        base = pool.submit(_total, warm_up, _VALGRIND)
        totals = {name: pool.submit(_total, plan, _VALGRIND) for name, plan in plans.items()}
        return {name: (total.result() - base.result()) // number for name, total in totals.items()}


def _total(plan: Mapping[str, int], under: Sequence[str]) -> int:
    """Start a server, ask each kind so many times, end it, and give all the instructions that were counted."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    compiled = {
        "PYTHONDONTWRITEBYTECODE": "",
        "PYTHONPYCACHEPREFIX": str(_ROOT / "benchmarks" / "results" / "compiled"),
    }
    environ = os.environ | compiled | {"PYTHONHASHSEED": "0", "EYEWALL_IOLOOP": "asyncio"}
    command = [*under, sys.executable, "-m", "benchmarks.servers.eyewall_web", str(port)]
    server = subprocess.Popen(command, cwd=_ROOT, env=environ, stderr=subprocess.PIPE, text=True)
    try:
        with _connected(server, port) as connection:
            for name, batches in plan.items():
                _ask(connection, REQUESTS[name], batches)
        server.terminate()
        said = server.communicate(timeout=_START_SECONDS)[1]
    finally:
        server.kill()
        server.wait()
    collected = re.search(r"Collected : (\d+)", said)
    if under and collected is None:
        raise RuntimeError(f"callgrind has counted nothing:\n{said[-2000:]}")
    return int(collected[1]) if collected else 0


def _connected(server: subprocess.Popen[str], port: int) -> socket.socket:
    deadline = time.monotonic() + _START_SECONDS
    while True:
        try:
            return socket.create_connection(("127.0.0.1", port), timeout=_START_SECONDS)
        except ConnectionRefusedError:
            if server.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"the server did not come up: {server.stderr and server.stderr.read()}") from None
            time.sleep(0.1)


def _ask(connection: socket.socket, request: Request, batches: int) -> None:
    with connection.makefile("rb") as answers:
        for _ in range(batches):
            connection.sendall(request.encoded())
            for _ in range(request.at_a_time):
                _read_answer(answers)


def _read_answer(answers: BinaryIO) -> None:
    status = answers.readline()
    if b" 200 " not in status:
        raise RuntimeError(f"the server answers {status!r}")
    length = 0
    while (line := answers.readline()) not in {b"\r\n", b""}:
        if line.startswith(b"Content-Length:"):
            length = int(line.partition(b":")[2])
    answers.read(length)
