"""A WebSocket connection: messages over a stream, what a handler's end and a client's have in common."""

from __future__ import annotations

import logging
from contextvars import copy_context
from typing import TYPE_CHECKING, Any, Final, Protocol

from eyewall.httpserver import Steps
from eyewall.ioloop import CompletedFuture
from eyewall.iostream import StreamClosedError

from ._errors import WebSocketClosedError
from ._framing import framed
from ._incoming import Incoming
from ._library import deflate, frames, protocol

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Generator, Mapping, Sequence
    from contextvars import Context

    from eyewall.ioloop import Future, Promise, Timer
    from eyewall.iostream import Stream

logger: Final = logging.getLogger("eyewall.websocket")

CLOSE_TIMEOUT_SECONDS: Final = 5
"""How long a peer has to answer a close."""
MAX_UNSENT: Final = 16 * 1024 * 1024
"""How many bytes may wait for a peer that reads slowly; beyond that it is cut off."""

MAX_HELD: Final = 64 * 1024
"""How many bytes of answers to messages that came together are sent together."""

FRAMES_A_TURN: Final = 32
"""How many frames are read before the loop hears of something else, such as other connections."""

_MORE: Final = object()
_UNSET: Final = object()


class Listener(Protocol):
    """Who is told what comes."""

    def on_message(self, message: str | bytes, /) -> Awaitable[None] | None:
        """A message has come: text or bytes. What this returns is awaited before the next one."""

    def on_ping(self, data: bytes, /) -> object:
        """A ping has come; it has been answered."""

    def on_pong(self, data: bytes, /) -> object:
        """The answer to a ping has come."""


class _Nobody:
    """Is told what nobody wants to know."""

    def on_message(self, message: str | bytes, /) -> None: ...

    def on_ping(self, data: bytes, /) -> None: ...

    def on_pong(self, data: bytes, /) -> None: ...


class WebSocketConnection:
    """One end. :meth:`run` reads it until it closes; everything else may be called meanwhile.

    A message that comes while the task of :meth:`run` waits is taken in the callback that brings it, on behalf of
    that task (``EventLoop.lend_task``): the task is woken for what has to be waited for, and else for nothing.
    """

    __slots__ = (
        "_context",
        "_done",
        "_held",
        "_held_size",
        "_holds",
        "_incoming",
        "_listener",
        "_messages",
        "_ping_interval",
        "_ping_timeout",
        "_plain",
        "_protocol",
        "_raised",
        "_steps",
        "_taking",
        "_timers",
        "shared_window_bits",
        "stream",
    )

    def __init__(
        self,
        stream: Stream,
        listener: Listener,
        *,
        is_client: bool,
        max_message_size: int,
        extensions: Sequence[deflate.PerMessageDeflate] = (),
        ping_interval: float | None = None,
        ping_timeout: float | None = None,
    ) -> None:
        side = protocol.Side.CLIENT if is_client else protocol.Side.SERVER
        self.stream: Final = stream
        self._protocol: Final = protocol.Protocol(side, logger=logger)
        self._protocol.extensions = list(extensions)
        self._incoming: Final = Incoming(self._protocol, max_message_size)
        self._messages: Final = self._incoming.messages()
        self._listener: Listener = listener
        # Whether frames go out neither masked nor compressed, nor have to be logged by the protocol.
        self._plain = not (is_client or extensions or logger.isEnabledFor(logging.DEBUG))
        self.shared_window_bits: Final = _shared_window_bits(extensions)
        """The window that a compressed frame may have which several connections share; None: it is not compressed."""
        # Where messages are taken, be it by the task or on its behalf: they see each other's variables.
        self._context: Context
        self._taking: Generator[object, Any, None]
        # What the task has to do for the message that was taken, or to raise.
        self._steps: Steps | None = None
        self._raised: BaseException | None = None
        self._holds = False
        """True while messages of one read are taken by methods that do not wait: their answers leave together."""
        self._held: list[bytes] = []
        self._held_size = 0
        self._done: CompletedFuture[None] = CompletedFuture(stream.io_loop, None)
        self._timers: dict[str, Timer] = {}
        self._ping_interval = ping_interval
        self._ping_timeout = ping_interval if ping_timeout is None else ping_timeout
        stream.set_nodelay(True)
        if ping_interval:
            self._timers["ping"] = stream.io_loop.call_later(ping_interval, self._ping_again)

    @property
    def is_open(self) -> bool:
        """True until either end says that it closes."""
        return self._protocol.close_sent is None and not self.stream.closed()

    @property
    def has_lost_its_peer(self) -> bool:
        """True once the peer has said that it closes, or the stream has ended."""
        return self._protocol.close_rcvd is not None or self.stream.closed()

    @property
    def close_code(self) -> int | None:
        """What the peer said as it closed; None where it said nothing."""
        close = self._protocol.close_rcvd
        return None if close is None or close.code == frames.CloseCode.NO_STATUS_RCVD else close.code

    @property
    def close_reason(self) -> str | None:
        """Why the peer said that it closed."""
        close = self._protocol.close_rcvd
        return None if close is None or not close.reason else close.reason

    async def run(self) -> None:
        """Read until the connection has closed; what ``on_message`` returns is awaited before the next message.

        What that raises comes out of here, and leaves the connection to be closed with a code.
        """
        self._context = copy_context()
        self._taking = self._take_messages()
        take = self.stream.io_loop.lend_task(self._take_data)
        try:
            self._take_data(b"")
            await self._finish_messages()
            while not self._incoming.is_over:
                await self._next_data(take)
                await self._finish_messages()
            self._close_within(CLOSE_TIMEOUT_SECONDS)
            await self._release()
            # What still comes is thrown away: with it unread, the kernel would reset the connection, and the peer
            # might never see why.
            self.stream.shutdown_write()
            while True:
                await self.stream.readable()
                self.stream.read_nowait()
        except StreamClosedError:
            if not (self._incoming.is_over or self.stream.closed()):
                raise  # of another stream, which the listener uses
            self.abort()
        finally:
            self._holds = False
            self._taking.close()  # it holds this connection
            _adopt(self._context)

    async def _next_data(self, take: Callable[[bytes], bool] | None) -> None:
        """Wait until something has come that the task has to do."""
        ready = self.stream.readable(take=take)
        if ready.done():
            await self._next_turn()  # whoever never lets this one wait does not keep others waiting
        try:
            await ready
        except StreamClosedError:
            self.abort()
            raise
        except BaseException as error:
            steps, self._steps = self._steps, None
            if steps is None:
                raise
            # Cancelled in the turn in which a message was left to the task: it is that which is to end.
            self._steps = steps.throw(error)
        if self._steps is None and self._raised is None:
            self._take_data(self.stream.read_nowait())

    def _take_data(self, data: bytes) -> bool:
        """Take what has come; say whether nothing is left but to wait for more.

        In place of the task, mostly, while that waits. It is the task that waits for a listener, and raises.
        """
        try:
            self._incoming.feed(data)
            waited_for = self._context.run(self._taking.send, None)
        except StopIteration:
            return False
        except BaseException as error:  # noqa: BLE001 - of a handler; the task raises it
            self._raised = error
            return False
        if waited_for is _MORE:
            return True
        self._steps = Steps(self._taking, self._context, waited_for, self._release, until=_MORE)
        return False

    async def _finish_messages(self) -> None:
        """Wait for what the messages that have come wait for, until all of them are taken."""
        if (raised := self._raised) is not None:
            self._raised = None
            raise raised
        if (steps := self._steps) is not None:
            self._steps = None
            await steps

    def _take_messages(self) -> Generator[object, Any, None]:
        """Take messages until the peer says that it closes: one step for all that came with one read.

        It gives _MORE where more has to come, and else what has to be waited for. So no coroutine is begun by hand,
        and ended by an exception, for each message, which took 4,000 instructions.
        """
        left = FRAMES_A_TURN
        for message in self._messages:
            if message is None:
                self._holds = False
                self._send()
                if self._incoming.is_over:
                    return
                yield _MORE
                left = FRAMES_A_TURN
                continue
            self._holds = True
            if not isinstance(message, (str, bytes)):  # in this order, as a text is one at the first look
                self._take_frame(message)
            elif (waits := self._listener.on_message(message)) is not None:
                yield from waits.__await__()
            left -= 1
            if not left:
                yield from self._next_turn().__await__()
                left = FRAMES_A_TURN

    def _release(self) -> Future[None]:
        """Send what was held back, and hold nothing back from now on."""
        self._holds = False
        return self._send()

    async def _next_turn(self) -> None:
        turn = self.stream.io_loop.create_future()
        self.stream.io_loop.add_callback(_answer, turn)
        await turn

    def _close_within(self, seconds: float) -> None:
        if "close" not in self._timers:
            self._timers["close"] = self.stream.io_loop.call_later(seconds, self.abort)

    def _take_frame(self, frame: frames.Frame) -> None:
        if frame.opcode is frames.Opcode.PING:
            self._cut_off_if_too_slow()  # the answers before this one may wait
            self._held += self._protocol.data_to_send()  # before what is written from here on
            self._listener.on_ping(bytes(frame.data))
        elif frame.opcode is frames.Opcode.PONG:
            self._forget("pong")
            self._listener.on_pong(bytes(frame.data))

    def write_message(self, message: str | bytes | Mapping[str, object], *, binary: bool) -> Future[None]:
        """Send a message: text, bytes if ``binary``, or a dict as JSON.

        Raises :class:`WebSocketClosedError` where the connection is not open.
        """
        if type(message) is str:  # as mostly: without a call
            data = message.encode()
        else:
            data, binary = encode(message, binary)
        if self._protocol.close_sent is not None or self.stream.closed():  # is_open, without a property's call
            raise WebSocketClosedError
        if self._plain:
            self._held.append(framed(data, binary))
        elif binary:
            self._protocol.send_binary(data)
        else:
            self._protocol.send_text(data)
        self._held_size += len(data)
        # Whoever awaits this is to be held back by a peer that reads slowly.
        if self._holds and self._held_size <= MAX_HELD and not self.stream.writing():
            return self._done
        sent = self._send()
        if self._cut_off_if_too_slow():
            raise WebSocketClosedError("the peer reads too slowly, and was cut off")
        return sent

    def send_frame(self, data: bytes) -> None:
        """Send a frame that was made for several connections, unless this one is not open.

        A peer that is too slow for it is cut off.
        """
        if self._holds and self.is_open:
            self._send()
        if self.is_open:
            self.stream.write_nowait(data)
            if self.stream.writing():
                self._cut_off_if_too_slow()

    def _cut_off_if_too_slow(self) -> bool:
        """Cut off a peer that lets too much wait; say whether it was."""
        if self.stream.unsent <= MAX_UNSENT:
            return False
        logger.info("%s: cut off, as more than %d bytes wait for it", self.stream.info, MAX_UNSENT)
        self.abort()
        return True

    def ping(self, data: bytes) -> None:
        """Send a ping. Raises :class:`WebSocketClosedError` where the connection is not open."""
        if not self.is_open:
            raise WebSocketClosedError
        self._protocol.send_ping(data)
        self._send()

    def close(self, code: int | None = None, reason: str | None = None) -> None:
        """Say that this end closes, and wait some seconds for the peer to do so. Idempotent.

        Raises ``ValueError`` for a code that must not be sent, and for a reason of more than 123 bytes.
        """
        if code is None and reason is not None:
            code = 1000
        if code is not None:
            try:
                frames.Close(code, reason or "").check()
            except Exception as error:
                raise ValueError(f"{code} is not a code to close with: use 1000, or one from 3000 to 4999") from error
        if len((reason or "").encode()) > 123:
            raise ValueError(f"a reason has 123 bytes at most, and not {len((reason or '').encode())}")
        if not self.is_open:
            return
        self._protocol.send_close(code, reason or "")
        self._send()
        self._close_within(CLOSE_TIMEOUT_SECONDS)

    async def fail(self, code: int) -> None:
        """Close as one whose listener has failed: it is told nothing more, while the peer has some seconds to close."""
        self._listener = _Nobody()
        self.close(code)
        await self.run()

    def abort(self) -> None:
        """Close at once, without a word."""
        for name in list(self._timers):
            self._forget(name)
        self.stream.close()

    def _send(self) -> Future[None]:
        """Send what is held back, and what the protocol has made: answers to pings, the end."""
        held = self._held
        if self._protocol.writes:
            held += self._protocol.data_to_send()
        data = b"".join(held)
        held.clear()
        self._held_size = 0
        try:
            if data:
                return self.stream.write(data)
        except StreamClosedError:
            pass  # whoever waits is told so
        return self.stream.drained()

    def _ping_again(self) -> None:
        if self.is_open and self._ping_interval:
            self.ping(b"")
            if self._ping_timeout and "pong" not in self._timers:
                self._timers["pong"] = self.stream.io_loop.call_later(self._ping_timeout, self._give_up)
            self._timers["ping"] = self.stream.io_loop.call_later(self._ping_interval, self._ping_again)

    def _give_up(self) -> None:
        logger.info("%s: no answer to a ping within %s s", self.stream.info, self._ping_timeout)
        self.abort()

    def _forget(self, name: str) -> None:
        if (timer := self._timers.pop(name, None)) is not None:
            timer.cancel()


def _answer(turn: Promise[None]) -> None:
    if not turn.done():
        turn.set_result(None)


def _shared_window_bits(extensions: Sequence[deflate.PerMessageDeflate]) -> int | None:
    for extension in extensions:
        if extension.local_no_context_takeover:
            return extension.local_max_window_bits
    return None


def _adopt(context: Context) -> None:
    """Set here what was set there."""
    for variable, value in context.items():
        if variable.get(_UNSET) is not value:
            variable.set(value)


def encode(message: str | bytes | Mapping[str, object], binary: bool) -> tuple[bytes, bool]:
    """Give the payload of a message, and whether it is to be sent as binary."""
    if isinstance(message, str):
        return message.encode(), binary
    if isinstance(message, bytes):
        return message, binary
    from .._json import as_dict, json_encode

    return json_encode(as_dict(message, "write_message() takes str, bytes or dict")).encode(), False
