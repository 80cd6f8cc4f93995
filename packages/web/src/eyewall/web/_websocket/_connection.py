"""A WebSocket connection: messages over a stream, what a handler's end and a client's have in common."""

from __future__ import annotations

import codecs
import logging
from contextvars import copy_context
from types import CoroutineType
from typing import TYPE_CHECKING, Any, Final

from eyewall.httpserver import Steps
from eyewall.ioloop import CompletedFuture
from eyewall.iostream import StreamClosedError

from ._errors import WebSocketClosedError
from ._library import deflate, frames, protocol

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
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

EVENTS_A_TURN: Final = 32
"""How many messages are taken before the loop hears of something else, such as other connections."""

_UNSET: Final = object()
_decoder: Final = codecs.getincrementaldecoder("utf-8")


class WebSocketConnection:
    """One end. :meth:`run` reads it until it closes; everything else may be called meanwhile.

    A message that comes while the task of :meth:`run` waits is taken in the callback that brings it, on behalf of
    that task (``EventLoop.lend_task``): the task is woken for what has to be waited for, and else for nothing.
    """

    def __init__(
        self,
        stream: Stream,
        *,
        is_client: bool,
        on_message: Callable[[str | bytes], Awaitable[None] | None],
        on_ping: Callable[[bytes], object],
        on_pong: Callable[[bytes], object],
        max_message_size: int,
        extensions: Sequence[deflate.PerMessageDeflate] = (),
        ping_interval: float | None = None,
        ping_timeout: float | None = None,
    ) -> None:
        side = protocol.Side.CLIENT if is_client else protocol.Side.SERVER
        self.stream: Final = stream
        self._protocol: Final = protocol.Protocol(side, max_size=max_message_size, logger=logger)
        self._protocol.extensions = list(extensions)
        self._on_message = on_message
        self._on_ping = on_ping
        self._on_pong = on_pong
        self._text: codecs.IncrementalDecoder | None = None  # of the message that is coming, where it is text
        self._pieces: list[Any] = []
        self._events: Iterator[Any] = iter(())
        # Where messages are taken, be it by the task or on its behalf: they see each other's variables.
        self._context: Context = copy_context()
        # What the task has to do for the message that was taken, or to raise.
        self._steps: Steps[None] | None = None
        self._raised: BaseException | None = None
        self._taken = False
        self._broken = False
        self._holds = False
        """True while messages of one read are taken by methods that do not wait: their answers leave together."""
        self._held = 0
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
        return self._protocol.state is protocol.State.OPEN and not self.stream.closed()

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
        self._events, self._context = iter(()), copy_context()
        take = self.stream.io_loop.lend_task(self._take_data)
        try:
            while not self._is_over():
                if await self._next_data(take):
                    self._receive(self.stream.read_nowait())
                await self._finish_events()
            self._close_within(CLOSE_TIMEOUT_SECONDS)
            await self._release()
            # What still comes is thrown away: with it unread, the kernel would reset the connection, and the peer
            # might never see why.
            self.stream.shutdown_write()
            while True:
                await self.stream.readable()
                self.stream.read_nowait()
        except StreamClosedError:
            self.abort()
        finally:
            self._holds = False
            _adopt(self._context)

    async def _next_data(self, take: Callable[[bytes], bool] | None) -> bool:
        """Wait until something has come that the task has to do; say whether it is to be read."""
        ready = self.stream.readable(take=take)
        if ready.done():
            await self._next_turn()  # whoever never lets this one wait does not keep others waiting
        self._taken = False
        try:
            await ready
        except BaseException as error:
            steps, self._steps = self._steps, None
            if steps is None:
                raise
            # Cancelled in the turn in which a message was left to the task: it is that which is to end.
            self._steps = steps.throw(error)
        if (raised := self._raised) is not None:
            self._raised = None
            raise raised
        return not self._taken

    def _take_data(self, data: bytes) -> bool:
        """Take what has come, in place of the task, while that waits for it; say whether it can go on waiting."""
        try:
            self._receive(data)
            goes_on = self._context.run(self._take_events) and not self._is_over()
        except BaseException as error:  # noqa: BLE001 - of a handler; the task raises it
            self._raised = error
            goes_on = False
        self._taken = not goes_on
        return goes_on

    def _receive(self, data: bytes) -> None:
        self._protocol.receive_data(data)
        self._events = iter(self._protocol.events_received())

    async def _finish_events(self) -> None:
        """Wait for what the messages that have come wait for, until all of them are taken."""
        while True:
            if (steps := self._steps) is not None:
                self._steps = None
                await steps
            if self._context.run(self._take_events):
                return
            if self._steps is None:
                await self._next_turn()

    def _take_events(self) -> bool:
        """Take messages until there are no more; False where one has to be waited for, or others have their turn."""
        self._holds = True
        for number, event in enumerate(self._events, 1):
            waits = self._take(event)
            if waits is not None and not isinstance(waits, CompletedFuture):
                coroutine = waits if isinstance(waits, CoroutineType) else _wait_for(waits)
                self._steps = Steps.first(coroutine, self._context, self._release)
                if self._steps is not None:
                    return False
                self._holds = True
            if number == EVENTS_A_TURN:
                self._release()
                return False
        self._release()
        return True

    def _release(self) -> Future[None]:
        """Send what was held back, and hold nothing back from now on."""
        self._holds = False
        return self._send()

    async def _next_turn(self) -> None:
        turn = self.stream.io_loop.create_future()
        self.stream.io_loop.add_callback(_answer, turn)
        await turn

    def _is_over(self) -> bool:
        """True once the peer has said that it closes, or has broken the rules."""
        return self._broken or self._protocol.close_rcvd is not None or self._protocol.parser_exc is not None

    def _close_within(self, seconds: float) -> None:
        if "close" not in self._timers:
            self._timers["close"] = self.stream.io_loop.call_later(seconds, self.abort)

    def _take(self, event: Any) -> Awaitable[None] | None:
        opcode = event.opcode
        if opcode is frames.Opcode.PING:
            self._on_ping(bytes(event.data))
        elif opcode is frames.Opcode.PONG:
            self._forget("pong")
            self._on_pong(bytes(event.data))
        elif opcode is not frames.Opcode.CLOSE:
            message = self._assemble(event)
            return None if message is None else self._on_message(message)
        return None

    def _assemble(self, frame: frames.Frame) -> str | bytes | None:
        """Add a frame to the message that is coming; give the message once it is whole."""
        if frame.opcode is not frames.Opcode.CONT and frame.fin:  # as most are
            return bytes(frame.data) if frame.opcode is frames.Opcode.BINARY else self._decoded(frame.data)
        if frame.opcode is not frames.Opcode.CONT:
            self._text = _decoder() if frame.opcode is frames.Opcode.TEXT else None
            self._pieces = []
        if self._text is None:
            self._pieces.append(frame.data)
        else:
            text = self._decoded(frame.data, frame.fin, self._text)
            if text is None:
                return None
            self._pieces.append(text)
        if not frame.fin:
            return None
        pieces, self._pieces = self._pieces, []
        return b"".join(pieces) if self._text is None else "".join(pieces)

    def _decoded(self, data: Any, final: bool = True, decoder: codecs.IncrementalDecoder | None = None) -> str | None:
        """Give a piece of text; None where it is none, which ends the connection."""
        try:
            return str(data, "utf-8") if decoder is None else decoder.decode(data, final)
        except UnicodeDecodeError as error:
            self._broken = True
            self._protocol.fail(frames.CloseCode.INVALID_DATA, f"{error.reason} at position {error.start}")
            return None

    def write_message(self, message: str | bytes | Mapping[str, object], *, binary: bool) -> Future[None]:
        """Send a message: text, bytes if ``binary``, or a dict as JSON.

        Raises :class:`WebSocketClosedError` where the connection is not open.
        """
        data, binary = encode(message, binary)
        if not self.is_open:
            raise WebSocketClosedError
        if binary:
            self._protocol.send_binary(data)
        else:
            self._protocol.send_text(data)
        self._held += len(data)
        # Whoever awaits this is to be held back by a peer that reads slowly.
        if self._holds and self._held <= MAX_HELD and not self.stream.unsent:
            return self._done
        sent = self._send()
        if self.stream.unsent > MAX_UNSENT:
            logger.info("%s: cut off, as more than %d bytes wait for it", self.stream.info, MAX_UNSENT)
            self.abort()
            raise WebSocketClosedError("the peer reads too slowly, and was cut off")
        return sent

    def send_frame(self, data: bytes) -> None:
        """Send a frame that was made for several connections; a peer that is too slow for it is cut off."""
        if self.stream.unsent + len(data) > MAX_UNSENT:
            self.abort()
        elif self.is_open:
            if self._holds:
                self._send()
            self.stream.write_nowait(data)

    @property
    def shared_window_bits(self) -> int | None:
        """The window that a compressed frame may have which several connections share; None: it is not compressed."""
        for extension in self._protocol.extensions:
            if isinstance(extension, deflate.PerMessageDeflate) and extension.local_no_context_takeover:
                return extension.local_max_window_bits
        return None

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
                raise ValueError(f"{code} is no code to close with: use 1000, or one from 3000 to 4999") from error
        if len((reason or "").encode()) > 123:
            raise ValueError(f"a reason has 123 bytes at most, and not {len((reason or '').encode())}")
        if not self.is_open:
            return
        self._protocol.send_close(code, reason or "")
        self._send()
        self._close_within(CLOSE_TIMEOUT_SECONDS)

    def abort(self) -> None:
        """Close at once, without a word."""
        for name in list(self._timers):
            self._forget(name)
        self.stream.close()

    def _send(self) -> Future[None]:
        """Send what the protocol has made."""
        self._held = 0
        data = b"".join(self._protocol.data_to_send())
        if data and not self.stream.closed():
            return self.stream.write(data)
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


async def _wait_for(waits: Awaitable[None]) -> None:
    await waits


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
