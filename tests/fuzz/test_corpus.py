"""What the fuzzer starts from, and what it once found, holds; and so do random changes of it."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from . import answers, forms, http1

TARGETS = {"http1": http1.check, "answers": answers.check, "forms": forms.check}
CORPORA = {
    target: {path.name: path.read_bytes() for path in sorted((Path(__file__).parent / "corpus" / target).iterdir())}
    for target in TARGETS
}


@pytest.mark.parametrize("name", CORPORA["http1"])
def test_every_way_to_cut_requests_of_the_corpus_holds(name: str) -> None:
    for how in range(0, 256, 51):
        http1.check(bytes([how]) + CORPORA["http1"][name][1:])


@pytest.mark.parametrize("name", CORPORA["answers"])
def test_every_way_to_cut_an_answer_of_the_corpus_holds(name: str) -> None:
    for how in range(0, 256, 51):
        answers.check(bytes([how]) + CORPORA["answers"][name][1:])


@pytest.mark.parametrize("name", CORPORA["forms"])
def test_what_takes_forms_and_fields_apart_holds(name: str) -> None:
    for how in range(len(forms.TRIED)):
        forms.check(bytes([how]) + CORPORA["forms"][name][1:])


@pytest.mark.parametrize("target", TARGETS)
@given(data=st.data())
@settings(max_examples=200, deadline=None)
def test_changed_and_joined_inputs_hold(target: str, data: st.DataObject) -> None:
    corpus = list(CORPORA[target].values())
    joined = b"".join(text[1:] for text in data.draw(st.lists(st.sampled_from(corpus), max_size=4)))
    changed = bytearray(joined)
    for _ in range(data.draw(st.integers(0, 5))):
        if changed:
            at = data.draw(st.integers(0, len(changed) - 1))
            changed[at : at + data.draw(st.integers(0, 3))] = data.draw(st.binary(max_size=3))
    TARGETS[target](bytes([data.draw(st.integers(0, 255))]) + bytes(changed))
