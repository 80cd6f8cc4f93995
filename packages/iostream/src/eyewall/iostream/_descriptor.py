"""A transport out of the methods that subclasses of a stream override, as Tornado's documentation has it."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Protocol

from ._transport import Watch

if TYPE_CHECKING:
    import socket as sockets
    from collections.abc import Callable, Sequence

    from eyewall.ioloop import EventLoop

    from .protocols import Buffer


class HasDescriptor(Protocol):
    """The methods; see :class:`~eyewall.iostream.BaseIOStream`."""

    def fileno(self) -> int: ...
    def read_from_fd(self, buf: bytearray | memoryview, /) -> int | None: ...
    def write_to_fd(self, data: memoryview, /) -> int: ...
    def close_fd(self) -> None: ...


class DescriptorTransport(Watch):
    """What an overridden method says goes: each byte passes through them."""

    __slots__ = ("_stream",)

    buffered = False
    unsent = False

    def __init__(self, stream: HasDescriptor) -> None:
        super().__init__()
        self._stream = stream

    def receive(self, num_bytes: int, /) -> bytes:
        buf = bytearray(num_bytes)
        count = self._stream.read_from_fd(buf)
        if count is None:
            raise BlockingIOError
        return bytes(memoryview(buf)[:count])

    def send(self, data: Buffer, /) -> int:
        count = self._stream.write_to_fd(memoryview(data))
        if not count and len(data):
            raise BlockingIOError
        return count

    def send_many(self, buffers: Sequence[Buffer], /) -> int:
        return self.send(buffers[0])

    def flush(self) -> None:
        """Nothing is ever held back here."""

    def watch(self, io_loop: EventLoop, handler: Callable[[object, int], None], events: int, /) -> None:
        self.watch_descriptor(io_loop, self._stream.fileno(), handler, events)

    def shutdown_write(self) -> None:
        """Nothing that is known of it has a half to close: the end comes with :meth:`close`."""

    def close(self, io_loop: EventLoop, error: BaseException | None, /) -> None:
        with suppress(OSError):
            self.forget_descriptor(io_loop, self._stream.fileno())
        with suppress(OSError):
            self._stream.close_fd()


class OverriddenSocketTransport(DescriptorTransport):
    """The same, where it is known to be a socket."""

    __slots__ = ("_socket",)

    def __init__(self, stream: HasDescriptor, sock: sockets.socket) -> None:
        super().__init__(stream)
        self._socket = sock

    def shutdown_write(self) -> None:
        import socket

        self._socket.shutdown(socket.SHUT_WR)
