"""The table at the end of a test run: how each event loop backend has fared."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    import pytest

# The names under which a test's report carries its backend, and the capabilities it was skipped for.
BACKEND: Final = "event loop backend"
LACKS: Final = "event loop backend lacks"


class Matrix:
    """A pytest plug-in that counts results by backend, and prints them."""

    def __init__(self) -> None:
        self._results: dict[str, Counter[str]] = {}
        self._lacking: dict[str, Counter[str]] = {}

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Count a result: of the call, or of what kept it from coming about."""
        properties = dict(report.user_properties)
        name = properties.get(BACKEND)
        if not isinstance(name, str) or (report.when != "call" and report.passed):
            return
        self._results.setdefault(name, Counter())[report.outcome] += 1
        if report.skipped:
            lacking = str(properties.get(LACKS, "other reasons"))
            self._lacking.setdefault(name, Counter())[lacking] += 1

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Print a line for each backend that was tested."""
        if not self._results:
            return
        terminalreporter.section("event loop backends")
        width = max(map(len, self._results))
        for name, results in self._results.items():
            counts = "  ".join(f"{results[outcome]:5} {outcome}" for outcome in ("passed", "failed", "skipped"))
            lacking = ", ".join(
                f"{reason}: {count}" for reason, count in self._lacking.get(name, Counter[str]()).items()
            )
            terminalreporter.line(f"{name:{width}}  {counts}" + (f"  ({lacking})" if lacking else ""))
