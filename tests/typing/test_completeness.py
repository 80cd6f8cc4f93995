"""Every public name of every layer has a type that a strict checker knows."""

from __future__ import annotations

import json
import subprocess

import pytest

LAYERS = ["ioloop", "iostream", "tcpserver", "httpserver", "web"]


@pytest.mark.parametrize("layer", LAYERS)
def test_each_public_symbol_has_a_known_type(layer: str) -> None:
    command = ["pyright", "--ignoreexternal", "--outputjson", "--verifytypes", f"eyewall.{layer}"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    found = json.loads(done.stdout)["typeCompleteness"]
    unknown = [
        f"{symbol['name']}: {diagnostic['message']}"
        for symbol in found["symbols"]
        if symbol["isTypeAmbiguous"] or not symbol["isTypeKnown"]
        for diagnostic in symbol["diagnostics"]
    ]
    assert not unknown, "\n".join(unknown)
    assert found["exportedSymbolCounts"]["withKnownType"] > 0
    assert found["completenessScore"] == 1
