"""How programs end: those with work left, those that are interrupted, and children that they have forked."""

from __future__ import annotations

import subprocess
import sys

import pytest

LEFT = """
import sys
from eyewall.ioloop import IOLoop

io_loop = IOLoop(backend=sys.argv[1])

async def wait():
    await io_loop.create_future()

async def fail():
    raise ValueError("left over")

async def main():
    global left
    left = [io_loop.spawn(coro()) for coro in (wait, fail)]
    for _ in range(3):
        await io_loop.run_in_executor(None, int)

io_loop.run_sync(main)
"""

FORKED = """
import os, socket, sys
from eyewall.ioloop import IOLoop, READ

io_loop = IOLoop(backend=sys.argv[1])
near, far = socket.socketpair()

async def wait():
    try:
        await io_loop.create_future()
    finally:
        io_loop.remove_handler(near)  # in the child, at its end

async def main():
    promise = io_loop.create_future()
    io_loop.add_handler(near, lambda sock, _: promise.done() or promise.set_result(sock.recv(1)), READ)
    left = io_loop.spawn(wait())
    await io_loop.run_in_executor(None, int)
    pid = os.fork()
    if pid == 0:
        sys.exit(3)
    print("child", os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
    far.send(b"x")
    print(await promise, await io_loop.run_in_executor(None, int, 5))
    left.cancel()

io_loop.run_sync(main, timeout=30)
io_loop.close()
"""


def run_program(program: str, backend: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", program, backend], capture_output=True, text=True, check=False, timeout=60
    )


@pytest.mark.parametrize("backend", ["selector", "simulated"])
def test_a_program_may_end_with_tasks_left_and_its_loop_open(backend: str) -> None:
    done = run_program(LEFT, backend)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("backend", ["asyncio", "uvloop", "selector", "trio"])
def test_a_child_forked_while_the_loop_runs_ends_as_it_likes_and_takes_nothing_from_its_parent(backend: str) -> None:
    if backend in {"uvloop", "trio"}:
        pytest.importorskip(backend)
    done = run_program(FORKED, backend)
    assert (done.returncode, done.stdout) == (0, "child 3\nb'x' 5\n"), done
