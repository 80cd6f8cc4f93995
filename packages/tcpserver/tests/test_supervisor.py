"""The supervisor's promises, on real processes: workers that die, hang, cannot start or are told to end."""

from __future__ import annotations

import os
import signal
from typing import TYPE_CHECKING

import pytest

from eyewall.ioloop import BackendNotFoundError, IOLoop
from eyewall.tcpserver import ExitCode

from ._supervised import ask, supervised

if TYPE_CHECKING:
    from pathlib import Path

TWO = "Supervisor(Echo, listen, workers=2, back_off=0.05).run()"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_to_stop_lets_connections_end_and_exits_with_0(number: signal.Signals) -> None:
    with supervised(TWO) as program:
        workers = program.wait_until_all_serve(2)
        with program.connect() as sock:
            assert int(ask(sock, "hello")[0]) in workers
            program.signal(number)
            program.wait_for(f"{number.name}: the workers drain")
            assert ask(sock, "again")[2:] == ["again"]
        assert program.end() == ExitCode.OK


def test_what_does_not_end_within_the_grace_is_cut_and_shows_in_the_exit_status() -> None:
    with supervised("Supervisor(Echo, listen, workers=1, grace=0.2).run()") as program:
        program.wait_until_all_serve(1)
        with program.connect() as sock:
            ask(sock, "hello")
            program.signal(signal.SIGTERM)
            assert sock.recv(100) == b""
        assert program.end() == ExitCode.CUT
    assert "1 had to be cut: 127.0.0.1:" in program.log


def test_a_second_signal_to_stop_ends_all_at_once() -> None:
    with supervised(TWO) as program:
        program.wait_until_all_serve(2)
        with program.connect() as sock:
            ask(sock, "hello")
            program.signal(signal.SIGINT)
            program.wait_for("the workers drain")
            program.signal(signal.SIGINT)
            assert program.end() == ExitCode.CUT
    assert "SIGINT once more" in program.log


@pytest.mark.parametrize(
    ("line", "cause"),
    [("die", "exited with status 7"), ("kill", r"was killed by SIGKILL \(not by this supervisor; [^)]*\)")],
)
def test_a_worker_that_dies_is_replaced_and_the_log_says_why(line: str, cause: str) -> None:
    with supervised(TWO) as program:
        workers = program.wait_until_all_serve(2)
        assert program.ask(line) == []
        died = program.wait_for(rf"ERROR worker \d \(pid (\d+)\) {cause}; the next starts in 0.05 s")
        (new,) = program.wait_until_all_serve(1)
        assert int(died[1]) in workers
        assert new not in workers
        assert program.ask()[2:] == ["hello"]
        assert program.stop() == ExitCode.OK


def test_a_worker_that_has_served_for_long_is_replaced_at_once() -> None:
    with supervised("Supervisor(Echo, listen, workers=1, stable_seconds=1e-9).run()") as program:
        program.wait_until_all_serve(1)
        program.ask("die")
        program.wait_for("exited with status 7; starting another")
        program.wait_until_all_serve(1)


def test_workers_that_never_start_are_given_up_with_a_status_of_its_own() -> None:
    with supervised("""
        def make_server():
            raise LookupError("no database")
        Supervisor(make_server, listen, workers=2, back_off=0.01, max_failures=3).run()
    """) as program:
        assert program.end() == ExitCode.START_FAILED
    assert "LookupError: no database" in program.log
    assert (
        "exited with status 11 (START_FAILED) before it was ready; the next starts in 0.02 s, for this was failure 2"
        in program.log
    )
    assert "CRITICAL giving up: every worker has failed 3 times in a row before it was ready" in program.log


def test_workers_that_die_soon_after_they_are_ready_are_given_up_with_a_status_of_its_own() -> None:
    with supervised("""
        async def make_server():
            IOLoop.current().call_later(0.01, os._exit, 9)
            return Echo()
        Supervisor(make_server, listen, workers=1, back_off=0.01, max_failures=2).run()
    """) as program:
        assert program.end() == ExitCode.CRASH_LOOP
    assert "soon after it was ready" in program.log


def test_a_worker_that_cannot_start_is_tried_on_while_another_serves(tmp_path: Path) -> None:
    with supervised(
        """
        def make_server():
            if task_id() == 1 and not (SCRATCH / "cured").exists():
                raise LookupError("ill")
            return Echo()
        Supervisor(make_server, listen, workers=2, back_off=0.01, max_back_off=0.05, max_failures=2).run()
        """,
        tmp_path,
    ) as program:
        program.wait_for("for this was failure 4 in a row")
        assert program.ask()[1] == "0"
        (tmp_path / "cured").touch()
        program.wait_for(r"worker 1 \(pid \d+\) serves")
        assert program.stop() == ExitCode.OK


def test_a_port_in_use_is_an_exit_status_and_one_line() -> None:
    with supervised("""
        taken = listen()
        Supervisor(Echo, lambda: bind_sockets(taken[0].getsockname()[1], "127.0.0.1")).run()
    """) as program:
        assert program.end() == ExitCode.LISTEN_FAILED
    assert "CRITICAL cannot listen on '127.0.0.1'" in program.log
    assert "Traceback" not in program.log


def test_a_worker_whose_loop_was_stopped_says_so_and_is_replaced() -> None:
    with supervised("""
        async def make_server():
            IOLoop.current().call_later(0.01, IOLoop.current().stop)
            return Echo()
        Supervisor(make_server, listen, workers=1, back_off=0.01, max_failures=2).run()
    """) as program:
        program.wait_for("its event loop was stopped, not the supervisor's way")
        program.wait_for(r"exited with status 15 \(LOOP_STOPPED\)")
        assert program.end() == ExitCode.CRASH_LOOP


def test_workers_whose_supervisor_is_killed_finish_and_end() -> None:
    with supervised(TWO) as program:
        program.wait_until_all_serve(2)
        with program.connect() as sock:
            ask(sock, "hello")
            program.process.kill()
            program.process.wait()
            assert ask(sock, "again")[2:] == ["again"]
        program.end()  # the pipe of the log ends when the last worker has
    assert program.log.count("INFO drained") == 2


def test_a_worker_ends_where_run_was_called_and_runs_nothing_behind_it() -> None:
    with supervised("""
        try:
            Supervisor(Echo, listen, workers=1).run()
        finally:
            logging.info("behind run in %d", os.getpid())
    """) as program:
        program.wait_until_all_serve(1)
        assert program.stop() == ExitCode.OK
    assert program.log.count("behind run") == 1
    assert f"behind run in {program.pid}" in program.log


def test_a_terminal_s_signals_to_the_group_are_for_the_supervisor_alone() -> None:
    with supervised(TWO) as program:
        workers = program.wait_until_all_serve(2)
        with program.connect() as sock:
            ask(sock, "hello")
            os.killpg(program.pid, signal.SIGINT)
            program.wait_for("SIGINT: the workers drain")
            assert int(ask(sock, "again")[0]) in workers
        assert program.end() == ExitCode.OK


@pytest.mark.parametrize("backend", ["asyncio", "uvloop", "selector", "trio"])
def test_workers_run_on_every_event_loop(backend: str) -> None:
    try:
        IOLoop(make_current=False, backend=backend).close()
    except BackendNotFoundError as error:
        pytest.skip(str(error))
    with supervised(
        """
        class Telling(Echo):
            async def on_line(self, line):
                logging.info("on %s", IOLoop.current().backend_name)
        Supervisor(Telling, listen, workers=1).run()
        """,
        EYEWALL_IOLOOP=backend,
    ) as program:
        old = program.wait_until_all_serve(1)
        assert program.ask()[2:] == ["hello"]
        program.wait_for(f"on {backend}")
        program.signal(signal.SIGUSR1)
        program.wait_for("reports:")
        program.wait_for("Tasks:")
        program.signal(signal.SIGHUP)
        program.wait_until_ended(old)
        assert program.ask()[2:] == ["hello"]
        assert program.stop() == ExitCode.OK


def test_the_server_may_be_made_by_a_coroutine_and_a_context_that_is_left_after_the_drain() -> None:
    with supervised("""
        @contextlib.asynccontextmanager
        async def make_server():
            logging.info("opens")
            yield Echo()
            logging.info("closes")

        async def make_later():
            await asyncio.sleep(0)
            return make_server()

        Supervisor(make_later, listen, workers=1).run()
    """) as program:
        program.wait_for("opens")
        program.wait_until_all_serve(1)
        assert program.ask()[2:] == ["hello"]
        assert program.stop() == ExitCode.OK
    assert program.log.index("drained in") < program.log.index("closes")


def test_each_server_gets_the_sockets_of_its_name() -> None:
    with supervised("""
        class Other(Echo):
            async def on_line(self, line):
                logging.info("other heard %s", line)

        sockets = {"echo": listen(), "other": listen()}
        Supervisor(lambda: {"other": Other(), "echo": Echo()}, sockets, workers=1).run()
    """) as program:
        program.wait_until_all_serve(1)
        assert program.ask("hello")[2:] == ["hello"]
        assert "other heard" not in program.log


def test_names_that_do_not_match_are_said() -> None:
    with supervised("""
        Supervisor(lambda: {"http": Echo()}, {"htpt": listen()}, workers=1, max_failures=1).run()
    """) as program:
        assert program.end() == ExitCode.START_FAILED
    assert "there are servers for ['http'], but sockets for ['htpt']; make them match" in program.log


def test_each_worker_has_a_socket_of_its_own_by_reuse_port() -> None:
    with supervised("""
        def listen():
            return bind_sockets(0, "127.0.0.1", reuse_port=True)
        class Telling(Echo):
            def add_sockets(self, sockets):
                sockets = list(sockets)
                logging.info("inodes %s", [os.fstat(s.fileno()).st_ino for s in sockets])
                super().add_sockets(sockets)
        Supervisor(Telling, listen, workers=3, reuse_port=True).run()
    """) as program:
        program.wait_until_all_serve(3)
        inodes = [line.rpartition("inodes ")[2] for line in program.log.splitlines() if "inodes" in line]
        assert len(set(inodes)) == len(inodes) == 3
        assert program.ask()[2:] == ["hello"]
        assert program.stop() == ExitCode.OK


def test_a_loop_that_is_there_before_is_refused_with_the_remedy() -> None:
    with supervised("""
        loop = IOLoop.current()
        try:
            Supervisor(Echo, listen).run()
        finally:
            loop.close()
    """) as program:
        assert program.end() == 1
    assert (
        "RuntimeError: this process has an event loop, which workers cannot share; call Supervisor.run()" in program.log
    )


def test_a_worker_that_does_not_end_although_it_was_told_to_is_killed_and_tells_where_it_was() -> None:
    with supervised("""
        from eyewall.tcpserver._supervision import _worker
        _worker.LEAVE_MARGIN = 0.2  # instead of seconds

        class Clinging:
            async def __aenter__(self):
                return Echo()

            async def __aexit__(self, *error):
                await IOLoop.current().create_future()

        Supervisor(Clinging, listen, workers=1, grace=0.2).run()
    """) as program:
        program.wait_until_all_serve(1)
        assert program.stop() == ExitCode.CUT
    assert "is killed: it has not ended 0 s after it was told to, with 0.2 s of grace" in program.log
    assert "Clinging.__aexit__ at <string>" in program.log


def test_a_hanging_worker_whose_supervisor_is_killed_ends_too() -> None:
    with supervised("""
        from eyewall.tcpserver._supervision import _child
        _child.LEAVE_MARGIN = 0.2
        Supervisor(Echo, listen, workers=1, grace=0.2, hang_timeout=None).run()
    """) as program:
        program.wait_until_all_serve(1)
        with program.connect() as sock:
            sock.sendall(b"block\n")
            program.process.kill()
            assert sock.recv(100) == b""
        program.end()


def test_a_worker_that_is_still_starting_when_all_are_to_stop_holds_up_nobody(tmp_path: Path) -> None:
    with supervised(
        """
        async def make_server():
            logging.info("begins")
            await asyncio.sleep(0.3)
            return Echo()
        Supervisor(make_server, listen, workers=1).run()
        """,
        tmp_path,
    ) as program:
        program.wait_for("begins")
        assert program.stop() == ExitCode.OK
    assert " serves\n" not in program.log


def test_a_process_that_cannot_be_had_is_asked_for_again() -> None:
    with supervised("""
        from eyewall.tcpserver._supervision import _crew
        fork, attempts = _crew.fork, []

        def fork_the_second_time():
            attempts.append(1)
            if len(attempts) == 1:
                raise BlockingIOError(11, "Resource temporarily unavailable")
            return fork()

        _crew.fork = fork_the_second_time
        Supervisor(Echo, listen, workers=1, back_off=0.01, max_back_off=0.05).run()
    """) as program:
        program.wait_for("ERROR cannot fork worker 0: .*temporarily unavailable; trying again in 0.05 s")
        program.wait_until_all_serve(1)
        assert program.stop() == ExitCode.OK


def test_a_status_that_make_server_exits_with_is_the_worker_s() -> None:
    with supervised("""
        Supervisor(lambda: sys.exit(66), listen, workers=1, max_failures=1).run()
    """) as program:
        program.wait_for("exited with status 66 before it was ready")
        assert program.end() == ExitCode.START_FAILED


def test_what_is_no_server_is_refused_with_what_was_given() -> None:
    with supervised("Supervisor(lambda: 42, listen, workers=1, max_failures=1).run()") as program:
        assert program.end() == ExitCode.START_FAILED
    assert "TypeError: make_server gave 42; give a server with add_sockets and drain" in program.log


def test_a_second_sigusr2_while_the_new_program_starts_is_ignored_and_a_stop_ends_both() -> None:
    with supervised("""
        command = [sys.executable, "-c", "import time; time.sleep(1000)"]
        Supervisor(Echo, listen, workers=1, command=command).run()
    """) as program:
        program.wait_until_all_serve(1)
        program.signal(signal.SIGUSR2)
        program.wait_for("started the new program")
        program.signal(signal.SIGUSR2)
        program.wait_for(r"SIGUSR2 is ignored: the new program \(pid \d+\) starts already")
        assert program.stop() == ExitCode.OK  # the log ends: neither holds it open
