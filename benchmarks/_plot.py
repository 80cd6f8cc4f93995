"""The table as a picture: a panel for each kind of work, a bar for each contestant."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from ._report import ratio, typical_cost

if TYPE_CHECKING:
    from pathlib import Path

    from ._report import Samples

_OURS = "#1f6f8b"
_FLOOR = "#bbbbbb"
_PEERS = "#e0a458"


def plot(samples: Samples, path: Path) -> None:
    """Draw it into a file, whose ending says in which format. Raises ImportError without matplotlib."""
    works = list(dict.fromkeys(work for work, _ in samples))
    heights = [sum(other == work for other, _ in samples) for work in works]
    # Any: where it is not installed, a checker would find no types.
    figure: Any = import_module("matplotlib.figure").Figure(
        figsize=(9, 0.9 * len(works) + 0.28 * sum(heights)), layout="constrained"
    )
    panels = figure.subplots(len(works), 1, squeeze=False, gridspec_kw={"height_ratios": [h + 1 for h in heights]})
    for work, (panel,) in zip(works, panels, strict=True):
        contestants = [one for other, one in samples if other == work]
        costs = [typical_cost(samples[work, one]) for one in contestants]
        bars = panel.barh([one.name for one in contestants], costs, color=[_colour(one.name) for one in contestants])
        panel.bar_label(bars, [f" {ratio(samples, work, one):.1f}" for one in contestants], fontsize=8)
        panel.set_title(f"{work.name}: {work.title}, {work.unit}", loc="left", fontsize=9)
        panel.invert_yaxis()
        panel.tick_params(labelsize=8)
        panel.spines[["top", "right"]].set_visible(False)
        panel.margins(x=0.08)
    panels[-1][0].set_xlabel("µs are of processor time; beside each bar, it as a multiple of the floor", fontsize=8)
    figure.savefig(path)


def _colour(name: str) -> str:
    return _OURS if name.startswith("eyewall") else _FLOOR if name.startswith("floor") else _PEERS
