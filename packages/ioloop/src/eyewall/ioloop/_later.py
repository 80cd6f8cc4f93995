"""What not every program needs: it is imported when it is first asked for, which makes the start quicker."""

from __future__ import annotations

from typing import Final

MODULES: Final[dict[str, tuple[str, ...]]] = {
    "._insight": ("Blockage", "Counts", "Insight", "Lag"),
    "._periodic": ("PeriodicCallback",),
    "._run": ("run",),
}
"""The public names that are taken from each such module; ``__init__`` says the same to a type checker."""
