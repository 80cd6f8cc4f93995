"""Hands a connection to whoever serves it, and sees to it that a failure ends that connection only."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from eyewall.iostream import StreamClosedError

from ._log import logger, readable
from .errors import DrainedError

if TYPE_CHECKING:
    from collections.abc import Awaitable

    from eyewall.ioloop import EventLoop, Task
    from eyewall.iostream import Address, Stream

    from .protocols import StreamHandler


def dispatch(handler: StreamHandler, stream: Stream, address: Address, io_loop: EventLoop) -> Task[None] | None:
    """Let ``handler`` serve the stream; give the task that does it, where it returned something to await."""
    serving = _begin(handler, stream, address)
    return None if serving is None else io_loop.spawn(_serve(serving, stream, address))


async def serve(handler: StreamHandler, stream: Stream, address: Address) -> None:
    """Let ``handler`` serve the stream, in the task that runs already."""
    serving = _begin(handler, stream, address)
    if serving is not None:
        await _serve(serving, stream, address)


def _begin(handler: StreamHandler, stream: Stream, address: Address) -> Awaitable[object] | None:
    try:
        return handler.handle_stream(stream, address)
    except Exception as error:  # noqa: BLE001 - whatever it raises ends its own connection only
        _end(stream, address, error)
        return None


async def _serve(serving: Awaitable[object], stream: Stream, address: Address) -> None:
    try:
        await serving
    except Exception as error:  # noqa: BLE001 - as above
        _end(stream, address, error)
    except BaseException:
        stream.close()
        raise


def _end(stream: Stream, address: Address, error: Exception) -> None:
    if isinstance(error, StreamClosedError) and stream.closed():
        # Nobody's mistake here: the peer has hung up (that is everyday life), was reset, or failed
        # the TLS handshake, which the stream logs. A server that cuts connections logs them all together.
        silent = isinstance(error.real_error, DrainedError | None) or _is_tls(error.real_error)
        level = logging.DEBUG if silent else logging.INFO
        logger.log(level, "%s: %s", readable(address), error)
    else:
        logger.error("%s: the connection is closed, handle_stream failed", readable(address), exc_info=error)
    stream.close(error)


def _is_tls(error: BaseException | None) -> bool:
    # Without an import of ssl, which a server that speaks no TLS does not need.
    return type(error).__module__ == "ssl"
