"""What all suites share: tests that need a foreign program, marked with its name.

Such a test is skipped where the program is absent, and fails there if CI is set: CI installs them all. And in CI a
test that fails gets a second try, for neighbours on a shared machine may starve it; .ci/counts.py names it then.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
import signal

import pytest

# Runs async tests on each event loop backend; absent only where no layer is installed, as where wheels are built.
pytest_plugins = ["eyewall.ioloop.testing.plugin"] if importlib.util.find_spec("eyewall") else []

# A marker, and the names that its program goes by.
FOREIGN_PROGRAMS = {
    "chromium": ("chromium", "chromium-browser", "google-chrome"),
    "curl": ("curl",),
    "haproxy": ("haproxy", "/usr/sbin/haproxy"),
    "nginx": ("nginx", "/usr/sbin/nginx"),
    "openssl": ("openssl",),
    "systemd": ("systemd-socket-activate",),
    "valgrind": ("valgrind",),
    "wrk": ("wrk",),
}


def pytest_configure(config: pytest.Config) -> None:
    # A shell's job in the background is started with it ignored, and so would be all that the tests start.
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    for name in FOREIGN_PROGRAMS:
        config.addinivalue_line("markers", f"{name}: needs the program {name}")
    if os.environ.get("CI") and config.pluginmanager.hasplugin("rerunfailures"):
        config.option.reruns = 1


def missing_programs(item: pytest.Item) -> list[str]:
    return [
        name
        for name, commands in FOREIGN_PROGRAMS.items()
        if item.get_closest_marker(name) and not any(map(shutil.which, commands))
    ]


def pytest_runtest_setup(item: pytest.Item) -> None:
    for name in missing_programs(item):
        if os.environ.get("CI"):
            pytest.fail(f"needs {name}, which CI is to install: see .ci/run", pytrace=False)
        pytest.skip(f"needs {name}")
