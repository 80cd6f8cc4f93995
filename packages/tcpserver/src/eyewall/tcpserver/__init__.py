"""Listening sockets, TCP servers and worker processes: what it takes to serve any TCP protocol."""

from eyewall.iostream import SSLOptions, ssl_options_to_context

from ._accept import add_accept_handler
from ._bind import bind_sockets, bind_unix_socket
from ._drain import DrainReport, ServerState
from ._process import cpu_count, fork_processes, task_id
from ._tcpserver import TCPServer
from .errors import BindError, DrainedError, TCPServerError
from .protocols import StreamHandler

__all__ = [
    "BindError",
    "DrainReport",
    "DrainedError",
    "SSLOptions",
    "ServerState",
    "StreamHandler",
    "TCPServer",
    "TCPServerError",
    "add_accept_handler",
    "bind_sockets",
    "bind_unix_socket",
    "cpu_count",
    "fork_processes",
    "ssl_options_to_context",
    "task_id",
]
