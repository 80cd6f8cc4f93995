"""The pytest plug-in, seen from a project that uses it."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

PLUGIN = "eyewall.ioloop.testing.plugin"


def run_pytest(folder: Path, test: str, *options: str) -> str:
    (folder / "pytest.ini").write_text("[pytest]\naddopts = --strict-markers\n")
    (folder / "test_theirs.py").write_text(test)
    command = [sys.executable, "-m", "pytest", "-p", PLUGIN, "-p", "no:cacheprovider", "-rs", *options]
    return subprocess.run(command, cwd=folder, env=alone(), check=False, capture_output=True, text=True).stdout


def alone() -> dict[str, str]:
    # Under python -O pytest warns that asserts are ignored, which these tests are not about. And what else is
    # installed takes longer to import than they do.
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONOPTIMIZE"}
    return environment | {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}


def test_async_tests_run_once_on_each_backend(tmp_path: Path) -> None:
    test = """
import pytest
from eyewall.ioloop import IOLoop

async def test_plain() -> None:
    assert IOLoop.current().backend_name in ("asyncio", "simulated")

class TestInAClass:
    @pytest.mark.parametrize("number", [1, 2])
    async def test_with_arguments(self, io_loop, number, tmp_path) -> None:
        assert IOLoop.current() is io_loop

def test_sync(io_loop) -> None:
    assert IOLoop.current() is io_loop

def test_without_a_loop() -> None:
    pass
"""
    output = run_pytest(tmp_path, test, "-v", "--backends", "asyncio,simulated")
    for expected in (
        "eyewall: --backends asyncio,simulated --simulated-seed 0",
        "test_plain[asyncio] PASSED",
        "test_plain[simulated] PASSED",
        "test_sync[simulated] PASSED",
        "test_without_a_loop PASSED",
        "9 passed",
    ):
        assert expected in output


def test_a_test_that_takes_a_simulated_loop_runs_once_on_that_whatever_was_chosen(tmp_path: Path) -> None:
    test = """
def test_time(simulated_loop, io_loop) -> None:
    assert simulated_loop is io_loop
    seen = []
    simulated_loop.call_later(3600, seen.append, "an hour later")
    simulated_loop.advance(3600)
    assert seen == ["an hour later"]

async def test_in_the_loop(simulated_loop) -> None:
    assert simulated_loop.is_running()
"""
    output = run_pytest(tmp_path, test, "-v", "--backends", "asyncio")
    assert "test_time[simulated] PASSED" in output
    assert "test_in_the_loop[simulated] PASSED" in output
    assert "2 passed" in output


def test_the_table_tells_what_each_backend_passed_and_why_it_skipped(tmp_path: Path) -> None:
    test = """
import pytest

@pytest.mark.needs("sockets", "threads")
async def test_needy() -> None:
    pass

async def test_wrong(io_loop) -> None:
    assert io_loop.backend_name != "asyncio", "a failure"
"""
    output = run_pytest(tmp_path, test, "--backends", "asyncio,simulated")
    assert "the backend 'simulated' lacks: sockets, threads" in output
    table = output[output.index("event loop backends") :].splitlines()
    assert table[1].split() == ["asyncio", "1", "passed", "1", "failed", "0", "skipped"]
    assert table[2].split()[:7] == ["simulated", "1", "passed", "0", "failed", "1", "skipped"]
    assert "sockets, threads: 1" in table[2]


def test_a_test_that_hangs_fails_and_says_where(tmp_path: Path) -> None:
    test = """
import asyncio

async def test_hangs() -> None:
    await asyncio.Event().wait()
"""
    output = run_pytest(tmp_path, test, "--backends", "asyncio,simulated", "--async-timeout", "0.05")
    assert "2 failed" in output
    assert "longer than --async-timeout, 0.05 seconds" in output
    assert "nothing can ever run again" in output
    assert output.count("test_theirs.py:5") >= 2


def test_an_error_that_the_loop_logs_fails_the_test_unless_it_looks_at_the_log(tmp_path: Path) -> None:
    test = """
import asyncio

async def test_careless(io_loop) -> None:
    io_loop.add_callback(lambda: 1 / 0)
    await asyncio.sleep(0.001)

async def test_careful(io_loop, caplog) -> None:
    io_loop.add_callback(lambda: 1 / 0)
    await asyncio.sleep(0.001)
    assert "ZeroDivisionError" in caplog.text
"""
    output = run_pytest(tmp_path, test, "--backends", "simulated")
    assert "the loop logged an error during the test" in output
    assert "2 passed, 1 error" in output


def test_a_backend_that_is_not_there_is_an_error_of_usage(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "pytest", "-p", PLUGIN, "--backends", "nonesuch"]
    done = subprocess.run(command, cwd=tmp_path, env=alone(), check=False, capture_output=True, text=True)
    assert done.returncode == 4
    assert "there is no event loop backend 'nonesuch'" in done.stderr
