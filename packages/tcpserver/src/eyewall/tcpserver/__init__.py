"""Listening sockets, TCP servers and worker processes: what it takes to serve any TCP protocol."""

from typing import TYPE_CHECKING

from ._accept import add_accept_handler
from ._bind import bind_sockets, bind_unix_socket
from ._drain import DrainReport, ServerState
from ._gate import ConnectionLimits
from ._tcpserver import TCPServer
from .errors import BindError, ConnectError, DrainedError, ProxyHeaderError, ResolveError, TCPServerError
from .protocols import MakeServer, Server, Servers, StreamHandler

if TYPE_CHECKING:
    from eyewall.iostream import SSLOptions, ssl_options_to_context, ssl_wrap_socket

    from ._forking import forbid_workers, task_id
    from ._inherit import socket_from_descriptor, sockets_from_systemd
    from ._process import cpu_count, fork_processes
    from ._proxy import ProxyProtocol
    from ._resolver import (
        BlockingResolver,
        DefaultExecutorResolver,
        DefaultLoopResolver,
        ExecutorResolver,
        OverrideResolver,
        Resolver,
        ThreadedResolver,
        is_valid_ip,
    )
    from ._subprocess import Subprocess
    from ._supervision import ExitCode, Supervisor, notify, watchdog_seconds
    from ._tcpclient import TCPClient
else:  # what not every program needs is imported when it is first asked for
    from eyewall.ioloop import import_later

    from ._later import MODULES

    __getattr__, __dir__ = import_later(__name__, MODULES)

__all__ = [
    "BindError",
    "BlockingResolver",
    "ConnectError",
    "ConnectionLimits",
    "DefaultExecutorResolver",
    "DefaultLoopResolver",
    "DrainReport",
    "DrainedError",
    "ExecutorResolver",
    "ExitCode",
    "MakeServer",
    "OverrideResolver",
    "ProxyHeaderError",
    "ProxyProtocol",
    "ResolveError",
    "Resolver",
    "SSLOptions",
    "Server",
    "ServerState",
    "Servers",
    "StreamHandler",
    "Subprocess",
    "Supervisor",
    "TCPClient",
    "TCPServer",
    "TCPServerError",
    "ThreadedResolver",
    "add_accept_handler",
    "bind_sockets",
    "bind_unix_socket",
    "cpu_count",
    "forbid_workers",
    "fork_processes",
    "is_valid_ip",
    "notify",
    "socket_from_descriptor",
    "sockets_from_systemd",
    "ssl_options_to_context",
    "ssl_wrap_socket",
    "task_id",
    "watchdog_seconds",
]
