"""What comes on a connection: bytes go in, messages come out, each when it is asked for."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any, Final

from ._fragments import Fragments
from ._library import PayloadTooBig, ProtocolError, frames, protocol

if TYPE_CHECKING:
    from collections.abc import Generator

_TEXT: Final = frames.Opcode.TEXT
_BINARY: Final = frames.Opcode.BINARY
_CONTROL: Final = (frames.Opcode.PING, frames.Opcode.PONG, frames.Opcode.CLOSE)


class Incoming:
    """Gives messages, and frames that end none: the library's ``Frame.parse`` reads them.

    Whole messages are given at once; of all else its ``Protocol`` learns by ``recv_frame``, and answers pings and a
    close, or finds an error. ``Protocol.receive_data`` would read all that came before the first message of it is
    taken, so that what came before a close could not be answered any more. It also takes each frame through two
    generators and two lists more, some 5,000 instructions.
    """

    __slots__ = ("_data", "_fragments", "_max_size", "_protocol", "_room", "_start", "is_over")

    def __init__(self, protocol: protocol.Protocol, max_size: int) -> None:
        self._protocol = protocol
        self._max_size = self._room = max_size
        self._data: bytes | bytearray = b""
        self._start = 0
        self._fragments: Fragments | None = None
        self.is_over = False
        """True once the peer has said that it closes, or has broken the rules: nothing counts that comes then."""

    def feed(self, data: bytes) -> None:
        """Add what was read."""
        if not self._data:
            self._data = data
            return
        if self._start:
            self._data, self._start = bytearray(self._data[self._start :]), 0  # grows without a copy each time
        self._data += data

    def messages(self) -> Generator[str | bytes | frames.Frame | None]:
        """Give what has come, for ever: messages and frames that end none; None where more has to come first."""
        parse, read_exact, extensions = frames.Frame.parse, self._read_exact, self._protocol.extensions
        masked = self._protocol.side is protocol.Side.SERVER
        logger = self._protocol.logger
        logs = logger.isEnabledFor(logging.DEBUG)
        frame: Any  # the library has a memoryview among its data, which only frames that are sent may hold
        try:
            while not self.is_over:
                while not self._data:
                    frame = None  # else it would be kept until the next one
                    yield None
                frame = yield from parse(read_exact, mask=masked, max_size=self._room, extensions=extensions)
                if logs:
                    logger.debug("< %s", frame)
                if frame.fin and self._fragments is None:
                    if frame.opcode is _TEXT:
                        yield frame.data.decode()
                        continue
                    if frame.opcode is _BINARY:
                        yield bytes(frame.data)
                        continue
                yield self._take(frame)
        except Exception as error:  # noqa: BLE001 - of the library: the peer is told the code, and the log what has none
            self._fail(error)
        while True:
            self._data, self._start = b"", 0
            yield None

    def _read_exact(self, size: int) -> Generator[None, None, bytes | bytearray]:
        while True:
            data, start = self._data, self._start
            if (end := start + size) < len(data):
                self._start = end
                return data[start:end]
            if end == len(data):
                self._data, self._start = b"", 0
                return data[start:]
            yield

    def _take(self, frame: frames.Frame) -> str | bytes | frames.Frame:
        """Give the message that is whole with a frame, or the frame."""
        self._protocol.recv_frame(frame)
        self._protocol.events_received()  # the frame, which is at hand
        if frame.opcode in _CONTROL:
            self.is_over = frame.opcode is frames.Opcode.CLOSE
            return frame
        if self._fragments is None:
            self._fragments = Fragments(is_text=frame.opcode is _TEXT)
        message = self._fragments.add(frame.data, is_last=frame.fin)
        if message is None:
            self._room = self._max_size - self._fragments.size
            return frame
        self._fragments, self._room = None, self._max_size
        return message

    def _fail(self, error: Exception) -> None:
        self.is_over = True
        if isinstance(error, ProtocolError):
            self._protocol.fail(frames.CloseCode.PROTOCOL_ERROR, str(error))
        elif isinstance(error, UnicodeDecodeError):
            self._protocol.fail(frames.CloseCode.INVALID_DATA, f"{error.reason} at position {error.start}")
        elif isinstance(error, PayloadTooBig):
            error.set_current_size(None if self._fragments is None else self._fragments.size)
            self._protocol.fail(frames.CloseCode.MESSAGE_TOO_BIG, str(error))
        else:
            self._protocol.logger.error("the library failed to read a frame", exc_info=error)
            self._protocol.fail(frames.CloseCode.INTERNAL_ERROR)
