"""The head of an answer, as a client reads it: what it says of the body (RFC 9112 section 6.3)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from ._framing import UNTIL_CLOSE
from ._head import body_length, parse_fields, persists
from ._start_line import ResponseStartLine, parse_response_start_line
from .errors import HTTPInputError

if TYPE_CHECKING:
    from ._headers import HTTPHeaders

_SWITCHING_PROTOCOLS: Final = 101
_NO_CONTENT: Final = 204
_NOT_MODIFIED: Final = 304


class AnswerHead(NamedTuple):
    """An answer's head, and what it says of the rest of the exchange."""

    start_line: ResponseStartLine
    headers: HTTPHeaders
    body_length: int
    """Bytes of the body that follows, or ``CHUNKED``, or ``UNTIL_CLOSE``."""
    keep_alive: bool
    """Whether the server would take another request on this connection (RFC 9112 section 9.3)."""
    holds_body: bool = False
    """False: a server that has begun to answer goes on."""

    @property
    def is_informational(self) -> bool:
        """True if the answer proper is still to come; not for 101, behind which HTTP is over."""
        return 100 <= self.start_line.code < 200 and self.start_line.code != _SWITCHING_PROTOCOLS


def parse_answer_head(head: str, method: str) -> AnswerHead:
    """Take an answer's head apart, given without the end of its last line.

    ``method`` is that of the request, on which it depends whether there is a body. Raises
    :class:`HTTPInputError`.
    """
    line, _, _ = head.partition("\r\n")
    start_line = parse_response_start_line(line)
    headers = parse_fields(head, len(line) + 2)
    is_1_0 = start_line.version == "HTTP/1.0"
    length = _answer_length(start_line.code, method, headers, is_1_0)
    keep_alive = persists(headers.get("Connection"), is_1_0)
    if length == UNTIL_CLOSE or start_line.code == _SWITCHING_PROTOCOLS or _opens_tunnel(start_line.code, method):
        keep_alive = False
    return AnswerHead(start_line, headers, length, keep_alive)


def _answer_length(code: int, method: str, headers: HTTPHeaders, is_1_0: bool) -> int:
    framed = "Content-Length" in headers or "Transfer-Encoding" in headers
    if 100 <= code < 200 or code == _NO_CONTENT:
        # Whoever heeds these fields, and whoever does not, would see another message behind this one.
        if framed and (code != _NO_CONTENT or body_length(headers, is_1_0) != 0):
            raise HTTPInputError(f"an answer with status {code} has no body, and this one says that it has")
        return 0
    if method == "HEAD" or code == _NOT_MODIFIED or _opens_tunnel(code, method):
        return 0
    return body_length(headers, is_1_0) if framed else UNTIL_CLOSE


def _opens_tunnel(code: int, method: str) -> bool:
    return method == "CONNECT" and 200 <= code < 300
