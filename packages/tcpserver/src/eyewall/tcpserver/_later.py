"""What not every program needs: it is imported when it is first asked for, which makes the start quicker."""

from __future__ import annotations

from typing import Final

MODULES: Final[dict[str, tuple[str, ...]]] = {
    "eyewall.iostream": ("SSLOptions", "ssl_options_to_context", "ssl_wrap_socket"),
    "._forking": ("forbid_workers", "task_id"),
    "._inherit": ("socket_from_descriptor", "sockets_from_systemd"),
    "._process": ("cpu_count", "fork_processes"),
    "._proxy": ("ProxyProtocol",),
    "._resolver": (
        "BlockingResolver",
        "DefaultExecutorResolver",
        "DefaultLoopResolver",
        "ExecutorResolver",
        "OverrideResolver",
        "Resolver",
        "ThreadedResolver",
        "is_valid_ip",
    ),
    "._subprocess": ("Subprocess",),
    "._supervision": ("ExitCode", "Supervisor", "notify", "watchdog_seconds"),
    "._tcpclient": ("TCPClient",),
}
"""The public names that are taken from each such module; ``__init__`` says the same to a type checker."""
