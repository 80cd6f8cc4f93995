"""Clients without pause: each visit is counted by what became of it."""

from __future__ import annotations

from collections import Counter
from itertools import count

import pytest

from eyewall.tcpserver.testing import Load


def test_a_visit_is_answered_refused_or_broken() -> None:
    numbers = count()

    def visit(load: Load) -> None:
        match next(numbers) % 3:
            case 0:
                load.answered("worker 1")
            case 1:
                raise ConnectionRefusedError
            case _:
                raise ZeroDivisionError

    with Load(visit, clients=1) as load:
        load.wait_for_more(5)
    assert load.answers["worker 1"] >= 5
    assert load.refused >= 4
    assert set(load.broken) == {"ZeroDivisionError()"}
    assert load.verdict().startswith(f"{load.answers['worker 1']} answers from 1 processes, {load.refused} refused, ")


def test_answers_that_do_not_come_are_not_waited_for_without_end() -> None:
    def visit(load: Load) -> None:
        raise ConnectionRefusedError

    with Load(visit, clients=2) as load, pytest.raises(TimeoutError, match=r"1 answers more have not come in 0\.01 s"):
        load.wait_for_more(1, timeout=0.01)


def test_one_visit_may_ask_until_it_is_over() -> None:
    visits: Counter[str] = Counter()

    def visit(load: Load) -> None:
        visits["begun"] += 1
        while not load.over:
            load.answered("worker 1")

    with Load(visit, clients=1) as load:
        load.wait_for_more(3)
    assert visits["begun"] == 1
