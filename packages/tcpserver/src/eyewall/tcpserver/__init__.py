"""Listening sockets, TCP servers and worker processes: what it takes to serve any TCP protocol."""

from eyewall.iostream import SSLOptions, ssl_options_to_context

from ._accept import add_accept_handler
from ._bind import bind_sockets, bind_unix_socket
from ._drain import DrainReport, ServerState
from ._process import cpu_count, fork_processes, task_id
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
from ._tcpclient import TCPClient
from ._tcpserver import TCPServer
from .errors import BindError, ConnectError, DrainedError, ResolveError, TCPServerError
from .protocols import StreamHandler

__all__ = [
    "BindError",
    "BlockingResolver",
    "ConnectError",
    "DefaultExecutorResolver",
    "DefaultLoopResolver",
    "DrainReport",
    "DrainedError",
    "ExecutorResolver",
    "OverrideResolver",
    "ResolveError",
    "Resolver",
    "SSLOptions",
    "ServerState",
    "StreamHandler",
    "TCPClient",
    "TCPServer",
    "TCPServerError",
    "ThreadedResolver",
    "add_accept_handler",
    "bind_sockets",
    "bind_unix_socket",
    "cpu_count",
    "fork_processes",
    "is_valid_ip",
    "ssl_options_to_context",
    "task_id",
]
