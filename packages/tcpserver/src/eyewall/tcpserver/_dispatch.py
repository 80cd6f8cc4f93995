"""Hands a connection to whoever serves it, and sees to it that a failure ends that connection only."""

from __future__ import annotations

from typing import TYPE_CHECKING

from eyewall.iostream import StreamClosedError

from ._log import logger, readable

if TYPE_CHECKING:
    from collections.abc import Awaitable

    from eyewall.ioloop import EventLoop
    from eyewall.iostream import Address, Stream

    from .protocols import StreamHandler


def dispatch(handler: StreamHandler, stream: Stream, address: Address, io_loop: EventLoop) -> None:
    """Let ``handler`` serve the stream, in a task of its own if it returns something to await."""
    try:
        serving = handler.handle_stream(stream, address)
    except Exception as error:
        _end(stream, address, error)
        return
    if serving is not None:
        io_loop.spawn(_serve(serving, stream, address))


async def _serve(serving: Awaitable[object], stream: Stream, address: Address) -> None:
    try:
        await serving
    except Exception as error:
        _end(stream, address, error)
    except BaseException:
        stream.close()
        raise


def _end(stream: Stream, address: Address, error: Exception) -> None:
    if isinstance(error, StreamClosedError) and stream.closed():
        # A peer that hangs up, or fails the TLS handshake, is its own affair: no trace.
        logger.info("%s: %s", readable(address), error)
    else:
        logger.error("%s: the connection is closed, handle_stream failed", readable(address), exc_info=error)
    stream.close(error)
