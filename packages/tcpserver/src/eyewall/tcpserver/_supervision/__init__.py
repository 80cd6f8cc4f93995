"""The supervisor: a parent without an event loop, and workers that it starts, watches and replaces."""

from ._exit_code import ExitCode
from ._supervisor import Supervisor
from ._systemd import notify, watchdog_seconds

__all__ = ["ExitCode", "Supervisor", "notify", "watchdog_seconds"]
