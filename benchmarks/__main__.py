"""``python -m benchmarks``: serves one application on several servers, and compares what a request costs each."""

from __future__ import annotations

import argparse
import json
import shutil
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Final

from ._contestants import CONTESTANTS, FLOOR, HELLO, WORKS
from ._drivers import DRIVERS
from ._measure import BenchmarkError, choose_cores
from ._plot import plot
from ._report import as_json, describe_machine, table

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from ._contestants import Contestant, Work
    from ._measure import Cores, Sample

RESULTS: Final = Path(__file__).parent / "results"
_QUIET_LOAD: Final = 0.5


def options() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument(
        "--seconds", type=_positive, default=2.0, help="how long each takes (default: 2; by wrk, at least 1)"
    )
    parser.add_argument("--rounds", type=_whole, default=3, help="measurements of each, interleaved (default: 3)")
    parser.add_argument(
        "--only",
        nargs="+",
        metavar="NAME",
        choices=[contestant.name for contestant in CONTESTANTS],
        help=f"these, beside the floor: {', '.join(contestant.name for contestant in CONTESTANTS)}",
    )
    parser.add_argument(
        "--work",
        nargs="+",
        choices=[work.name for work in WORKS],
        help="these kinds of work (default: all)",
    )
    parser.add_argument("--one-core", action="store_true", help="the server and its load on one core, in turns")
    parser.add_argument("--plot", action="store_true", help="draw it, too, as SVG beside the JSON; needs matplotlib")
    return parser.parse_args()


def _positive(text: str) -> float:
    number = float(text)
    if not 0 < number < float("inf"):
        raise argparse.ArgumentTypeError(f"{text} is not above 0")
    return number


def _whole(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"{text} is not 1 or more")
    return number


def choose(only: Sequence[str] | None, works: Sequence[str] | None) -> list[tuple[Work, Contestant]]:
    """Give what to measure, in the order of the table; and the floor's plain request, if any is compared with it."""
    able: list[Contestant] = []
    for contestant in CONTESTANTS:
        if only is not None and contestant.name not in only and contestant is not FLOOR:
            continue
        if missing := contestant.missing():
            print(f"without {contestant.name}: {', '.join(missing)} not installed", file=sys.stderr)
        else:
            able.append(contestant)
    pairs = [
        (work, contestant)
        for work in WORKS
        if works is None or work.name in works
        for contestant in able
        if contestant.serves(work)
    ]
    lacking = (HELLO, FLOOR) not in pairs and any(work.by_hello for work, _ in pairs)
    return [(HELLO, FLOOR), *pairs] if lacking else pairs


def run(
    pairs: Sequence[tuple[Work, Contestant]], cores: Cores, seconds: float, rounds: int
) -> dict[tuple[Work, Contestant], list[Sample]]:
    """Measure all, round by round: what disturbs the machine for a while then disturbs everybody."""
    samples: dict[tuple[Work, Contestant], list[Sample]] = {pair: [] for pair in pairs}
    for number in range(1, rounds + 1):
        for work, contestant in pairs:
            sample = DRIVERS[work.drive](contestant, work, cores, seconds)
            samples[work, contestant].append(sample)
            print(
                f"round {number} of {rounds}  {work.name:12}{contestant.name:20}{sample.cost:10.2f} {work.unit}",
                file=sys.stderr,
            )
    return samples


def keep(result: Mapping[str, object]) -> Path:
    """Write a result beside those of other times."""
    RESULTS.mkdir(exist_ok=True)
    path = RESULTS / time.strftime("%Y-%m-%dT%H%M%S.json")
    path.write_text(json.dumps(result, indent=1, ensure_ascii=False) + "\n")
    return path


def warnings(machine: Mapping[str, object], cores: Cores) -> Iterable[str]:
    """Say what makes these figures doubtful."""
    load = machine["load_average_before"]
    if isinstance(load, float) and load > _QUIET_LOAD:
        yield f"The load average was {load:.1f} before this began: others use the machine, and the figures are noisy."
    if cores.shared:
        yield "The server and its load share a core's two threads: compare ratios only."


def main() -> int:
    """Give the exit status."""
    chosen = options()
    if sys.platform != "linux":
        print("The benchmarks pin processes and read /proc: they run on Linux only.", file=sys.stderr)
        return 1
    pairs = choose(chosen.only, chosen.work)
    if shutil.which("wrk") is None and any(work.drive == "wrk" for work, _ in pairs):
        print("The benchmarks need wrk: apt install wrk, or https://github.com/wg/wrk", file=sys.stderr)
        return 1
    try:
        cores = choose_cores(one=chosen.one_core)
        machine = describe_machine(cores) | {"seconds": chosen.seconds, "rounds": chosen.rounds}
        samples = run(pairs, cores, chosen.seconds, chosen.rounds)
    except BenchmarkError as error:
        print(error, file=sys.stderr)
        return 1
    print(
        f"{machine['processor']}, Linux {machine['kernel']}, {machine['python']}", *warnings(machine, cores), sep="\n"
    )
    print(f"Medians of {chosen.rounds} rounds of {chosen.seconds:g} s.", *table(samples), sep="\n")
    kept = keep(as_json(samples, machine))
    print(f"\nKept in {kept}")
    if chosen.plot:
        plot(samples, kept.with_suffix(".svg"))
        print(f"Drawn in {kept.with_suffix('.svg')}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
