"""HTTP1ServerConnection: the requests of one stream, one after the other."""

from __future__ import annotations

import logging
import math
from typing import TYPE_CHECKING, Any, Final

from eyewall.iostream import StreamClosedError

from ._connection import HTTP1Connection
from ._context import HTTPConnectionContext
from ._deadlines import Sweeper
from ._outbox import Outbox
from ._parameters import HTTP1ConnectionParameters

if TYPE_CHECKING:
    from eyewall.ioloop import Task
    from eyewall.iostream import Stream

    from .protocols import HTTPServerConnectionDelegate

logger = logging.getLogger("eyewall.httpserver")

LINGER_BYTES: Final = 1024 * 1024
LINGER_SECONDS: Final = 2.0
_TICK: Final = 1.0


class HTTP1ServerConnection:
    """Serves the requests of one stream, in one task, for as long as it is kept alive.

    ::

        connection = HTTP1ServerConnection(stream)
        connection.start_serving(delegate)

    An :class:`HTTPServer` makes one for each connection. After an answer that tells the peer to go
    while it may still be sending, this side is shut down and up to :data:`LINGER_BYTES` are
    discarded for up to :data:`LINGER_SECONDS`, so that the peer gets to read the answer
    (RFC 9112 section 9.6).
    """

    __slots__ = (
        "__weakref__",
        "_exchange",
        "_lingers",
        "_served",
        "_since",
        "_sweeper",
        "_task",
        "context",
        "params",
        "stream",
    )

    def __init__(
        self,
        stream: Stream,
        params: HTTP1ConnectionParameters | None = None,
        context: HTTPConnectionContext | None = None,
        *,
        sweeper: Sweeper | None = None,
    ) -> None:
        self.stream: Stream = stream
        """What is served."""
        self.params: HTTP1ConnectionParameters = params or HTTP1ConnectionParameters()
        """The limits of the connection."""
        self.context: HTTPConnectionContext = context or HTTPConnectionContext(stream, stream.info.address)
        """Who asks."""
        self._sweeper = sweeper or Sweeper(stream.io_loop, sweep_tick(self.params))
        self._exchange: HTTP1Connection | None = None
        self._task: Task[Any] | None = None
        self._since = 0.0
        self._served = False
        self._lingers = False

    def start_serving(self, delegate: HTTPServerConnectionDelegate) -> None:
        """Begin to serve; ``delegate.on_close`` tells when it is over."""
        self._task = self.stream.io_loop.spawn(self._serve(delegate))

    async def close(self) -> None:
        """Close at once, whatever is under way, and wait until that has been told to everybody."""
        self.stream.close()
        if self._task is not None:
            await self._task

    async def _serve(self, delegate: HTTPServerConnectionDelegate) -> None:
        stream, sweeper, outbox = self.stream, self._sweeper, Outbox(self.stream)
        self._since = sweeper.now + sweeper.tick
        sweeper.add(self)
        try:
            # Before the callbacks, which register the descriptor: the first bytes are mostly there.
            ready = stream.readable()
            stream.set_close_callback(self._on_close)
            stream.set_eof_callback(self._on_eof)
            await ready
            while True:
                exchange = self._exchange = HTTP1Connection(stream, self.params, self.context, outbox=outbox)
                self._since = sweeper.now + sweeper.tick
                keep_alive = await exchange.read_response(delegate.start_request(self, exchange))
                if exchange.detached:
                    break
                if not keep_alive:
                    await self._end(exchange, outbox)
                    break
                if (written := exchange.written) is not None and not written.done():
                    await written
                self._exchange = None
                self._served = True
                self._since = sweeper.now + sweeper.tick
                ready = stream.readable()
                if outbox.holds and not ready.done():
                    await outbox.release()
                await ready
        except StreamClosedError:
            pass
        finally:
            sweeper.discard(self)
            if self._exchange is None or not self._exchange.detached:
                stream.close()
            self._exchange = None
            delegate.on_close(self)

    async def _end(self, exchange: HTTP1Connection, outbox: Outbox) -> None:
        """Close in such a way that the peer gets to read the answer."""
        written = outbox.release() if outbox.holds else exchange.written
        if written is not None:
            await written
        left = LINGER_BYTES - len(self.stream.read_nowait())
        if left == LINGER_BYTES and not exchange.waits_for_request:
            return
        self._lingers = True
        self._since = self._sweeper.now + self._sweeper.tick
        self.stream.shutdown_write()
        while left > 0:
            await self.stream.readable()
            left -= len(self.stream.read_nowait())

    def sweep(self, now: float, /) -> None:
        """Close the connection if its time is over."""
        if now - self._since < self._timeout():
            return
        exchange = self._exchange
        if exchange is not None and not self._lingers:
            what = "body" if exchange.head_seen else "head"
            logger.info("refused a request from %s with 408: its %s takes too long", self.context.remote_ip, what)
            if not exchange.started:
                exchange.answer_status(408)
        self.stream.close()

    def _timeout(self) -> float:
        """How long the present state may last."""
        exchange = self._exchange
        if self._lingers:
            return LINGER_SECONDS
        if exchange is None:
            return self.params.idle_connection_timeout if self._served else self.params.header_timeout
        if not exchange.head_seen:
            return self.params.header_timeout
        if exchange.waits_for_request and self.params.body_timeout is not None:
            return self.params.body_timeout
        return math.inf

    def _on_close(self) -> None:
        if self._exchange is not None:
            self._exchange.abandon()

    def _on_eof(self) -> None:
        if self._exchange is not None:
            self._exchange.peer_gone()


def sweep_tick(params: HTTP1ConnectionParameters) -> float:
    """How often to look: four times in the shortest time-out, and at least once in a second."""
    timeouts = (params.idle_connection_timeout, params.header_timeout, params.body_timeout or math.inf)
    return min(_TICK, min(timeouts) / 4)
