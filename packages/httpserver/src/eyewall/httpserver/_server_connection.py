"""HTTP1ServerConnection: the requests of one stream, one after the other."""

from __future__ import annotations

import logging
import math
from typing import TYPE_CHECKING, Any, Final

from eyewall.iostream import StreamClosedError

from ._connection import HTTP1Connection
from ._context import HTTPConnectionContext
from ._deadlines import Sweeper
from ._decompress import Decompressing
from ._outbox import Outbox
from ._parameters import HTTP1ConnectionParameters
from .errors import HTTPInputError

if TYPE_CHECKING:
    from eyewall.ioloop import Promise, Task
    from eyewall.iostream import Stream

    from .protocols import HTTPServerConnectionDelegate

logger = logging.getLogger("eyewall.httpserver")

LINGER_BYTES: Final = 1024 * 1024
LINGER_SECONDS: Final = 2.0
REQUESTS_IN_A_ROW: Final = 32
"""Pipelined requests that are answered before other connections get their turn."""
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
        "_begun",
        "_exchange",
        "_in_body",
        "_lingers",
        "_peer_ended",
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
        self._sweeper = sweeper or Sweeper(stream.io_loop, self.params.deadlines.tick)
        self._exchange: HTTP1Connection | None = None
        self._task: Task[Any] | None = None
        self._since = 0.0
        self._begun = False
        self._served = False
        self._lingers = False
        self._peer_ended = False
        # The exchange whose body was still to come at the last look; its time counts from there.
        self._in_body: HTTP1Connection | None = None

    def start_serving(self, delegate: HTTPServerConnectionDelegate) -> None:
        """Begin to serve; ``delegate.on_close`` tells when it is over."""
        if self.params.decompress:
            delegate = Decompressing(delegate)
        self._task = self.stream.io_loop.spawn(self._serve(delegate))

    def abort(self) -> None:
        """Close at once: tell the delegate of a request that is under way, and cancel its handler."""
        self.stream.close()
        if self._exchange is not None:
            self._exchange.abandon()
        # One that has not begun would never run to its end, and ends by itself on a closed stream.
        if self._task is not None and self._begun:
            self._task.cancel()

    async def close(self) -> None:
        """:meth:`abort`, and wait until all that ran here has ended.

        A request's own handler that awaits this is cancelled here.
        """
        self.abort()
        if self._task is not None:
            over: Promise[None] = self.stream.io_loop.create_future()
            self._task.add_done_callback(lambda _: _answer(over))
            await over

    async def _serve(self, delegate: HTTPServerConnectionDelegate) -> None:
        stream, sweeper, outbox = self.stream, self._sweeper, Outbox(self.stream)
        self._begun = True
        sweeper.add(self)
        self._since = sweeper.now + sweeper.tick
        in_a_row = 0
        try:
            # Before the callbacks, which register the descriptor: the first bytes are mostly there.
            ready = stream.readable()
            stream.set_close_callback(self._on_close)
            stream.set_eof_callback(self._on_eof)
            await ready
            while True:
                exchange = self._exchange = HTTP1Connection(stream, False, self.params, self.context, outbox=outbox)
                self._since = sweeper.now + sweeper.tick
                if self._peer_ended:
                    exchange.peer_ended()
                try:
                    message_delegate = delegate.start_request(self, exchange)
                except Exception as error:  # noqa: BLE001 - whatever it raises ends this connection only
                    exchange.fail(error)
                    keep_alive = False
                else:
                    keep_alive = await exchange.read_response(message_delegate)
                    del message_delegate
                if exchange.detached:
                    break
                if not keep_alive:
                    await self._end(exchange, outbox)
                    break
                if (written := exchange.written) is not None and not written.done():
                    await written
                # Whoever is idle keeps nothing of what it has asked.
                self._exchange = None
                del exchange, written
                self._served = True
                self._since = sweeper.now + sweeper.tick
                ready = stream.readable()
                if outbox.holds and (self._peer_ended or not ready.done()):
                    await outbox.release()
                if ready.done() and (in_a_row := in_a_row + 1) == REQUESTS_IN_A_ROW:
                    in_a_row = 0
                    await self._next_turn(outbox)
                await ready
        except StreamClosedError as error:
            self._log_end(error.real_error)
        finally:
            self._over(delegate)

    async def _next_turn(self, outbox: Outbox) -> None:
        """Let others run: who sends many requests at once has the loop no longer than they."""
        if outbox.holds:
            await outbox.release()
        turn: Promise[None] = self.stream.io_loop.create_future()
        self.stream.io_loop.add_callback(_answer, turn)
        await turn
        if self.stream.closed():
            raise StreamClosedError

    async def _end(self, exchange: HTTP1Connection, outbox: Outbox) -> None:
        """Close in such a way that the peer gets to read the answer."""
        written = outbox.release() if outbox.holds else exchange.written
        if written is not None:
            await written
        left = LINGER_BYTES - len(self.stream.read_nowait())
        if left == LINGER_BYTES and not exchange.waits_for_request:
            return
        self._linger()
        while left > 0:
            await self.stream.readable()
            left -= len(self.stream.read_nowait())

    def _linger(self) -> None:
        self._lingers = True
        self._since = self._sweeper.now + self._sweeper.tick
        self.stream.shutdown_write()

    def _log_end(self, error: BaseException | None) -> None:
        """Log what nobody else does, such as a failed TLS handshake; that a client hangs up is everyday life."""
        if error is not None:
            level = logging.DEBUG if isinstance(error, (ConnectionError, TimeoutError)) else logging.INFO
            logger.log(level, "lost the connection of %s: %s", self.context.remote_ip, error)

    def _over(self, delegate: HTTPServerConnectionDelegate) -> None:
        self._sweeper.discard(self)
        if self._exchange is None or not self._exchange.detached:
            self.stream.close()
        self._exchange = self._in_body = None
        try:
            delegate.on_close(self)
        except Exception:
            logger.exception("uncaught exception in on_close for %s", self.context.remote_ip)

    def sweep(self, now: float, /) -> None:
        """Close the connection if its time is over."""
        exchange = self._exchange
        waits_for_body = exchange is not None and exchange.head_seen and exchange.waits_for_request
        if waits_for_body and self._in_body is not exchange:
            self._in_body, self._since = exchange, now
        timeout = self._timeout(waits_for_body)
        if now - self._since < timeout:
            return
        if exchange is None or self._lingers or self._peer_ended:
            self.stream.close()
            return
        limit = "body_timeout" if waits_for_body else "header_timeout"
        exchange.fail(HTTPInputError(f"it takes longer than {limit}, {timeout:g} seconds", status=408))
        exchange.release()
        self._linger()

    def _timeout(self, waits_for_body: bool) -> float:
        """How long the present state may last."""
        exchange, deadlines = self._exchange, self.params.deadlines
        if exchange is not None and exchange.detached:
            return math.inf
        if self._lingers:
            return deadlines.linger_seconds
        if self._peer_ended or (exchange is None and self._served):
            return deadlines.idle_connection_timeout
        if exchange is None:
            return min(deadlines.header_timeout, deadlines.idle_connection_timeout)
        if not exchange.head_seen:
            return deadlines.header_timeout
        return deadlines.body_timeout if waits_for_body and deadlines.body_timeout is not None else math.inf

    def _on_close(self) -> None:
        if self._exchange is not None:
            self._exchange.abandon()

    def _on_eof(self) -> None:
        self._peer_ended = True
        # The answer is still tried, but nobody need be there to read it: from here its time is bounded.
        self._since = self._sweeper.now + self._sweeper.tick
        if self._exchange is not None:
            self._exchange.peer_ended()


def _answer(promise: Promise[None]) -> None:
    if not promise.done():
        promise.set_result(None)
