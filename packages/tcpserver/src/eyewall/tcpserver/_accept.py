"""Accepts connections: fairly between listeners, and without burning a processor when it cannot."""

from __future__ import annotations

import errno
import socket
from typing import TYPE_CHECKING, Final

from eyewall.ioloop import NONE, READ, IOLoop

from ._bind import DEFAULT_BACKLOG
from ._log import logger, readable

if TYPE_CHECKING:
    from collections.abc import Callable

    from eyewall.ioloop import EventLoop, Timer
    from eyewall.iostream import Address

PAUSE_SECONDS: Final = 1.0
"""How long a listener rests that has run out of descriptors or memory."""

# How many turns a listener gives one connection without looking for a second, once there was none.
_TURNS_OF_ONE: Final = 8

# What Linux allows a queue to hold, unless it is told otherwise (net.core.somaxconn).
_LONGEST_QUEUE: Final = 4096

# accept(2) of Linux reports what went wrong with the one connection it was about to give;
# the next may be well.
_ONE_CONNECTION_LOST: Final = frozenset(
    {
        errno.ECONNABORTED,
        errno.EPROTO,
        errno.EPERM,
        errno.ENETDOWN,
        errno.ENETUNREACH,
        errno.EHOSTDOWN,
        errno.EHOSTUNREACH,
    }
)


def add_accept_handler(
    sock: socket.socket, callback: Callable[[socket.socket, Address], object], *, io_loop: EventLoop | None = None
) -> Callable[[], None]:
    """Call ``callback(connection, address)`` for every connection that arrives at a listening socket.

    Returns a function that ends this, and that may be called at any time; the socket stays open. At most 128
    connections are accepted in one turn of the loop, so that one busy port starves no other. If the system has no
    descriptor or memory left, the listener logs that once and pauses for a second; its connections wait in the
    kernel's queue.

    ``callback`` has to close the connection. If it raises an exception, that is logged, and the connection is closed.
    """
    return Acceptor(sock, callback, io_loop or IOLoop.current()).remove


class Acceptor:
    """What :func:`add_accept_handler` has set up; a server holds and releases it besides."""

    __slots__ = (
        "_accept_one",
        "_callback",
        "_fd",
        "_held",
        "_io_loop",
        "_ones",
        "_removed",
        "_short",
        "_sock",
        "_timer",
    )

    def __init__(
        self, sock: socket.socket, callback: Callable[[socket.socket, Address], object], io_loop: EventLoop
    ) -> None:
        self._sock = sock
        self._callback = callback
        self._io_loop = io_loop
        self._removed = False
        self._held = False
        self._short = False
        # Turns left that accept one connection, and do not look whether another waits.
        self._ones = 0
        self._accept_one = _accepting(sock)
        self._timer: Timer | None = None
        # The number is kept because a socket that its owner has closed no longer tells it.
        self._fd = sock.fileno()
        sock.setblocking(False)
        io_loop.add_handler(sock, self._accept, READ)

    def remove(self) -> None:
        """End this; the socket stays open. Idempotent."""
        if self._removed:
            return
        self._removed = True
        if self._timer is not None:
            self._timer.cancel()
        self._io_loop.remove_handler(self._fd)

    def hold(self) -> None:
        """Accept nothing until :meth:`release`; who comes waits in the kernel's queue."""
        self._held = True
        self._watch()

    def release(self) -> None:
        """Take back a :meth:`hold`."""
        self._held = False
        self._watch()

    def accept_waiting(self) -> None:
        """Accept at once who waits in the kernel's queue, and would be reset if the socket was closed."""
        if not self._held and self._timer is None:
            self._accept_up_to(_LONGEST_QUEUE)

    def _accept(self, _sock: socket.socket, _events: int) -> None:
        """Accept who waits.

        To look in vain costs 2 µs. Where one comes at a time nobody looks, but every ninth turn: whoever
        does wait is accepted in the next.
        """
        if self._ones:
            self._ones -= 1
            self._accept_up_to(1)
        elif self._accept_up_to(DEFAULT_BACKLOG) == 1:
            self._ones = _TURNS_OF_ONE

    def _accept_up_to(self, most: int) -> int | None:
        """Accept so many; give how many there were, where those were all that waited."""
        for count in range(most):
            if self._removed or self._held:  # by the callback before, which may have closed the socket as well
                return None
            try:
                connection, address = self._accept_one()
            except BlockingIOError:
                if self._short:
                    self._short = False
                    logger.info("all who waited on %s have been accepted", self._name())
                return count
            except OSError as error:
                if error.errno in _ONE_CONNECTION_LOST:
                    continue
                self._ones = 0
                self._pause(error)
                return None
            try:
                self._callback(connection, address)
            except Exception:  # noqa: BLE001 - whatever a callback raises, the others are served
                logger.exception("%s: the connection is closed, its accept callback failed", readable(address))
                connection.close()
        return None

    def _pause(self, error: OSError) -> None:
        if not self._short:
            self._short = True
            logger.error(
                "cannot accept connections on %s: %s; trying again every %g s (if this lasts, raise the limit"
                " of open files with 'ulimit -n', or serve fewer connections)",
                self._name(),
                error,
                PAUSE_SECONDS,
            )
        self._timer = self._io_loop.call_later(PAUSE_SECONDS, self._resume)
        self._watch()

    def _resume(self) -> None:
        self._timer = None
        self._watch()

    def _watch(self) -> None:
        if not self._removed:
            self._io_loop.update_handler(self._fd, NONE if self._held or self._timer is not None else READ)

    def _name(self) -> str:
        return readable(self._sock.getsockname())


def _accepting(listener: socket.socket) -> Callable[[], tuple[socket.socket, Address]]:
    """Give what accepts a connection of a listener that does not block: its own method, or the same in half the time.

    ``socket.accept`` makes two enumeration members anew for each connection, to take them for numbers again. Not for
    a subclass, which may accept in a way of its own.
    """
    accept = getattr(listener, "_accept", None)
    if type(listener) is not socket.socket or accept is None:
        return listener.accept
    family, kind, protocol, make = int(listener.family), int(listener.type), listener.proto, socket.socket

    def accept_one() -> tuple[socket.socket, Address]:
        number, address = accept()
        return make(family, kind, protocol, number), address

    return accept_one
