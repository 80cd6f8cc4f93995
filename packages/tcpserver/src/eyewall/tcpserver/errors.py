"""The errors of this layer.

::

    Exception
     └─ TCPServerError
         ├─ BindError (an OSError too)   a listening socket could not be had
         ├─ ConnectError (a StreamClosedError too)  no address of a host could be connected to
         ├─ ProxyHeaderError               a proxy sent something else than a PROXY header
         ├─ ResolveError (an OSError too)  a host name has no address
         └─ DrainedError (a ConnectionAbortedError too)  a server cut its connection when its grace was over
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from eyewall.iostream import StreamClosedError

if TYPE_CHECKING:
    from eyewall.iostream import Address


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


class ResolveError(TCPServerError, OSError):
    """A host name has no address; ``errno`` is ``getaddrinfo``'s, and ``__cause__`` the error it came from."""

    def __init__(self, number: int, message: str, *, host: str = "") -> None:
        super().__init__(number, message)
        self.host: str = host
        """The name that was asked for."""

    def __str__(self) -> str:
        return str(self.args[1])


class ConnectError(TCPServerError, StreamClosedError):
    """No address of a host could be connected to; the message has the cause for each.

    ``real_error`` is that of the last.
    """

    def __init__(
        self,
        message: str,
        real_error: BaseException | None = None,
        *,
        host: str = "",
        failures: tuple[tuple[Address, BaseException], ...] = (),
    ) -> None:
        StreamClosedError.__init__(self, real_error)
        self._message = message
        self.host: str = host
        """The host that was asked for."""
        self.failures: tuple[tuple[Address, BaseException], ...] = failures
        """The addresses, in the order in which they failed, each with its error."""

    def __str__(self) -> str:
        return self._message


class ProxyHeaderError(TCPServerError):
    """What came instead of a PROXY header is none, or none that can be believed."""
