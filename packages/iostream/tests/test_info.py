"""The values that say who is at the other end, for programs that look at their types."""

from __future__ import annotations

import subprocess
import sys
from typing import get_type_hints

from eyewall.iostream import Address, ProxyInfo, StreamInfo, TLSInfo, UnixCredentials


def test_the_types_of_a_peer_s_facts_can_be_evaluated() -> None:
    assert get_type_hints(StreamInfo) == {
        "address": Address | None,
        "tls": TLSInfo | None,
        "proxy": ProxyInfo | None,
        "credentials": UnixCredentials | None,
    }
    assert get_type_hints(ProxyInfo)["source"] == Address | None
    assert get_type_hints(TLSInfo)["version"] is str


def test_only_evaluating_them_loads_what_few_streams_have() -> None:
    program = """
import sys, typing
from eyewall.iostream import StreamInfo
before = "eyewall.iostream._facts" in sys.modules
typing.get_type_hints(StreamInfo)
print(before, "eyewall.iostream._facts" in sys.modules)
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "False True\n"
