"""What the applications of all contestants have in common."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Final

MEBIBYTE: Final = 1024 * 1024
STATIC: Final = Path(__file__).parents[1] / "results" / "static"
"""The files that are served: ``4k.txt`` and ``64k.txt``, made when a measurement needs them."""
JSON_1K: Final = json.dumps(
    {"name": "x" * 30, "ok": True, "items": [{"id": n, "v": "abcdefgh"} for n in range(29)]}
).encode()
"""A kilobyte of JSON."""
PLACES: Final = int(os.environ.get("BENCHMARK_PLACES", "10"))
"""How many routes stand behind the others, ``/place-0/7`` and so on."""
FIELDS: Final = {f"X-Field-{number}": f"value {number}" for number in range(50)}
"""What ``/headers`` answers with, beside the greeting."""


def make_files() -> None:
    """Make the files that are served."""
    STATIC.mkdir(parents=True, exist_ok=True)
    for name, size in (("4k.txt", 4096), ("64k.txt", 65536)):
        (STATIC / name).write_bytes(b"x" * size)
