"""What lies under a stream's buffers: something that takes and gives bytes without waiting."""

from __future__ import annotations

import os
import socket
from typing import TYPE_CHECKING, Protocol, runtime_checkable

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from eyewall.ioloop import EventLoop, HasFileno

    from .protocols import Buffer


class Transport(Protocol):
    """The lower half of a stream, which carries its bytes. Pass one to :class:`BaseIOStream`, or to a subclass.

    No method waits. What cannot be done now raises ``BlockingIOError``, and is attempted again after the handler
    given to :meth:`watch` has been called. Any other ``OSError`` closes the stream and becomes its error.

    A serial line, for example, needs ``receive``, ``send`` and ``send_many`` based on ``os.read`` and ``os.writev``,
    and everything else as in the transport of a socket.
    """

    @property
    def buffered(self) -> bool:
        """True if :attr:`receive` has bytes, or the end, available that :meth:`watch` does not report."""
        ...

    @property
    def unsent(self) -> bool:
        """True if bytes that :attr:`send` has accepted still have to be sent by :meth:`flush`."""
        ...

    @property
    def receive(self) -> Callable[[int], bytes]:
        """Called with a number above 0, returns between 1 and that many bytes; none at the end of input."""
        ...

    @property
    def send(self) -> Callable[[Buffer], int]:
        """Called with bytes, accepts some and returns how many: 1 or more, unless there were none."""
        ...

    @property
    def send_many(self) -> Callable[[Sequence[Buffer]], int]:
        """Called with several buffers, accepts some of their bytes, in order, and returns how many."""
        ...

    def flush(self) -> None:
        """Send everything that is :attr:`unsent`."""
        ...

    def watch(self, io_loop: EventLoop, handler: Callable[[object, int], None], events: int, /) -> None:
        """Call ``handler(..., events)`` from the loop whenever the transport is ready for any of ``events``.

        These are a sum of ``READ`` and ``WRITE`` of :mod:`eyewall.ioloop`, or 0. This replaces the previous handler
        and events. Readiness is level-triggered: see ``EventLoop.add_handler``.
        """
        ...

    def shutdown_write(self) -> None:
        """Tell the peer that nothing more will be sent.

        Raises BlockingIOError if that is not possible yet; it is then called again when the transport can be written
        to.
        """
        ...

    def close(self, io_loop: EventLoop, error: BaseException | None, /) -> None:
        """Stop watching and release everything; ``error`` is None for an orderly end. Never raises."""
        ...


@runtime_checkable
class FileTransport(Protocol):
    """What a :class:`Transport` may also have, for ``send_file``; without it, a thread reads the file."""

    def send_file(self, fd: int, offset: int, count: int, /) -> int:
        """Send from a regular file without copying through this process; return the number of bytes, 0 at its end.

        Raises ``BlockingIOError`` if no byte can be sent now, and ``OSError`` with ``EINVAL`` if these descriptors do
        not support it at all; any other ``OSError`` closes the stream.
        """
        ...


class Watch:
    """A descriptor's place on the loop, for transports that have a descriptor."""

    __slots__ = ("_handler",)

    def __init__(self) -> None:
        self._handler: Callable[[object, int], None] | None = None

    def watch_descriptor(
        self, io_loop: EventLoop, fd: int | HasFileno, handler: Callable[[object, int], None], events: int
    ) -> None:
        """See :meth:`Transport.watch`."""
        if handler == self._handler:
            io_loop.update_handler(fd, events)
            return
        if self._handler is not None:
            io_loop.remove_handler(fd)
        self._handler = handler
        io_loop.add_handler(fd, handler, events)

    def forget_descriptor(self, io_loop: EventLoop, fd: int | HasFileno) -> None:
        """Stop watching; to be called before the descriptor is closed."""
        if self._handler is not None:
            # It is the stream's method: a stream that is closed goes without the garbage collector.
            self._handler = None
            io_loop.remove_handler(fd)


class SocketTransport(Watch):
    """A connected, non-blocking stream socket.

    ``receive`` and ``send`` *are* the socket's methods: a layer of calls between them and the
    stream would cost a twentieth of a request.
    """

    __slots__ = ("buffered", "receive", "send", "socket", "unsent")

    def __init__(self, sock: socket.socket) -> None:
        self._handler = None  # all that Watch.__init__ does
        # Of the instance: an attribute of a class takes ten times as long to look up, and these are asked for always.
        self.buffered: bool = False
        self.unsent: bool = False
        self.socket = sock
        self.receive: Callable[[int], bytes] = sock.recv
        self.send: Callable[[Buffer], int] = sock.send

    @property
    def send_many(self) -> Callable[[Sequence[Buffer]], int]:
        """Asked for too seldom to be worth 72 bytes of each idle connection."""
        return self.socket.sendmsg

    def send_file(self, fd: int, offset: int, count: int, /) -> int:
        """Let the kernel copy from a file; see :meth:`FileTransport.send_file`."""
        return os.sendfile(self.socket.fileno(), fd, offset, count)

    def flush(self) -> None:
        """Nothing is ever held back here."""

    def watch(self, io_loop: EventLoop, handler: Callable[[object, int], None], events: int, /) -> None:
        self.watch_descriptor(io_loop, self.socket, handler, events)

    def shutdown_write(self) -> None:
        self.socket.shutdown(socket.SHUT_WR)

    def close(self, io_loop: EventLoop, error: BaseException | None, /) -> None:
        self.forget_descriptor(io_loop, self.socket)
        try:  # noqa: SIM105 - suppress() would cost a third as much again as the rest of it
            self.socket.close()
        except OSError:
            pass
