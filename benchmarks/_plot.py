"""The table as a picture: a panel for each kind of work, a bar for each contestant."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

from ._report import ratio, typical_cost

if TYPE_CHECKING:
    from pathlib import Path

    from ._contestants import Work
    from ._report import Samples

_OURS: Final = "#1f6f8b"
_FLOOR: Final = "#bbbbbb"
_PEERS: Final = "#e0a458"
_COLUMNS: Final = 3


def plot(samples: Samples, path: Path) -> None:
    """Draw it into a file, whose ending says in which format. Raises ImportError without matplotlib."""
    works = list(dict.fromkeys(work for work, _ in samples))
    columns = min(_COLUMNS, len(works))
    bars = [sum(other == work for other, _ in samples) for work in works]
    heights = [0.8 + 0.19 * max(bars[first : first + columns]) for first in range(0, len(works), columns)]
    # Any: where it is not installed, a checker would find no types.
    figure: Any = import_module("matplotlib.figure").Figure(
        figsize=(1 + 5 * columns, 0.5 + sum(heights)), layout="constrained"
    )
    grid = figure.subplots(len(heights), columns, squeeze=False, gridspec_kw={"height_ratios": heights})
    panels = list(grid.flat)
    for work, panel in zip(works, panels, strict=False):
        _draw(panel, samples, work)
    for panel in panels[len(works) :]:
        panel.set_axis_off()
    figure.supxlabel("µs are of the server's processor time; x: as a multiple of the floor; less is better", fontsize=9)
    figure.savefig(path)


def _draw(panel: Any, samples: Samples, work: Work) -> None:
    """Draw the bars of one kind of work."""
    contestants = [one for other, one in samples if other == work]
    costs = [typical_cost(samples[work, one]) for one in contestants]
    labels = [f" {cost:.3g}  {ratio(samples, work, one):.1f}x" for one, cost in zip(contestants, costs, strict=True)]
    bars = panel.barh([one.name for one in contestants], costs, color=[_colour(one.name) for one in contestants])
    panel.bar_label(bars, labels, fontsize=7)
    panel.set_title(f"{work.name}, {work.unit}\n", loc="left", fontsize=9, fontweight="bold")
    panel.text(0, 1.03, work.title, transform=panel.transAxes, fontsize=7)
    panel.invert_yaxis()
    panel.tick_params(labelsize=7)
    panel.spines[["top", "right"]].set_visible(False)
    # Room for the label of the longest bar.
    panel.margins(x=0.2)


def _colour(name: str) -> str:
    return _OURS if name.startswith("eyewall") else _FLOOR if name.startswith("floor") else _PEERS
