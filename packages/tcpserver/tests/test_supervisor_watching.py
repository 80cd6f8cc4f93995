"""Watching: what hangs is seen, tells what it was doing, and goes; what crashes leaves its stack."""

from __future__ import annotations

import os
import signal
import threading

from eyewall.tcpserver import ExitCode

from ._supervised import supervised

QUICK = "Supervisor(Echo, listen, workers=1, hang_timeout=1, back_off=0.05).run()"


def test_a_worker_whose_loop_hangs_leaves_the_stacks_of_its_threads_and_tasks_and_is_replaced() -> None:
    with supervised(QUICK) as program:
        (old,) = program.wait_until_all_serve(1)
        with program.connect() as waiting, program.connect() as sock:
            waiting.sendall(b"wait\n")
            program.wait_for("waits")
            sock.sendall(b"block\n")
            program.wait_for(
                rf"ERROR worker 0 \(pid {old}\) is killed: it hangs: its event loop has not turned for 1 s"
            )
            program.wait_for(r"\(most recent call first\):\n.*\n(.*\n)+.* in block_the_loop\n")
            program.wait_for(r"Tasks:\n(.*\n)*.*Echo.on_line")
        program.wait_until_all_serve(1)
        assert program.ask()[2:] == ["hello"]
        assert program.stop() == ExitCode.OK


def test_a_worker_that_was_stopped_by_somebody_is_replaced_too() -> None:
    with supervised(QUICK) as program:
        (old,) = program.wait_until_all_serve(1)
        os.kill(old, signal.SIGSTOP)
        program.wait_for(r"has not turned for 1 s. It was doing this:\n  \(it cannot tell\)")
        program.wait_until_all_serve(1)
        assert program.stop() == ExitCode.OK


def test_a_worker_that_does_not_get_ready_is_ended_and_tells_where_it_was() -> None:
    with supervised("""
        Supervisor(block_the_loop, listen, workers=1, start_timeout=0.5, hang_timeout=0.1, max_failures=1).run()
    """) as program:
        program.wait_for("it has not become ready within 0.5 s. It was doing this:")
        program.wait_for("in block_the_loop")
        assert program.end() == ExitCode.START_FAILED


def test_a_worker_that_takes_its_time_to_start_does_not_count_as_hanging() -> None:
    with supervised("""
        def make_server():
            time.sleep(1.2)
            return Echo()
        Supervisor(make_server, listen, workers=1, hang_timeout=1).run()
    """) as program:
        program.wait_until_all_serve(1)
        assert "hangs" not in program.log
        assert program.stop() == ExitCode.OK


def test_nobody_is_watched_where_hang_timeout_is_none() -> None:
    with supervised("Supervisor(Echo, listen, workers=1, hang_timeout=None).run()") as program:
        program.wait_until_all_serve(1)
        assert program.ask()[2:] == ["hello"]
        assert program.stop() == ExitCode.OK


def test_a_worker_that_crashes_in_c_leaves_its_stack_in_the_log() -> None:
    with supervised("""
        class Crashing(Echo):
            async def on_line(self, line):
                os.kill(os.getpid(), signal.SIGSEGV)
        Supervisor(Crashing, listen, workers=1, back_off=0.05).run()
    """) as program:
        program.wait_until_all_serve(1)
        assert program.ask("crash") == []
        program.wait_for(
            r"was killed by SIGSEGV. It was doing this:\nFatal Python error: Segmentation fault\n(.*\n)*.* in on_line"
        )
        program.wait_until_all_serve(1)


def test_sigusr1_has_every_worker_report_and_harms_nobody() -> None:
    with supervised("Supervisor(Echo, listen, workers=2).run()") as program:
        workers = program.wait_until_all_serve(2)
        program.signal(signal.SIGUSR1)
        for _ in workers:
            program.wait_for(r"INFO worker \d \(pid \d+\) reports:\n(.*\n)*?Tasks:\n.*run_sync")
        assert int(program.ask()[0]) in workers
        assert program.stop() == ExitCode.OK


def test_a_supervisor_that_was_not_running_does_not_blame_its_workers() -> None:
    with supervised(QUICK) as program:
        workers = program.wait_until_all_serve(1)
        for pid in (*workers, program.pid):
            os.kill(pid, signal.SIGSTOP)
        threading.Event().wait(2.5)  # longer than a worker may be silent
        for pid in (program.pid, *workers):
            os.kill(pid, signal.SIGCONT)
        assert int(program.ask()[0]) in workers
        assert program.stop() == ExitCode.OK
    assert "hangs" not in program.log
