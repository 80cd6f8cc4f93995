"""Replacing what runs: workers on SIGHUP, by age and by size, the whole program on SIGUSR2."""

from __future__ import annotations

import os
import signal
import socket
from typing import TYPE_CHECKING

from eyewall.tcpserver import ExitCode

from ._supervised import PATIENCE, ask, is_alive, supervised

if TYPE_CHECKING:
    from pathlib import Path

TWO = "Supervisor(Echo, listen, workers=2).run()"


def test_sighup_replaces_each_worker_and_tells_it_to_go_only_when_the_new_one_serves() -> None:
    with supervised(TWO) as program:
        old = program.wait_until_all_serve(2)
        with program.connect() as sock:
            before = int(ask(sock, "hello")[0])
            program.signal(signal.SIGHUP)
            told = [
                program.wait_for(r"\(pid (\d+)\) serves, and worker \d \(pid (\d+)\) is told to finish") for _ in old
            ]
            program.wait_for("SIGHUP: new workers serve in all places")
            assert int(ask(sock, "still here")[0]) == before
        new = [int(found[1]) for found in told]
        assert sorted(int(found[2]) for found in told) == sorted(old)
        program.wait_until_ended(old)
        assert int(program.ask()[0]) in new
        assert not any(map(is_alive, old))
        assert program.stop() == ExitCode.OK


def test_a_new_worker_that_fails_to_start_leaves_the_old_ones_and_the_log_says_why(tmp_path: Path) -> None:
    with supervised(
        """
        def make_server():
            if (SCRATCH / "broken").exists():
                raise LookupError("a typing error")
            return Echo()
        Supervisor(make_server, listen, workers=2).run()
        """,
        tmp_path,
    ) as program:
        old = program.wait_until_all_serve(2)
        (tmp_path / "broken").touch()
        program.signal(signal.SIGHUP)
        program.wait_for("LookupError: a typing error")
        program.wait_for(
            r"to take the place of worker 0 \(pid \d+\), exited with status 11 \(START_FAILED\); the old one stays"
        )
        program.wait_for("SIGHUP is given up: 2 of 2 workers are old ones")
        assert int(program.ask()[0]) in old
        (tmp_path / "broken").unlink()
        program.signal(signal.SIGHUP)
        program.wait_for("SIGHUP: new workers serve in all places")
        program.wait_until_ended(old)
        assert int(program.ask()[0]) not in old
        assert program.stop() == ExitCode.OK


def test_a_worker_that_dies_while_its_successor_starts_is_not_started_twice(tmp_path: Path) -> None:
    with supervised(
        """
        async def make_server():
            while (SCRATCH / "slow").exists():
                await asyncio.sleep(0.01)
            return Echo()
        Supervisor(make_server, listen, workers=1).run()
        """,
        tmp_path,
    ) as program:
        (old,) = program.wait_until_all_serve(1)
        (tmp_path / "slow").touch()
        program.signal(signal.SIGHUP)
        program.wait_for("is to be replaced")
        os.kill(old, signal.SIGKILL)
        coming = program.wait_for(r"was killed by SIGKILL .*; worker 0 \(pid (\d+)\) starts already in its place")
        (tmp_path / "slow").unlink()
        assert program.wait_until_all_serve(1) == [int(coming[1])]
        assert program.stop() == ExitCode.OK


def test_an_old_worker_is_replaced() -> None:
    with supervised("Supervisor(Echo, listen, workers=1, max_age=0.3, hang_timeout=2).run()") as program:
        (old,) = program.wait_until_all_serve(1)
        program.wait_for(rf"worker 0 \(pid {old}\) is to be replaced: it is \d s old")
        program.wait_until_ended([old])
        assert int(program.ask()[0]) != old


def test_a_worker_that_has_grown_is_replaced() -> None:
    with supervised("""
        from eyewall.tcpserver._supervision._memory import resident_bytes
        held = []
        class Growing(Echo):
            async def on_line(self, line):
                held.append(b"x" * (64 * 2**20))
        limit = resident_bytes(os.getpid()) + 32 * 2**20
        Supervisor(Growing, listen, workers=1, max_memory=limit, hang_timeout=2).run()
    """) as program:
        (old,) = program.wait_until_all_serve(1)
        assert program.ask("grow")
        program.wait_for(r"is to be replaced: it has [\d.]+ MiB of memory resident, more than")
        program.wait_for(rf"\(pid {old}\) is told to finish")
        assert program.stop() == ExitCode.OK


def test_sigusr2_hands_the_sockets_to_a_new_program_and_ends_this_one() -> None:
    with supervised(TWO) as program:
        old = program.wait_until_all_serve(2)
        port = program.port()
        with program.connect() as sock:
            before = int(ask(sock, "hello")[0])
            program.signal(signal.SIGUSR2)
            started = int(program.wait_for(r"SIGUSR2: started the new program \(pid (\d+)\)")[1])
            assert (
                int(program.wait_for(rf"supervisor \(pid {started}\): 2 workers are to serve 127.0.0.1:(\d+)")[1])
                == port
            )
            new = program.wait_until_all_serve(2)
            program.wait_for("serves; the workers of this one drain")
            assert int(ask(sock, "again")[0]) == before
        assert program.process.wait(30) == ExitCode.OK
        assert int(program.ask()[0]) in new
        assert not any(map(is_alive, old))
        os.kill(started, signal.SIGTERM)
        program.end()
        assert f"supervisor (pid {started}) exits with status 0 (OK)" in program.log


def test_a_unix_socket_stays_where_it_is_while_workers_and_programs_come_and_go(tmp_path: Path) -> None:
    path = str(tmp_path / "socket")
    with supervised(
        """
        from eyewall.tcpserver import bind_unix_socket
        Supervisor(Echo, lambda: [bind_unix_socket(str(SCRATCH / "socket"))], workers=1).run()
        """,
        tmp_path,
    ) as program:
        old = program.wait_until_all_serve(1)
        program.signal(signal.SIGHUP)
        program.wait_until_ended(old)
        program.signal(signal.SIGUSR2)
        new = int(program.wait_for(r"started the new program \(pid (\d+)\)")[1])
        program.wait_for(rf"supervisor \(pid {program.pid}\) exits with status 0")
        with socket.socket(socket.AF_UNIX) as sock:
            sock.settimeout(PATIENCE)
            sock.connect(path)
            assert ask(sock, "hello")[2:] == ["hello"]
        os.kill(new, signal.SIGTERM)
        program.end()


def test_a_new_program_that_fails_leaves_the_old_one_and_the_log_says_why() -> None:
    with supervised("""
        command = [sys.executable, "-c", "raise SystemExit(3)"]
        Supervisor(Echo, listen, workers=1, command=command).run()
    """) as program:
        old = program.wait_until_all_serve(1)
        program.signal(signal.SIGUSR2)
        program.wait_for(r"the new program \(pid \d+\) exited with status 3 before it served; this one goes on")
        assert int(program.ask()[0]) in old
        assert program.stop() == ExitCode.OK


def test_a_new_program_that_does_not_exist_leaves_the_old_one() -> None:
    with supervised('Supervisor(Echo, listen, workers=1, command=["/nowhere/server"]).run()') as program:
        program.wait_until_all_serve(1)
        program.signal(signal.SIGUSR2)
        program.wait_for(r"ERROR cannot run \['/nowhere/server'\]")
        program.wait_for("exited with status 127 before it served; this one goes on")
        assert program.stop() == ExitCode.OK


def test_a_new_program_that_takes_too_long_is_ended() -> None:
    with supervised("""
        command = [sys.executable, "-c", "import time; time.sleep(1000)"]
        Supervisor(Echo, listen, workers=1, command=command, start_timeout=0.4).run()
    """) as program:
        program.wait_until_all_serve(1)
        program.signal(signal.SIGUSR2)
        slow = int(program.wait_for(r"started the new program \(pid (\d+)\)")[1])
        program.wait_for(rf"the new program \(pid {slow}\) takes too long and is ended; this one goes on")
        assert program.ask()[2:] == ["hello"]
        assert program.stop() == ExitCode.OK


def test_sigusr2_is_refused_with_the_remedy_where_the_sockets_were_given_as_they_are() -> None:
    with supervised("Supervisor(Echo, listen(), workers=1).run()") as program:
        program.wait_until_all_serve(1)
        program.signal(signal.SIGUSR2)
        program.wait_for("SIGUSR2 is ignored: give Supervisor a function that binds the sockets")
        assert program.stop() == ExitCode.OK
