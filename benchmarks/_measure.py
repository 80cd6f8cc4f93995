"""One measurement: a server alone on one core, its load on another, and what /proc says of it before and after."""

from __future__ import annotations

import http.client
import os
import re
import resource
import signal
import socket
import ssl
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

from .imports import compiling

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Sequence

    from ._contestants import Contestant, Work

CONNECTIONS: Final = 64
_ROOT: Final = Path(__file__).parents[1]
COMPILED: Final = str(_ROOT / "benchmarks" / "results" / "compiled")
"""Where Python keeps what it has compiled for the servers."""
_WARM_UP_SECONDS: Final = 1
_START_SECONDS: Final = 10
_LOOK_AGAIN_SECONDS: Final = 0.002
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
    """What one measurement has shown."""

    cost: float
    """The figure that counts, in the unit of the work: mostly the server's processor time for a request."""
    user: float = 0
    """Of processor time, the part outside the kernel."""
    system: float = 0
    """The same inside the kernel."""
    rate: float = 0
    """Requests answered in a second."""
    busy: float = 0
    """The part of the time that the server had its core, 0 to 1."""


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


def measure(contestant: Contestant, work: Work, cores: Cores, seconds: float) -> Sample:
    """Start a contestant, see that it answers, warm it up, load it by wrk, and stop it."""
    with serving(contestant, work, cores.server) as (pid, port), idle_connections(port, work.idle):
        _load(contestant, work, cores.load, port, _WARM_UP_SECONDS)
        return meter(pid, lambda: _load(contestant, work, cores.load, port, seconds))


def meter(pid: int, load: Callable[[], int]) -> Sample:
    """Give the server's processor time for each of what the load says that it has done."""
    user, system = _processor_time(pid)
    began = time.perf_counter()
    number = load()
    elapsed = time.perf_counter() - began
    user_after, system_after = _processor_time(pid)
    user, system = user_after - user, system_after - system
    micro = 1e6 / number
    return Sample((user + system) * micro, user * micro, system * micro, number / elapsed, (user + system) / elapsed)


@contextmanager
def idle_connections(port: int, wanted: int) -> Generator[list[socket.socket]]:
    """Have so many connections that have been answered once; fewer where RLIMIT_NOFILE does not allow them."""
    with ExitStack() as stack:
        yield [stack.enter_context(_answered_connection(port)) for _ in range(possible_connections(wanted))]


def possible_connections(wanted: int) -> int:
    """As many as this process, and a server that it starts, may have descriptors for, if so many are wanted."""
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return min(wanted, hard - 500)


def _answered_connection(port: int) -> socket.socket:
    client = socket.create_connection(("127.0.0.1", port), timeout=_START_SECONDS)
    ask(client)
    return client


def ask(client: socket.socket) -> None:
    """Ask for the greeting, and read it."""
    client.sendall(b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
    answer = b""
    while not answer.endswith(b"Hello, world!"):
        if not (data := client.recv(4096)):
            raise BenchmarkError(f"the server has closed an idle connection, after {answer!r}")
        answer += data


@contextmanager
def serving(contestant: Contestant, work: Work, cpu: int) -> Generator[tuple[int, int]]:
    """Run a contestant, and give its process and its port once it has answered as it should."""
    module, *told = contestant.command(work)
    environ = compiling(COMPILED) | {"EYEWALL_IOLOOP": contestant.loop, "BENCHMARK_PLACES": str(work.places)}
    possible_connections(work.idle)

    def answers(port: int) -> bool:
        return _is_answer(contestant, work, *_get(work, port))

    options = [*told, *(_certificate() if work.tls else ())]
    with running(contestant.name, module, options, cpu, answers, environ) as (pid, port):
        yield pid, port


@contextmanager
def running(
    name: str,
    module: str,
    options: Sequence[str],
    cpu: int,
    answers: Callable[[int], bool],
    environ: dict[str, str] | None = None,
) -> Generator[tuple[int, int]]:
    """Run ``python -m module PORT *options`` on a processor; give its process and its port once it answers there.

    ``answers`` is asked again and again, and may raise OSError instead of saying no. What the server has said is part
    of a BenchmarkError, be it this one's or that of whoever uses the server.
    """
    port = _free_port()
    command = [sys.executable, "-m", module, str(port), *options]
    with tempfile.TemporaryFile("w+") as said:
        with _pinned(cpu):
            server = subprocess.Popen(
                command, cwd=_ROOT, env=environ, stdout=said, stderr=subprocess.STDOUT, start_new_session=True
            )
        try:
            _wait_for_answer(name, port, server, answers)
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


def _wait_for_answer(name: str, port: int, server: subprocess.Popen[bytes], answers: Callable[[int], bool]) -> None:
    deadline = time.monotonic() + _START_SECONDS
    why = "no answer that is one"
    while True:
        try:
            if answers(port):
                return
        except OSError as error:
            why = str(error)
        if server.poll() is not None or time.monotonic() > deadline:
            raise BenchmarkError(f"{name} does not serve on port {port}: {why}")
        time.sleep(_LOOK_AGAIN_SECONDS)


def _is_answer(contestant: Contestant, work: Work, status: int, body: bytes) -> bool:
    """See that it is the same application that all serve."""
    if not contestant.canned and work.expects and not (status == 200 and body.startswith(work.expects)):
        raise BenchmarkError(f"{contestant.name} answers {status} {body[:80]!r}, which is another application")
    return True


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


def _load(contestant: Contestant, work: Work, cpu: int, port: int, seconds: float) -> int:
    """Run wrk, and give the number of answers. One that is missing, or no 200, makes the figures worthless."""
    options = ["-t1", f"-c{CONNECTIONS}", f"-d{max(1, round(seconds))}s", *work.wrk]
    with _pinned(cpu):
        done = subprocess.run(
            ["wrk", *options, f"{'https' if work.tls else 'http'}://127.0.0.1:{port}{work.path}"],
            capture_output=True,
            text=True,
            check=False,
        )
    requests = re.search(r"(\d+) requests in", done.stdout)
    if done.returncode or requests is None or int(requests[1]) == 0:
        raise BenchmarkError(f"wrk on {contestant.name}, {work.name}: no result\n{done.stdout}{done.stderr}")
    if wrong := re.search(r"(?:Socket errors|Non-2xx).*", done.stdout):
        raise BenchmarkError(f"wrk on {contestant.name}, {work.name}: {wrong[0]}")
    return int(requests[1])


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
    times = [_own_time(one) for one in _with_workers(pid)]
    return sum(user for user, _ in times), sum(system for _, system in times)


def resident_memory(pid: int) -> int:
    """Bytes of memory that a process and its workers have (proc_pid_statm(5))."""
    pages = [int(Path(f"/proc/{one}/statm").read_text().split()[1]) for one in _with_workers(pid)]
    return sum(pages) * resource.getpagesize()


def _with_workers(pid: int) -> list[int]:
    return [pid, *map(int, Path(f"/proc/{pid}/task/{pid}/children").read_text().split())]


def _own_time(pid: int) -> tuple[float, float]:
    # The name of the program comes second, in parentheses, and may itself hold spaces and parentheses.
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return int(fields[11]) / _TICKS, int(fields[12]) / _TICKS
