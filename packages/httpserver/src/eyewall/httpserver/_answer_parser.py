"""AnswerParser: reads one answer, with the informational ones before it. It does no I/O and knows no connection."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal

from ._answer_head import AnswerHead, parse_answer_head
from ._framing import UNTIL_CLOSE
from ._limiter import Limiter
from ._parser import MessageParser
from ._start_line import ResponseStartLine
from .errors import HTTPInputError

if TYPE_CHECKING:
    from collections.abc import Awaitable

    from ._parser import HeadListener
    from .protocols import HTTPMessageDelegate

# As many as Tornado takes: a server that sends nothing else would be listened to for ever.
_MOST_INFORMATIONAL: Final = 10
_BEGINNING: Final = b"HTTP/1."


class AnswerParser(MessageParser[ResponseStartLine]):
    """Reads the answer to one request of the given method; see :class:`MessageParser` for its use.

    For each informational answer (1xx) before it, too, listener and delegate are told of its head.
    """

    __slots__ = ("_hears_all", "_informational", "_is_informational", "_method")

    def __init__(self, limiter: Limiter, method: str, chunk_size: int | None = None) -> None:
        super().__init__(limiter, self._parse, chunk_size)
        self._method = method
        self._informational = 0
        self._is_informational = False
        self._hears_all: HeadListener[ResponseStartLine] | None = None

    def begin(
        self, delegate: HTTPMessageDelegate, listener: HeadListener[ResponseStartLine], data: bytes = b""
    ) -> Awaitable[object] | None:
        """Begin with the first answer."""
        self._hears_all = listener
        return super().begin(delegate, listener, data)

    @property
    def phase(self) -> Literal["", "head", "body"]:
        """What is being read; empty if nothing of the head has come."""
        if self._listener is None:
            return "body"
        return "head" if self.buffered else ""

    @property
    def ends_with_stream(self) -> bool:
        """True while a body is read that the end of the connection makes complete."""
        return self._body is not None and self._body.length == UNTIL_CLOSE

    def end(self) -> Awaitable[object] | None:
        """The connection has ended, and with it a body of unknown length."""
        return super()._finish()

    def _limit_next(self, max_body_size: int) -> None:
        # What is set at an informational answer is for the one behind it.
        self._limiter = Limiter(self._limiter.limits._replace(max_body_size=max_body_size))

    def _parse(self, head: bytes) -> AnswerHead:
        answer = parse_answer_head(head.removeprefix(b"\r\n").decode("latin-1"), self._method)
        self._is_informational = answer.is_informational
        if answer.is_informational:
            self._informational += 1
            if self._informational > _MOST_INFORMATIONAL:
                raise HTTPInputError(f"more than {_MOST_INFORMATIONAL} informational answers")
        return answer

    def _keep_head(self, data: bytes, start: int) -> None:
        # A server of another protocol is told at once from one that is slow.
        if not data.startswith(_BEGINNING, start) and not _BEGINNING.startswith(data[start:].removeprefix(b"\r")):
            raise HTTPInputError(f"no HTTP/1 answer: {data[:80]!r}")
        super()._keep_head(data, start)

    def _finish(self) -> Awaitable[object] | None:
        if not self._is_informational:
            return super()._finish()
        self._is_informational = False
        self._listener = self._hears_all
        self.waits = True
        return self._read_head()
