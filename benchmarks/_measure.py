"""One measurement: a server alone on one core, wrk on another, and the processor time between two looks at /proc."""

from __future__ import annotations

import http.client
import os
import re
import signal
import socket
import ssl
import subprocess
import sys
import tempfile
import time
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Generator

    from ._contestants import Contestant, Work

CONNECTIONS: Final = 64
_ROOT: Final = Path(__file__).parents[1]
_WARM_UP_SECONDS: Final = 1
_START_SECONDS: Final = 10
_TICKS: Final = os.sysconf("SC_CLK_TCK")


class BenchmarkError(Exception):
    """A measurement that would mean nothing, and why."""


class Cores(NamedTuple):
    """Where things run."""

    server: int
    load: int
    shared: bool
    """True where the two are threads of one core, and slow each other down."""


class Sample(NamedTuple):
    """What one run of wrk has shown."""

    user: float
    """Processor time of the server for a request outside the kernel, in microseconds."""
    system: float
    """The same inside the kernel."""
    rate: float
    """Requests answered in a second."""
    busy: float
    """The part of the time that the server had its core, 0 to 1."""

    @property
    def cost(self) -> float:
        """Processor time for a request, in microseconds."""
        return self.user + self.system


class _Load(NamedTuple):
    requests: int
    rate: float


def choose_cores(*, one: bool = False) -> Cores:
    """Choose a core for the server and another for wrk, or one for both. Raises BenchmarkError where there are none."""
    allowed = sorted(os.sched_getaffinity(0))
    if one:
        return Cores(allowed[0], allowed[0], shared=False)
    if len(allowed) < 2:
        raise BenchmarkError("the server and wrk need a core each, and this process may use only one")
    siblings = _siblings(allowed[0])
    apart = [cpu for cpu in allowed if cpu not in siblings]
    return Cores(allowed[0], apart[0] if apart else allowed[1], shared=not apart)


def _siblings(cpu: int) -> set[int]:
    """The hardware threads of the core that a processor is on, itself among them; written as ``0-1`` or ``0,4``."""
    path = Path(f"/sys/devices/system/cpu/cpu{cpu}/topology/thread_siblings_list")
    if not path.exists():
        return {cpu}
    ranges = [part.split("-") for part in path.read_text().strip().split(",")]
    return {number for ends in ranges for number in range(int(ends[0]), int(ends[-1]) + 1)}


def measure(contestant: Contestant, work: Work, cores: Cores, seconds: int) -> Sample:
    """Start a contestant, see that it answers, warm it up, load it, and stop it."""
    with _serving(contestant, work, cores.server) as (pid, port):
        _load(contestant, work, cores.load, port, _WARM_UP_SECONDS)
        user, system = _processor_time(pid)
        began = time.perf_counter()
        load = _load(contestant, work, cores.load, port, seconds)
        elapsed = time.perf_counter() - began
        user_after, system_after = _processor_time(pid)
    user, system = user_after - user, system_after - system
    micro = 1e6 / load.requests
    return Sample(user * micro, system * micro, load.rate, (user + system) / elapsed)


@contextmanager
def _serving(contestant: Contestant, work: Work, cpu: int) -> Generator[tuple[int, int]]:
    """Run a contestant, and give its process and its port once it has answered as it should."""
    port = _free_port()
    module, *told = contestant.command(work)
    command = [sys.executable, "-m", module, str(port), *told, *(_certificate() if work.tls else ())]
    environ = os.environ | {"EYEWALL_IOLOOP": contestant.loop}
    with tempfile.TemporaryFile("w+") as said, _pinned(cpu):
        server = subprocess.Popen(
            command, cwd=_ROOT, env=environ, stdout=said, stderr=subprocess.STDOUT, start_new_session=True
        )
        try:
            _check_answer(contestant, work, port, server)
            yield server.pid, port
        except BenchmarkError as error:
            said.seek(0)
            raise BenchmarkError(f"{error}\n{said.read()[-2000:]}".strip()) from None
        finally:
            # With its workers.
            os.killpg(server.pid, signal.SIGKILL)
            server.wait()


@contextmanager
def _pinned(cpu: int) -> Generator[None]:
    """Whatever is started inside has this processor and no other, all its threads too."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {cpu})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _check_answer(contestant: Contestant, work: Work, port: int, server: subprocess.Popen[bytes]) -> None:
    """See that it is the same application that all serve."""
    status, body = _first_answer(contestant, work, port, server)
    if not contestant.canned and work.expects and not (status == 200 and body.startswith(work.expects)):
        raise BenchmarkError(f"{contestant.name} answers {status} {body[:80]!r}, which is another application")


def _first_answer(contestant: Contestant, work: Work, port: int, server: subprocess.Popen[bytes]) -> tuple[int, bytes]:
    """Ask until the server has come up."""
    deadline = time.monotonic() + _START_SECONDS
    while True:
        try:
            return _get(work, port)
        except OSError as error:
            if server.poll() is not None or time.monotonic() > deadline:
                raise BenchmarkError(f"{contestant.name} does not serve on port {port}: {error}") from error
            time.sleep(0.02)


def _get(work: Work, port: int) -> tuple[int, bytes]:
    if work.tls:
        trusting = ssl.create_default_context(cafile=_certificate()[0])
        trusting.check_hostname = False
        connection: http.client.HTTPConnection = http.client.HTTPSConnection(
            "127.0.0.1", port, timeout=_START_SECONDS, context=trusting
        )
    else:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=_START_SECONDS)
    with closing(connection):
        connection.request("GET", work.path)
        answer = connection.getresponse()
        return answer.status, answer.read()


def _load(contestant: Contestant, work: Work, cpu: int, port: int, seconds: int) -> _Load:
    """Run wrk. An answer that is missing, or no 200, makes the figures worthless."""
    options = ["-t1", f"-c{CONNECTIONS}", f"-d{seconds}s", *work.wrk]
    with _pinned(cpu):
        done = subprocess.run(
            ["wrk", *options, f"{'https' if work.tls else 'http'}://127.0.0.1:{port}{work.path}"],
            capture_output=True,
            text=True,
            check=False,
        )
    requests = re.search(r"(\d+) requests in", done.stdout)
    rate = re.search(r"Requests/sec:\s+([\d.]+)", done.stdout)
    if done.returncode or requests is None or rate is None or int(requests[1]) == 0:
        raise BenchmarkError(f"wrk on {contestant.name}, {work.name}: no result\n{done.stdout}{done.stderr}")
    if wrong := re.search(r"(?:Socket errors|Non-2xx).*", done.stdout):
        raise BenchmarkError(f"wrk on {contestant.name}, {work.name}: {wrong[0]}")
    return _Load(int(requests[1]), float(rate[1]))


def _certificate() -> tuple[str, str]:
    """Make a certificate and its key, once."""
    folder = _ROOT / "benchmarks" / "results"
    folder.mkdir(exist_ok=True)
    certificate, key = str(folder / "certificate.pem"), str(folder / "key.pem")
    if not Path(key).exists():
        make = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
        about = ["-days", "3650", "-subj", "/CN=127.0.0.1", "-keyout", key, "-out", certificate]
        subprocess.run([*make, *about], check=True, capture_output=True)
    return certificate, key


def _processor_time(pid: int) -> tuple[float, float]:
    """Seconds that a process, its threads and its workers have run outside and inside the kernel (proc_pid_stat(5))."""
    workers = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    times = [_own_time(one) for one in (pid, *map(int, workers))]
    return sum(user for user, _ in times), sum(system for _, system in times)


def _own_time(pid: int) -> tuple[float, float]:
    # The name of the program comes second, in parentheses, and may itself hold spaces and parentheses.
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return int(fields[11]) / _TICKS, int(fields[12]) / _TICKS
