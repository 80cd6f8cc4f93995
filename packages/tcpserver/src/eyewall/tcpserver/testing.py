"""The fake of this layer's boundary: a connection that no listening socket accepted."""

from __future__ import annotations

from typing import TYPE_CHECKING

from eyewall.ioloop import IOLoop
from eyewall.iostream.testing import memory_streams

from ._dispatch import dispatch
from ._tcpserver import TCPServer

if TYPE_CHECKING:
    from eyewall.ioloop import EventLoop
    from eyewall.iostream import Address
    from eyewall.iostream.testing import MemoryStream

    from .protocols import StreamHandler


def connect(
    handler: StreamHandler, *, address: Address = ("192.0.2.1", 49152), io_loop: EventLoop | None = None
) -> MemoryStream:
    """Connect to a handler as a client would, and give the client's end.

    The handler gets the other end just as ``TCPServer`` would hand it over: what it returns runs
    as a task, and what it raises is logged and closes the stream. ``address`` is the client's.
    """
    io_loop = IOLoop.current() if io_loop is None else io_loop
    client, server = memory_streams(io_loop=io_loop)
    if isinstance(handler, TCPServer):
        handler.serve_stream(server, address)
    else:
        dispatch(handler, server, address, io_loop)
    return client
