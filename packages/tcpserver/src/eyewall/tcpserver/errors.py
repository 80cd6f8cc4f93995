"""The errors of this layer.

::

    Exception
     └─ TCPServerError
         ├─ BindError (an OSError too)   a listening socket could not be had
         └─ DrainedError (a ConnectionAbortedError too)  a server cut its connection when its grace was over
"""

from __future__ import annotations


class TCPServerError(Exception):
    """The base of all that this layer raises by itself."""


class BindError(TCPServerError, OSError):
    """A server cannot listen where it was told to; the message says why and what to do.

    ``errno`` is the system's number (for a name that cannot be resolved: ``getaddrinfo``'s), and
    ``__cause__`` the error it came from.
    """

    def __init__(self, number: int, message: str, *, address: str | None = None, port: int | None = None) -> None:
        super().__init__(number, message)
        self.address: str | None = address
        """The host name, address or path that was asked for; None means every address."""
        self.port: int | None = port
        """The port that was asked for; None for a Unix socket."""

    def __str__(self) -> str:
        return str(self.args[1])


class DrainedError(TCPServerError, ConnectionAbortedError):
    """A server that was drained has cut the connection: the ``real_error`` of its stream's end."""
