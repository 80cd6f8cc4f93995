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
    """The base class of the errors of this layer."""


class BindError(TCPServerError, OSError):
    """A server cannot listen where it should; the message says why, and what to do.

    ``errno`` is the system's number (that of ``getaddrinfo`` for a name that cannot be resolved), and ``__cause__``
    the original error.
    """

    def __init__(self, number: int, message: str, *, address: str | None = None, port: int | None = None) -> None:
        super().__init__(number, message)
        self.address: str | None = address
        """The requested host name, address or path; None means every address."""
        self.port: int | None = port
        """The requested port; None for a Unix socket."""

    def __str__(self) -> str:
        return str(self.args[1])


class DrainedError(TCPServerError, ConnectionAbortedError):
    """The connection was cut by a server that was drained; it is the ``real_error`` of the stream."""


class ResolveError(TCPServerError, OSError):
    """A host name has no address; ``errno`` is that of ``getaddrinfo``, and ``__cause__`` the original error."""

    def __init__(self, number: int, message: str, *, host: str = "") -> None:
        super().__init__(number, message)
        self.host: str = host
        """The requested name."""

    def __str__(self) -> str:
        return str(self.args[1])


class ConnectError(TCPServerError, StreamClosedError):
    """None of the addresses of a host accepted a connection; the message has the cause for each.

    ``real_error`` is that of the last one.
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
        """The requested host."""
        self.failures: tuple[tuple[Address, BaseException], ...] = failures
        """The addresses in the order in which they failed, each with its error."""

    def __str__(self) -> str:
        return self._message


class ProxyHeaderError(TCPServerError):
    """What arrived in place of a PROXY header is not one, or cannot be believed."""
