"""HTTP1ServerConnection: the requests of one stream, one after the other."""

from __future__ import annotations

import logging
import sys
from contextvars import copy_context
from typing import TYPE_CHECKING, Any, Final, TypeVar

from eyewall.iostream import StreamClosedError
from eyewall.tcpserver import DrainedError

from ._connection import HTTP1Connection
from ._context import HTTPConnectionContext
from ._deadlines import Sweeper
from ._limiter import Limiter
from ._outbox import Outbox
from ._parameters import HTTP1ConnectionParameters, Limits
from ._parser import RequestParser
from ._record import Account
from ._steps import Steps
from ._watch import EVERYDAY, STATUS, Seen, State, Watch, overdue, state_of
from .errors import HTTPInputError

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine
    from contextvars import Context

    from eyewall.ioloop import CancelScope, Future, Promise, Task
    from eyewall.iostream import Stream

    from .protocols import HTTPServerConnectionDelegate, HTTPServerObserver

T = TypeVar("T")

logger = logging.getLogger("eyewall.httpserver")

# As a function: a bound method for each request would be an object more.
_begin_exchange: Final = HTTP1Connection.begin


class HTTP1ServerConnection:
    """Serves the requests of one stream, in one task, for as long as it is kept alive.

    ::

        HTTP1ServerConnection(stream).start_serving(delegate)

    An :class:`HTTPServer` creates one for each connection. Each request runs in a context of its own
    (``contextvars``). After a response that tells the peer to close while it may still be sending, this side is shut
    down and input is discarded, within ``linger_bytes`` and ``linger_seconds``, so that the peer can read it (RFC
    9112 section 9.6).
    """

    __slots__ = (
        "__weakref__",
        "_begun",
        "_delegate",
        "_ends_after_request",
        "_exchange",
        "_last",
        "_lent",
        "_lingers",
        "_observer",
        "_outbox",
        "_parser",
        "_peer_ended",
        "_raised",
        "_requests",
        "_requests_context",
        "_scope",
        "_secure",
        "_steps",
        "_sweeper",
        "_task",
        "_watch",
        "_watched",
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
        observer: HTTPServerObserver | None = None,
        secure: bool = False,
    ) -> None:
        self.stream: Stream = stream
        """The stream that is served."""
        self.params: HTTP1ConnectionParameters = params or HTTP1ConnectionParameters()
        """The parameters of the connection."""
        self.context: HTTPConnectionContext = context or HTTPConnectionContext(stream, stream.info.address)
        """The peer."""
        self._sweeper = sweeper or Sweeper(stream.io_loop, self.params.deadlines.tick)
        self._observer = observer
        self._secure = secure
        # What reads requests and what holds answers back: own ones from a request on, until the connection rests.
        self._parser = _RESTING
        self._outbox: Outbox
        self._exchange: HTTP1Connection | None = None
        self._task: Task[Any] | None = None
        self._scope: CancelScope | None = None
        # What the task has to do for the request that has begun, or to raise.
        self._steps: Steps | None = None
        self._raised: BaseException | None = None
        # What the looks at deadlines remember of the present request; of an idle connection just since when.
        self._watch: Watch | float | None = None
        self._watched = False
        # How many have begun, and which of them, or of those behind it, tells its client that no other may follow.
        self._requests = 0
        self._last = sys.maxsize if self.params.limits.max_requests is None else self.params.limits.max_requests
        self._begun = False
        # Whether what comes behind a rest is served as it comes, and not when the task is woken.
        self._lent = False
        # Who serves requests: there from start_serving on. And in copies of which context: from the first request on.
        self._delegate: HTTPServerConnectionDelegate
        self._requests_context: Context
        self._ends_after_request = self._lingers = self._peer_ended = False

    def start_serving(self, delegate: HTTPServerConnectionDelegate) -> None:
        """Start serving; ``delegate.on_close`` is called at the end."""
        if self.params.decompress:
            from ._decompress import Decompressing

            delegate = Decompressing(delegate)
        self._sweeper.add(self)
        self._delegate = delegate
        self._task = self.stream.io_loop.spawn(self._serve(), name="HTTP connection")  # or asyncio makes one

    def abort(self, error: BaseException | None = None) -> None:
        """Close at once: tell the delegate of a request in progress, and cancel its handler."""
        self.stream.close(error)
        if self._exchange is not None:
            self._exchange.abandon()
        # One that has not begun would never run to its end, and ends by itself on a closed stream.
        if self._task is not None and self._begun:
            self._task.cancel()

    async def close(self) -> None:
        """:meth:`abort`, and wait until all that ran here has ended; a handler of it that awaits this is cancelled."""
        self.abort()
        if self._task is not None:
            over: Promise[None] = self.stream.io_loop.create_future()
            self._task.add_done_callback(lambda _: _answer(over))
            await over

    def end_after_request(self, idle_seconds: float = 0) -> None:
        """Finish the request in progress, tell its client ``Connection: close``, and end; also if idle.

        The next request of an idle client may be on its way: one that arrives within ``idle_seconds`` is still
        served. A connection that has not had a request yet gets one second for it.
        """
        self._ends_after_request = True
        self._last = 0
        if self._exchange is not None:
            self._exchange.is_last = True
            self._exchange.keep_alive = False
        elif self._requests and idle_seconds:
            self.stream.io_loop.call_later(idle_seconds, self._end_if_idle)
        elif self._requests:
            self.stream.close()

    def _end_if_idle(self) -> None:
        if self._exchange is None:
            self.stream.close()

    def cut(self, error: Exception) -> None:
        """:meth:`abort` a connection that a drain has to cut off, and record that as the cause."""
        if self._exchange is not None and self._exchange.account is not None:
            self._exchange.account.end("drained", error)
        self.abort(error)

    async def _serve(self) -> None:
        """The task. While idle it is in no further coroutine, and has few variables: all that would cost memory."""
        self._begun = True
        if self._observer is not None:
            self._tell(self._observer.connection_opened, self.context)
        try:
            await self._first_bytes()
            self._requests_context = copy_context()
            take: Callable[[bytes], bool] | None = None
            while await self._serve_requests():
                take = take or self.stream.io_loop.lend_task(self._take)
                self._lent = take is not None
                try:
                    await self.stream.readable(take=take)
                except BaseException as error:
                    if not self._throw_into_steps(error):
                        raise
        except StreamClosedError as error:
            self._log_end(error.real_error)
        finally:
            self._over()

    def _first_bytes(self) -> Future[None]:
        """They are mostly there."""
        ready = self.stream.readable()
        if not ready.done():
            self._watch_peer()
        return ready

    def _throw_into_steps(self, error: BaseException) -> bool:
        """Where the task is cancelled in the turn in which a request was left to it, it is that which is to end."""
        if (steps := self._steps) is not None:
            self._steps = None
            self._steps = steps.throw(error)
        return steps is not None

    async def _serve_requests(self) -> bool:
        """Serve those that are there; say whether further ones may come."""
        # What the loop has served on behalf of the task, up to the request that it left to it, is not served again.
        served = self._exchange is None and self._take(self.stream.read_nowait())
        while not served and (exchange := self._exchange) is not None:
            if (raised := self._raised) is not None:
                self._raised = None
                raise raised
            if self._steps is not None:
                await self._wait_for_steps()
            elif exchange.keep_alive and self._parser.buffered:
                # They were enough in a row.
                exchange.release()
                await self._next_turn()
            if not exchange.keep_alive:
                self._tell_ended(exchange)
                await self._end(exchange)
                return False
            if not self._parser.buffered:
                # What looked like another request was the end of this one's body.
                exchange.release()
            self._watch_peer()
            if (written := exchange.written) is not None and not written.done():
                await written
            self._forget(exchange)
            if self._ends_after_request:
                return False
            served = not self._parser.buffered or self._take(b"")
        self._watch_peer()
        return not self._ends_after_request

    def _watch_peer(self) -> None:
        """Before a first wait: see to it that it ends when the peer goes, or takes too long.

        A connection that is over with its first request never waits, and so is spared a place in the poller
        and a timer of the sweeper.
        """
        if self._watched:
            return
        self._watched = True
        self._sweeper.begin()
        # Who has detached the stream already calls for itself.
        if self._exchange is None or not self._exchange.detached:
            self._call_at_end(self._on_end)

    def _call_at_end(self, callback: Callable[[], object] | None) -> None:
        """Call this one method when the stream is closed, and when its peer ends: each that is kept takes 64 bytes."""
        self.stream.set_close_callback(callback)
        self.stream.set_eof_callback(callback)

    def _begin(self, data: bytes) -> HTTP1Connection:
        """Serve the next request, up to where something has to be waited for: that is left in ``_steps``.

        Its steps run in a context of its own. The first is made by hand here, and is all of most requests.
        """
        parser = self._rise() if self._parser is _RESTING else self._parser
        exchange = HTTP1Connection(self.stream, False, self.params, self.context, parser, self._outbox)
        self._exchange = exchange
        self._requests += 1
        if self._requests >= self._last:
            self._mark_last(exchange)
        if self._peer_ended:
            exchange.peer_ended()
        if self._observer is not None:
            exchange.account = Account(self.stream.io_loop.time())
        context = self._requests_context.copy()
        rest = context.run(_begin_exchange, exchange, self._delegate, self, data)
        if rest is not None:
            if self.params.deadlines.handler_timeout is not None:
                rest = self._bounded(rest)
            self._steps = context.run(Steps.first, rest, context, self._outbox.release)
        return exchange

    async def _bounded(self, rest: Coroutine[Any, Any, bool]) -> bool:
        """Bound the time of a request: from its first step on, as scopes that it opens end within this one."""
        try:
            # Where its time is over, it is answered by whoever notices.
            with self.stream.io_loop.cancel_scope() as self._scope:
                return await rest
        finally:
            self._scope = None
        return False

    def _rise(self) -> RequestParser:
        """Make what requests need: for the first, and for the first after a rest."""
        if self._requests:
            self._call_at_end(self._on_end)
        self._outbox = Outbox(self.stream)
        self._parser = RequestParser(self.params.limiter, self.params.chunk_size)
        return self._parser

    def _rest(self) -> None:
        """Of who was idle at the last look, too, keep nothing that a request needs, 270 bytes: no end is missed."""
        if not (self._parser.buffered or self._parser is _RESTING):
            self._parser = _RESTING
            del self._outbox
            if self._lent:
                # Else the end could come before the task is woken for the request, and would take the answer along.
                self._call_at_end(None)

    def _mark_last(self, exchange: HTTP1Connection) -> None:
        exchange.is_last = True
        most = self.params.limits.max_requests
        if most is not None and self._requests >= most:
            logger.debug("the connection of %s ends with max_requests, %s", self.context.remote_ip, most)

    def _take(self, data: bytes) -> bool:
        """Serve the requests that have come, up to one that something has to be waited for; say whether there was none.

        The loop calls it in place of the task, while that waits for them. The task does whatever else there is, and
        goes on where they were too many in a row.
        """
        in_a_row = 1
        while True:
            try:
                exchange = self._begin(data)
            except BaseException as error:  # noqa: BLE001 - of a handler that wants to end its task
                self._raised = error
                return False
            if self._outbox.holding and not self._parser.buffered:
                exchange.release()
            written = exchange.written
            if self._steps is not None or not exchange.keep_alive or (written is not None and not written.done()):
                return False
            if not self._parser.buffered:
                self._forget(exchange)
                return True
            if in_a_row >= self.params.limits.max_pipelined or self._ends_after_request:
                return False
            self._forget(exchange)
            if not self._watched:
                # Before the next is begun: an end that comes behind half of it is not to take this answer along.
                self._watch_peer()
            data = b""
            in_a_row += 1

    def _forget(self, exchange: HTTP1Connection) -> None:
        """A request is over, and another may follow."""
        self._exchange = self._watch = None
        if self._observer is not None:
            self._tell_ended(exchange)

    async def _wait_for_steps(self) -> None:
        """Wait for what is left of a request."""
        steps, self._steps = self._steps, None
        if steps is not None:
            self._watch_peer()
            await steps

    async def _next_turn(self) -> None:
        """Let others run: who sends many requests at once has the loop no longer than they."""
        turn: Promise[None] = self.stream.io_loop.create_future()
        self.stream.io_loop.add_callback(_answer, turn)
        await turn
        if self.stream.closed():
            raise StreamClosedError

    async def _end(self, exchange: HTTP1Connection) -> None:
        """Close in such a way that the peer gets to read the answer."""
        if exchange.detached:
            return
        exchange.release()
        if (written := exchange.written) is not None and not written.done():
            self._watch_peer()
        if written is not None:
            await written
        discarded = len(self._parser.take_rest())
        if self._watched:
            discarded += len(self.stream.read_nowait())
        if not discarded and not exchange.waits_for_request:
            return
        self._watch_peer()
        self._linger()
        most = self.params.limits.linger_bytes
        while discarded <= most:
            await self.stream.readable()
            discarded += len(self.stream.read_nowait())
        logger.info(
            "closed the connection of %s: after its response it sent more than linger_bytes, %d",
            *(self.context.remote_ip, most),
        )

    def _linger(self) -> None:
        self._lingers = True
        self.stream.shutdown_write()

    def _log_end(self, error: BaseException | None) -> None:
        """Log what nobody else does: streams log what ends them, and that a client hangs up is everyday life."""
        if error is not None:
            level = logging.DEBUG if isinstance(error, (OSError, DrainedError)) else logging.INFO
            logger.log(level, "lost the connection of %s: %s", self.context.remote_ip, str(error))

    def _over(self) -> None:
        self._sweeper.discard(self)
        exchange, self._exchange = self._exchange, None
        if exchange is None or not exchange.detached:
            if self._watched:
                self.stream.set_close_callback(None)  # which has nothing more to tell
            self.stream.close()
        self._tell_ended(exchange)
        if self._observer is not None:
            self._tell(self._observer.connection_closed, self.context)
        try:
            self._delegate.on_close(self)
        except Exception:
            logger.exception("uncaught exception in on_close for %s", self.context.remote_ip)

    # Who observes

    def _tell_ended(self, exchange: HTTP1Connection | None) -> None:
        """Tell of a request that is over, once."""
        if self._observer is None or exchange is None:
            return
        if (record := exchange.record(self._parser.bytes_received)) is not None:
            self._tell(self._observer.request_ended, record)

    def _tell(self, told: Callable[[T], object], about: T) -> None:
        try:
            told(about)
        except Exception:
            logger.exception("uncaught exception in %r, which observes the server", told)

    # Deadlines

    def sweep(self, now: float, /) -> None:
        """End what is overdue."""
        state, unsent, deadlines = self._state(), self.stream.unsent, self.params.deadlines
        if state is State.IDLE and not unsent:
            if isinstance(self._watch, float):
                self._rest()
            else:
                self._watch = now
            why = overdue(state, self._watch, now, deadlines)
        else:
            watch = self._watch = self._watch if isinstance(self._watch, Watch) else Watch()
            why = watch.look(now, Seen(state, self._exchange, unsent), deadlines)
        if why is not None:
            self._end_overdue(state, why)

    def _state(self) -> State:
        exchange = self._exchange
        if exchange is not None and exchange.detached:
            return State.DETACHED
        if self._lingers:
            return State.LINGERING
        if exchange is not None:
            return state_of(exchange, gone=self._peer_ended and self.params.half_closed == "gone")
        if self._requests:
            return State.IDLE
        if self._ends_after_request:
            return State.LATE
        return State.HANDSHAKE if self._secure and self.stream.info.tls is None else State.NEW

    def _end_overdue(self, state: State, why: str) -> None:
        exchange, stream = self._exchange, self.stream
        status = STATUS.get(state)
        if exchange is None or exchange.finished or status is None or stream.unsent or stream.closed():
            if exchange is not None and exchange.account is not None:
                exchange.account.end("timed out", why)
            level = logging.DEBUG if state in EVERYDAY and not stream.unsent else logging.INFO
            logger.log(level, "closed the connection of %s: %s", self.context.remote_ip, why)
            stream.close()
        else:
            exchange.fail(HTTPInputError(why, status=status), "timed out")
            exchange.release()
            if state is not State.HANDLER:
                self._linger()
        if self._scope is not None:
            self._scope.cancel()

    def _on_end(self) -> None:
        """The stream is closed, or its peer has ended its side."""
        if not self.stream.closed():
            self._peer_ended = True
            if self._exchange is not None:
                self._exchange.peer_ended()
        elif self._exchange is not None:
            self._exchange.abandon()


# The parser of all connections that rest: nothing is buffered in it.
_RESTING: Final = RequestParser(Limiter(Limits()))


def _answer(promise: Promise[None]) -> None:
    if not promise.done():
        promise.set_result(None)
