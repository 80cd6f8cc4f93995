"""Whether the environment wants every loop watched: asked at each, and so apart from what watches."""

from __future__ import annotations

import os
from typing import Final

WATCH_VARIABLE: Final = "EYEWALL_IOLOOP_WATCH"


def wanted_threshold() -> float:
    """Return what the environment says about watching every loop; 0 where it says nothing."""
    text = os.environ.get(WATCH_VARIABLE) or "0"
    try:
        return float(text)
    except ValueError:
        raise ValueError(f"{WATCH_VARIABLE} is a number of seconds, such as 0.1, not {text!r}") from None
