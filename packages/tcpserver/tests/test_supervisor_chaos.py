"""Whatever is done to workers, the service goes on, refuses nobody, and keeps nothing of those that are gone."""

from __future__ import annotations

import os
import random
import re
import signal
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final

import pytest

from ._load import load_on
from ._supervised import supervised

if TYPE_CHECKING:
    from ._supervised import Supervised

ACTS: Final = 30
SEEDS: Final = int(os.environ.get("EYEWALL_CHAOS_SEEDS", "1"))
WORKERS: Final = 3
PROGRAM: Final = f"""
    limits = dict(hang_timeout=1, start_timeout=4, grace=1, max_age=3, back_off=0.01, max_back_off=0.1, max_failures=99)
    Supervisor(Echo, listen, workers={WORKERS}, **limits).run()
"""
TO_SUPERVISOR: Final = (signal.SIGHUP, signal.SIGUSR1)
TO_A_WORKER: Final = (signal.SIGKILL, signal.SIGSTOP, signal.SIGTERM, signal.SIGQUIT, signal.SIGHUP)

pytestmark = pytest.mark.skipif(not Path("/proc/self/task").is_dir(), reason="asks /proc for children and descriptors")


def workers_of(program: Supervised) -> list[int]:
    return [int(pid) for pid in Path(f"/proc/{program.pid}/task/{program.pid}/children").read_text().split()]


def descriptors_of(program: Supervised) -> int:
    return len(list(Path(f"/proc/{program.pid}/fd").iterdir()))


def act(program: Supervised, chance: random.Random) -> None:
    if chance.random() < 0.4:
        program.signal(chance.choice(TO_SUPERVISOR))
    elif workers := workers_of(program):
        with suppress(ProcessLookupError):
            os.kill(chance.choice(workers), chance.choice(TO_A_WORKER))


def replaces_all(program: Supervised) -> bool:
    program.signal(signal.SIGHUP)
    program.wait_for("SIGHUP: the workers are replaced")
    return "serve in all places" in program.wait_for("SIGHUP: new workers serve in all places|SIGHUP is given up")[0]


@pytest.mark.parametrize("seed", range(1, SEEDS + 1))
def test_the_service_survives_what_is_done_to_its_workers(seed: int) -> None:
    chance = random.Random(seed)
    with supervised(PROGRAM) as program:
        program.wait_until_all_serve(WORKERS)
        before = descriptors_of(program)
        with load_on(program) as load:
            for _ in range(ACTS):
                act(program, chance)
                load.wait_for_more(20)
                program.read_log()
        while not replaces_all(program):
            pass  # a worker that was stopped as it started had to be ended first
        assert load.refused == 0, load.verdict()
        # Whoever's worker is killed gets no answer, or a part of one; never a wrong one.
        assert not any("AssertionError" in error for error in load.broken), load.verdict()
        assert program.ask()[2:] == ["hello"]
        program.wait_until(lambda: descriptors_of(program) == before)
        program.stop()
    started = set(re.findall(r"\(pid (\d+)\) serves", program.log))
    ended = set(re.findall(r"\(pid (\d+)\)[^\n]*(?:has ended|was killed|exited with)", program.log))
    assert started <= ended, "the supervisor has not seen the end of each worker"
    assert "Traceback" not in program.log
