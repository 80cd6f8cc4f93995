"""What the fuzzer starts from, and what it once found, holds; and so do random changes of it."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from . import http1

CORPUS = {path.name: path.read_bytes() for path in sorted((Path(__file__).parent / "corpus" / "http1").iterdir())}


@pytest.mark.parametrize("name", CORPUS)
def test_every_way_to_cut_an_input_of_the_corpus_holds(name: str) -> None:
    for how in range(0, 256, 51):
        http1.check(bytes([how]) + CORPUS[name][1:])


@given(st.data())
@settings(max_examples=300, deadline=None)
def test_changed_and_joined_inputs_hold(data: st.DataObject) -> None:
    joined = b"".join(text[1:] for text in data.draw(st.lists(st.sampled_from(list(CORPUS.values())), max_size=4)))
    changed = bytearray(joined)
    for _ in range(data.draw(st.integers(0, 5))):
        if changed:
            at = data.draw(st.integers(0, len(changed) - 1))
            changed[at : at + data.draw(st.integers(0, 3))] = data.draw(st.binary(max_size=3))
    http1.check(bytes([data.draw(st.integers(0, 255))]) + bytes(changed))
