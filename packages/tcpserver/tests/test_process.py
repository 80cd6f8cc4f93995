"""fork_processes, in interpreters of their own: a test process that forks itself runs twice."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from eyewall.tcpserver import cpu_count, fork_processes, task_id

if TYPE_CHECKING:
    from collections.abc import Iterator

HEAD = """
import logging, os, signal, sys, time
from eyewall.ioloop import IOLoop
from eyewall.tcpserver import TCPServer, bind_sockets, fork_processes, task_id

logging.basicConfig(level=logging.INFO, format="%(message)s")

def say(*words):
    os.write(1, (" ".join(map(str, words)) + "\\n").encode())

def rest():
    while True:  # signal.pause() would sleep through a signal that comes just before it
        time.sleep(0.05)
"""


@contextmanager
def start(program: str) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(
        [sys.executable, "-Werror", "-c", HEAD + textwrap.dedent(program)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    with process:
        try:
            yield process
        finally:
            if process.poll() is None:  # the test has failed; leave no worker behind
                os.killpg(process.pid, signal.SIGKILL)


def run(program: str) -> tuple[int, list[str], str]:
    """Give the exit status, the lines that were printed, sorted, and the log."""
    with start(program) as process:
        out, err = process.communicate(timeout=30)
        return process.returncode, sorted(out.splitlines()), err


def test_each_worker_gets_its_number_and_the_parent_exits_when_all_have_ended() -> None:
    status, out, log = run("""
        task = fork_processes(3)
        say(task, task_id())
    """)
    assert (status, out) == (0, ["0 0", "1 1", "2 2"])
    assert log.count("has ended") == 3


@pytest.mark.parametrize("number", ["None", "0", "-1"])
def test_no_number_means_a_worker_for_each_processor(number: str) -> None:
    _, out, _ = run(f"say('worker', fork_processes({number}))")
    assert len(out) == cpu_count() == len(os.sched_getaffinity(0))


def test_a_worker_that_fails_is_started_anew_with_its_number() -> None:
    status, out, log = run("""
        import multiprocessing as shared
        lives = shared.Value("i", 0)
        task = fork_processes(2)
        if task == 1:
            with lives.get_lock():
                lives.value += 1
            if lives.value == 1:
                os._exit(3)
            if lives.value == 2:
                os.kill(os.getpid(), signal.SIGKILL)
        say(task)
    """)
    assert (status, out) == (0, ["0", "1"])
    assert "exited with status 3; starting it anew" in log
    assert "was killed by SIGKILL; starting it anew" in log


def test_too_many_crashes_stop_all_workers_and_raise() -> None:
    status, out, log = run("""
        try:
            task = fork_processes(2, max_restarts=2)
        except RuntimeError as error:
            say(error)
            sys.exit(7)
        if task == 0:
            os._exit(3)
        rest()
    """)
    assert status == 7
    assert out == ["worker processes crashed more than 2 times; the log has the cause of each"]
    assert log.count("exited with status 3") == 3


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_to_the_parent_ends_all_workers_and_then_the_parent(number: signal.Signals) -> None:
    program = """
        task = fork_processes(2)
        say("ready", os.getpid())
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        rest()
    """
    with start(program) as process:
        assert process.stdout is not None
        workers = [int(process.stdout.readline().split()[1]) for _ in range(2)]
        process.send_signal(number)
        process.communicate(timeout=30)
    assert process.returncode == 0
    for pid in workers:
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)


def test_the_parent_waits_for_workers_that_finish_what_they_do() -> None:
    program = """
        def finish(*_):
            say("finished", task_id())
            sys.exit(0)
        task = fork_processes(2)
        signal.signal(signal.SIGTERM, finish)
        say("ready")
        rest()
    """
    with start(program) as process:
        assert process.stdout is not None
        assert [process.stdout.readline() for _ in range(2)] == ["ready\n"] * 2
        process.terminate()
        out, _ = process.communicate(timeout=30)
    assert sorted(out.splitlines()) == ["finished 0", "finished 1"]
    assert process.returncode == 0


def test_a_worker_that_fails_while_stopping_shows_in_the_exit_status() -> None:
    program = """
        task = fork_processes(1)
        signal.signal(signal.SIGTERM, lambda *_: os._exit(9))
        say("ready")
        rest()
    """
    with start(program) as process:
        assert process.stdout is not None
        process.stdout.readline()
        process.terminate()
        _, log = process.communicate(timeout=30)
    assert process.returncode == 1
    assert "exited with status 9 while stopping" in log


def test_a_worker_has_the_signal_handlers_that_the_parent_had_before() -> None:
    _, out, _ = run("""
        def mine(*_): ...
        signal.signal(signal.SIGTERM, mine)
        fork_processes(1)
        say(signal.getsignal(signal.SIGTERM) is mine, signal.getsignal(signal.SIGINT) is signal.default_int_handler)
        say(signal.pthread_sigmask(signal.SIG_BLOCK, ()) == set())
    """)
    assert out == ["True", "True True"]


def test_what_was_printed_before_the_fork_is_printed_once() -> None:
    _, out, _ = run("""
        print("before")
        fork_processes(2)
    """)
    assert out == ["before"]


def test_workers_draw_different_random_numbers() -> None:
    _, out, _ = run("""
        import random
        fork_processes(2)
        say(random.random())
    """)
    assert len(set(out)) == 2


def test_a_loop_that_is_there_before_the_fork_is_refused_with_the_remedy() -> None:
    status, out, _ = run("""
        loop = IOLoop.current()
        try:
            fork_processes(2)
        except RuntimeError as error:
            say(error)
        loop.close()
    """)
    assert status == 0
    assert len(out) == 1
    assert out[0].startswith("this process has an event loop, which workers cannot share; call fork_processes")


def test_who_forbids_workers_is_heard_for_as_long_as_it_lives() -> None:
    status, out, _ = run("""
        import gc
        from eyewall.tcpserver import forbid_workers

        class Owner: pass

        owner = Owner()
        forbid_workers(owner, "there is but one")
        try:
            fork_processes(1)
        except RuntimeError as error:
            say(error)
        del owner
        gc.collect()
        say("worker", fork_processes(1))
    """)
    assert status == 0
    assert out == ["fork_processes cannot make workers here: there is but one", "worker 0"]


def test_a_worker_does_not_fork_again() -> None:
    _, out, _ = run("""
        fork_processes(1)
        try:
            fork_processes(1)
        except RuntimeError as error:
            say(error)
    """)
    assert out == ["this process is worker 0 already; call fork_processes once, in the parent"]


def test_a_thread_other_than_the_main_one_does_not_fork() -> None:
    errors: list[BaseException] = []

    def fork() -> None:
        try:
            fork_processes(1)
        except RuntimeError as error:
            errors.append(error)

    thread = threading.Thread(target=fork)
    thread.start()
    thread.join()
    assert "call it in the main thread" in str(errors[0])


def test_this_process_is_no_worker() -> None:
    assert task_id() is None


def test_two_processes_serve_the_port_that_was_bound_before() -> None:
    _, out, _ = run("""
        server = TCPServer()
        server.bind(0, "127.0.0.1")
        server.start(2)

        async def serving():
            say("worker", task_id())

        IOLoop.current().run_sync(serving)
        server.stop()
    """)
    assert out == ["worker 0", "worker 1"]


def test_sockets_bound_before_the_fork_are_added_in_each_worker() -> None:
    _, out, _ = run("""
        sockets = bind_sockets(0, "127.0.0.1")
        fork_processes(2)
        server = TCPServer()
        server.add_sockets(sockets)
        say(task_id())
        server.stop()
        IOLoop.current().close()
    """)
    assert out == ["0", "1"]
