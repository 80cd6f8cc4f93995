"""That a request does not become dearer unnoticed: its instructions against the recorded count; no time is measured."""

from __future__ import annotations

import platform

import pytest

from benchmarks._instructions import REQUESTS, count
from benchmarks.instructions import excess, recorded


@pytest.mark.valgrind
def test_a_request_takes_no_more_instructions_than_were_recorded() -> None:
    if not (names := recorded().keys() & REQUESTS):
        pytest.skip(f"no count is recorded for CPython {platform.python_version()}")
    found = {name: excess(name, counted) for name, counted in count(sorted(names)).items()}
    assert [said for said in found.values() if said] == []


@pytest.mark.parametrize("name", REQUESTS)
def test_what_is_above_the_margin_is_said_with_the_remedy(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("benchmarks.instructions.recorded", lambda: {name: 1000})
    assert excess(name, 1080) is None
    assert "--record" in (excess(name, 1100) or "")
