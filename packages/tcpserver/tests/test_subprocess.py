"""Subprocess: programs that talk by streams, end, fail, or were never there."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from eyewall.tcpserver import Subprocess

if TYPE_CHECKING:
    from eyewall.ioloop import IOLoop

pytestmark = pytest.mark.needs("sockets", "signals")


def python(program: str) -> list[str]:
    return [sys.executable, "-c", program]


def free_descriptor() -> int:
    """Give the lowest number that is free: higher, where something was left open."""
    number = os.dup(0)
    os.close(number)
    return number


@pytest.fixture(params=["pidfd", "sigchld"])
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """How the end of a program is seen."""
    if request.param == "sigchld":
        monkeypatch.delattr(os, "pidfd_open", raising=False)
    elif not hasattr(os, "pidfd_open"):
        pytest.skip("this system has no pidfd_open")
    return str(request.param)


async def test_a_program_is_written_to_and_read_from(io_loop: IOLoop) -> None:
    process = Subprocess(
        python("import sys; sys.stderr.write('told\\n'); print(sys.stdin.read().upper())"),
        stdin=Subprocess.STREAM,
        stdout=Subprocess.STREAM,
        stderr=Subprocess.STREAM,
    )
    await process.stdin.write(b"hello")
    process.stdin.close()
    assert await process.stdout.read_until_close() == b"HELLO\n"
    assert await process.stderr.read_until_close() == b"told\n"
    assert await process.wait_for_exit() == 0
    process.stdout.close()
    process.stderr.close()


async def test_the_exit_status_is_told_to_who_waits_and_who_is_called(io_loop: IOLoop, way: str) -> None:
    process = Subprocess(python("raise SystemExit(3)"))
    called = io_loop.create_future()
    process.set_exit_callback(called.set_result)
    assert await process.wait_for_exit(raise_error=False) == 3
    assert await called == 3
    assert process.returncode == process.proc.returncode == 3
    Subprocess.uninitialize()


async def test_a_program_that_fails_raises_in_who_waits(io_loop: IOLoop, way: str) -> None:
    process = Subprocess(python("raise SystemExit(3)"))
    with pytest.raises(subprocess.CalledProcessError, match="returned non-zero exit status 3") as caught:
        await process.wait_for_exit()
    assert caught.value.cmd == process.proc.args
    Subprocess.uninitialize()


async def test_a_program_that_was_killed_has_the_signal_s_number_below_zero(io_loop: IOLoop, way: str) -> None:
    process = Subprocess(python("import sys; sys.stdin.read()"), stdin=Subprocess.STREAM)
    ended = process.wait_for_exit(raise_error=False)
    os.kill(process.pid, signal.SIGKILL)
    assert await ended == -signal.SIGKILL
    process.stdin.close()
    Subprocess.uninitialize()


async def test_who_waits_after_the_end_is_told_as_well(io_loop: IOLoop, way: str) -> None:
    process = Subprocess(python(""))
    assert await process.wait_for_exit() == 0
    assert await process.wait_for_exit() == 0
    Subprocess.uninitialize()


async def test_who_gives_up_waiting_harms_nobody(io_loop: IOLoop) -> None:
    process = Subprocess(python("import sys; sys.stdin.read()"), stdin=Subprocess.STREAM)
    with io_loop.cancel_scope(deadline=io_loop.time()):
        await process.wait_for_exit()
    process.stdin.close()
    assert await process.wait_for_exit() == 0


async def test_a_program_that_is_not_there_raises_and_leaves_no_pipe(io_loop: IOLoop) -> None:
    before = free_descriptor()
    with pytest.raises(FileNotFoundError):
        Subprocess(["/nowhere/program"], stdin=Subprocess.STREAM, stdout=Subprocess.STREAM)
    assert free_descriptor() == before


async def test_what_is_not_a_stream_is_popen_s_own(io_loop: IOLoop) -> None:
    process = Subprocess(python("print('hello')"), stdout=subprocess.PIPE)
    assert process.stdin is None
    assert process.proc.stdout is not None
    assert process.proc.stdout.read() == b"hello\n"
    assert await process.wait_for_exit() == 0
    process.proc.stdout.close()
