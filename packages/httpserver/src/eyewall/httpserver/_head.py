"""The head of a message: its lines taken apart, and what they say of the body (RFC 9112 sections 2 to 6).

Most of its lines have been read before, in this request's company or another's: they are known by their bytes,
and only what is new is decoded and looked at.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

from ._headers import REPEATED, HTTPHeaders, copy_with, fields_of, headers_of, normal_name
from ._start_line import RequestStartLine, parse_request_start_line
from .errors import HTTPInputError

CHUNKED: Final = -1
"""The length of a body that tells its length chunk by chunk."""

# Turns what no value may hold into something else.
_CONTROLS: Final = bytes([*range(9), *range(10, 32), 127])
_SHOWN: Final = bytes.maketrans(_CONTROLS, b"?" * len(_CONTROLS))

# RFC 3986 section 3.2.2, with the port of RFC 9110 section 7.2; no user information.
_HOST: Final = r"(?:\[[0-9A-Fa-f:.]+\]|(?:[A-Za-z0-9\-._~!$&'()*+,;=]|%[0-9A-Fa-f]{2})*)(?::[0-9]{0,5})?"
_is_host = lru_cache(maxsize=256)(re.compile(_HOST).fullmatch)
# What hardly a request is without, and needs no second look.
_USUAL_METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_is_usual_target = re.compile(r"/[!$-;=?-~]*+").fullmatch
_is_origin_form = re.compile(r"/[^#]*").fullmatch
_is_absolute_form = re.compile(rf"[A-Za-z][A-Za-z0-9+.\-]*://(?!/|$|\?|:)({_HOST})(?:[/?][^#]*)?").fullmatch
_is_authority_form = re.compile(rf"(?!:)(?=.*:[0-9]+\Z){_HOST}").fullmatch

# A client sends the same fields with most of its requests. To know them again costs a tenth of
# reading them: for a browser's twelve, 0.6 µs instead of 5.5; where it fails, about 1 more. What lets
# somebody in is not kept beyond its request: a line with it is read by itself, however long, and what it
# stands among is known.
_SHORT_BLOCK: Final = 1024
_MOST_KNOWN: Final = 256
_SECRET: Final = frozenset({"Cookie", "Set-Cookie", "Authorization", "Proxy-Authorization"})
# As browsers and as proxies that speak HTTP/2 write them: what is alike in both, and what comes before. Any other
# spelling costs time and nothing else.
_SECRET_NAMES: Final = {
    b"ookie:": ("Cookie", (b"\r\nC", b"\r\nc")),
    b"uthorization:": ("Authorization", (b"\r\nA", b"\r\na")),
}
_Fields = tuple[HTTPHeaders, int, bool, bool, str]
_known: Final[dict[bytes, _Fields]] = {}
_NONE: Final[dict[str, str]] = {}
_VERSION_LINES: Final = (b"1.1\r\n", b"1.0\r\n")
_VERSION_LINE: Final = len(b"1.1\r\n")

# What many ask for: the start lines of HTTP/1.1 by what stands before the version. A query is one client's, mostly.
_SHORT_LINE: Final = 80
_known_lines: Final[dict[bytes, RequestStartLine]] = {}

# More digits than any body has, few enough that int() is cheap.
_MAX_LENGTH_DIGITS: Final = 18


# A NamedTuple's own constructors are functions in Python, which costs 0.1 µs more.
_new = tuple.__new__  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType] - of any tuple until called


RequestHead = tuple[RequestStartLine, HTTPHeaders, int, bool, bool]
"""A request's head, and what it says of the rest of the exchange: it is unpacked at once, and a class costs 0.1 µs.

Behind the fields: the bytes of the body that follows, or :data:`CHUNKED`; whether the client would send
another request on this connection (RFC 9112 section 9.3); whether it holds its body back until it is told to
send it (RFC 9110 section 10.1.1).
"""


def parse_request_head(head: bytes) -> RequestHead:
    """Take a request's head apart, given without the end of its last line; an empty line may stand before it.

    Raises :class:`HTTPInputError` for whatever RFC 9112 does not allow.
    """
    # The fields with the version in front, on which it depends what they mean: if they are known, so is that.
    line, _, fields = head.partition(b" HTTP/")
    known = _known.get(fields) if len(fields) <= _SHORT_BLOCK else None
    start_line = _known_lines.get(line)
    if start_line is None or (known is None and not fields.startswith(_VERSION_LINES)):
        start_line, fields = _read_request_line(head, line, fields)
    secrets = _NONE
    if known is None:
        known, secrets = _read_fields(fields)
    headers, length, keep_alive, expects_continue, version = known
    if version != "1.1":
        start_line = _new(RequestStartLine, (start_line[0], start_line[1], f"HTTP/{version}"))
    if length and start_line[0] == "CONNECT":
        raise HTTPInputError("a CONNECT request with a body, which a tunnel's first bytes could be taken for")
    headers = copy_with(headers, secrets) if secrets else headers.copy()
    return start_line, headers, length, keep_alive, expects_continue


def _read_request_line(head: bytes, line: bytes, fields: bytes) -> tuple[RequestStartLine, bytes]:
    """Give what is asked as if in HTTP/1.1, and the fields with the version's number in front.

    Raises :class:`HTTPInputError` for a malformed request line.
    """
    method, _, target = line.decode("latin-1").partition(" ")
    usual = method in _USUAL_METHODS and _is_usual_target(target)
    if not usual or not fields.startswith(_VERSION_LINES):
        method, target, fields = _check_request_line(head)
    start_line: RequestStartLine = _new(RequestStartLine, (method, target, "HTTP/1.1"))
    if usual and len(line) <= _SHORT_LINE and b"?" not in line:
        if len(_known_lines) >= _MOST_KNOWN:
            _known_lines.clear()
        _known_lines[line] = start_line
    return start_line, fields


def _check_request_line(head: bytes) -> tuple[str, str, bytes]:
    """Give the method, the target, and the fields behind ``HTTP/``."""
    head = head.removeprefix(b"\r\n")
    line, _, _ = head.partition(b"\r\n")
    method, target, version = parse_request_start_line(line.decode("latin-1"))
    if target[0] != "/" or "#" in target or method == "CONNECT":
        _check_target(method, target)
    return method, target, head[len(line) - len(version) + len("HTTP/") :]


def _read_fields(block: bytes) -> tuple[_Fields, dict[str, str]]:
    """See what field lines say, and what fields come to those; ``block`` begins with the version's number."""
    rest, secrets = block, dict[str, str]()
    # Without its secrets, it is mostly known, and the same for many clients.
    while (known := _known.get(rest) if len(rest) <= _SHORT_BLOCK else None) is None:
        if (secret := _take_secret(rest)) is None:
            break
        name, value, rest = secret
        if name in secrets or _has_controls(value):
            return _read_lines(block), _NONE
        secrets[name] = value.decode("latin-1").strip(" \t")
    if known is not None:
        return known, secrets
    if len(rest) > _SHORT_BLOCK:
        return _read_lines(block), _NONE
    read = _read_lines(rest)
    if not _SECRET.isdisjoint(fields_of(read[0])):
        return (_read_lines(block), _NONE) if secrets else (read, _NONE)
    if len(_known) >= _MOST_KNOWN:
        _known.clear()
    _known[rest] = read
    return read, secrets


def _take_secret(block: bytes) -> tuple[str, bytes, bytes] | None:
    """Give the name and value of a line that is not to be kept, and the other lines; None where there is none."""
    for end_of_name, (name, begins) in _SECRET_NAMES.items():
        at = block.find(end_of_name)
        begin = at - len(b"\r\nC")
        if at >= 0 and block.startswith(begins, begin):
            # One character is found ten times faster than two.
            value, end, rest = block[at + len(end_of_name) :].partition(b"\r")
            whole = not end or rest.startswith(b"\n")
            return (name, value, b"%b%b%b" % (block[:begin], end, rest)) if whole else None
    return None


def _read_lines(block: bytes) -> _Fields:
    """Take the field lines apart, and see what they say."""
    text = block.decode("latin-1")
    version = text[:3]
    is_1_0 = version == "1.0"
    headers = parse_fields(text, _VERSION_LINE)
    fields = fields_of(headers)
    _check_host(fields.get("Host"), is_1_0)
    length = body_length(headers, is_1_0) if "Content-Length" in fields or "Transfer-Encoding" in fields else 0
    keep_alive = persists(headers.get("Connection"), is_1_0)
    expects_continue = "Expect" in fields and _expects_continue(headers["Expect"]) and length != 0 and not is_1_0
    return headers, length, keep_alive, expects_continue, version


class _Lines(dict[str, tuple[str, str]]):
    """Names, normalised, and values by the lines that they came in: a cache with a bound.

    Where one field is another each time, such as a cookie or what a proxy adds, the others are known. What lets
    somebody in is not kept.
    """

    MAX_LINES = 512
    MAX_LENGTH = 256

    def __missing__(self, line: str) -> tuple[str, str]:
        name, colon, value = line.partition(":")
        normal = normal_name(name) if colon else None
        if normal is None or _has_controls(value.encode("latin-1")):
            raise HTTPInputError(_what_is_wrong(line))
        field = normal, value.strip(" \t")
        if len(line) <= self.MAX_LENGTH and normal not in _SECRET:
            # Or a client that makes up lines would have filled it for good.
            if len(self) >= self.MAX_LINES:
                self.clear()
            self[line] = field
        return field


_lines: Final = _Lines()


def parse_fields(text: str, start: int) -> HTTPHeaders:
    """Take field lines apart, from ``start`` to the end of the text, which is given without that of its last line."""
    lines = text[start:].split("\r\n") if start < len(text) else ()
    return headers_of(list(map(_lines.__getitem__, lines)))


def _has_controls(value: bytes) -> bool:
    """Whether it holds what no field value may: by a table, which takes a sixth of what a pattern does."""
    return value.translate(_SHOWN) != value


def has_token(value: str, token: str) -> bool:
    """True if a comma-separated field value holds ``token``, given in lower case."""
    value = value.lower()
    return value == token or ("," in value and token in [item.strip(" \t") for item in value.split(",")])


def persists(connection: str | None, is_1_0: bool) -> bool:
    """Whether the sender of this Connection field would go on (RFC 9112 section 9.3)."""
    if connection is None:
        return not is_1_0
    return not has_token(connection, "close") and (not is_1_0 or has_token(connection, "keep-alive"))


def body_length(headers: HTTPHeaders, is_1_0: bool) -> int:
    """How long the body is (RFC 9112 section 6).

    What another server on the way might understand differently is refused: that is how requests
    are smuggled.
    """
    coding = headers.get("Transfer-Encoding")
    length = headers.get("Content-Length")
    if coding is not None:
        if length is not None:
            raise HTTPInputError("both Transfer-Encoding and Content-Length")
        if is_1_0:
            raise HTTPInputError("Transfer-Encoding in an HTTP/1.0 message")
        if coding.lower() != "chunked":
            raise _coding_error(coding)
        return CHUNKED
    if length is None or not (length.isascii() and length.isdigit()):
        raise HTTPInputError(f"Content-Length {(length or '')[:80]!r} is not a single plain number")
    if len(length) > _MAX_LENGTH_DIGITS:
        raise HTTPInputError(f"Content-Length of {len(length)} digits", status=413)
    return int(length)


def _coding_error(coding: str) -> HTTPInputError:
    """RFC 9112 section 6.1: 501 for a coding that is not known, 400 where chunked is not the last, or not alone."""
    *others, last = [item.strip(" \t") for item in coding.lower().split(",")]
    unknown = last == "chunked" and "chunked" not in others and all(others)
    return HTTPInputError(f"Transfer-Encoding {coding[:80]!r}: only chunked is served", status=501 if unknown else 400)


def _expects_continue(value: str) -> bool:
    if value.lower() != "100-continue":
        raise HTTPInputError(f"Expect {value[:80]!r}: only 100-continue is known", status=417)
    return True


def _check_host(host: str | None, is_1_0: bool) -> None:
    """RFC 9112 section 3.2: one Host in HTTP/1.1, a second in no version, and it names a host."""
    if host is None:
        if not is_1_0:
            raise HTTPInputError("no Host field in an HTTP/1.1 request")
    elif host == REPEATED:
        raise HTTPInputError("more than one Host field")
    elif not _is_host(host):
        raise HTTPInputError(f"Host {host[:80]!r} is not a host name")


def _check_target(method: str, target: str) -> None:
    """RFC 9112 section 3.2: the four forms of a request target, of which the commonest has been seen to."""
    if method == "CONNECT":
        valid = _is_authority_form(target) is not None
    elif target == "*":
        valid = method == "OPTIONS"
    else:
        valid = _is_origin_form(target) is not None or _is_absolute_form(target) is not None
    if not valid:
        raise HTTPInputError(f"{target[:80]!r} is not a target for {method[:20]}")


def _what_is_wrong(line: str) -> str:
    name, colon, value = line.partition(":")
    if line[:1] in {" ", "\t"}:
        what = "a folded field line"
    elif not colon:
        what = "a field line without a colon"
    elif normal_name(name) is None:
        what = "a field name that is no token"
    elif "\r" in value or "\n" in value:
        what = "a bare CR or LF"
    else:
        what = "a control character in a field value"
    return f"{what}: {line[:80]!r}"
