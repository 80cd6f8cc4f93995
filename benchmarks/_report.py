"""The medians of several rounds, as a table and as JSON."""

from __future__ import annotations

import os
import platform
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Final

from ._contestants import FLOOR, HELLO
from ._measure import CONNECTIONS, Sample

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from ._contestants import Contestant, Work
    from ._measure import Cores

    Samples = Mapping[tuple[Work, Contestant], Sequence[Sample]]

_PACKAGES: Final = (
    "eyewall-web",
    "tornado",
    "aiohttp",
    "blacksheep",
    "granian",
    "starlette",
    "uvicorn",
    "httptools",
    "trio",
    "uvloop",
)


def medians(samples: Sequence[Sample]) -> Sample:
    """Give each figure's own median."""
    return Sample._make(median(column) for column in zip(*samples, strict=True))


def spread(samples: Sequence[Sample]) -> float:
    """How far the dearest sample is from the cheapest, as a part of the median: how far to trust it."""
    costs = [sample.cost for sample in samples]
    return (max(costs) - min(costs)) / median(costs)


def typical_cost(samples: Sequence[Sample]) -> float:
    """Give the median of what counts, in the unit of the work."""
    return median(sample.cost for sample in samples)


def ratio(samples: Samples, work: Work, contestant: Contestant) -> float:
    """How many of the floor's plain requests a request costs; what is no request, how many of the floor's own."""
    return typical_cost(samples[work, contestant]) / typical_cost(samples[HELLO if work.by_hello else work, FLOOR])


def table(samples: Samples) -> Iterator[str]:
    """Give the lines of a table for each kind of work."""
    works = list(dict.fromkeys(work for work, _ in samples))
    for work in works:
        yield ""
        yield f"{work.name}: {work.title}"
        yield f"{'':20}{work.unit:>11}{'x floor':>9}{_headings(work)}{'spread':>8}"
        for contestant in [one for other, one in samples if other == work]:
            rows = samples[work, contestant]
            yield (
                f"{contestant.name:20}{typical_cost(rows):11.2f}{ratio(samples, work, contestant):9.2f}"
                f"{_details(work, rows)}{spread(rows):8.0%}"
            )


def _headings(work: Work) -> str:
    """Name what only processor time has beside the figure that counts."""
    each = work.unit.partition("/")[2]
    rate = "MiB/s" if each == "MiB" else f"{each}s/s"
    return f"{'user':>8}{'system':>8}{rate:>12}{'busy':>6}" if work.is_processor_time else ""


def _details(work: Work, rows: Sequence[Sample]) -> str:
    middle = medians(rows)
    line = f"{middle.user:8.2f}{middle.system:8.2f}{middle.rate:12,.0f}{middle.busy:6.0%}"
    return line if work.is_processor_time else ""


def as_json(samples: Samples, machine: Mapping[str, object]) -> dict[str, object]:
    """Give everything that was measured, for ``json.dump``."""
    return {
        "machine": dict(machine),
        "connections": CONNECTIONS,
        "results": [
            {
                "work": work.name,
                "contestant": contestant.name,
                "cost": typical_cost(rows),
                "unit": work.unit,
                "ratio": ratio(samples, work, contestant),
                "samples": [row._asdict() for row in rows],
            }
            for (work, contestant), rows in samples.items()
        ],
    }


def describe_machine(cores: Cores) -> dict[str, object]:
    """Give what a figure depends on beside the code, and whether the machine had other things to do."""
    return {
        "processor": _processor(),
        "kernel": platform.release(),
        "python": f"{platform.python_implementation()} {platform.python_version()}",
        "cores": cores._asdict(),
        "load_average_before": os.getloadavg()[0],
        "versions": {name: found for name in _PACKAGES if (found := _version(name))},
    }


def _processor() -> str:
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), platform.machine())


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None
