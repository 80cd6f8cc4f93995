"""The parser without any I/O: what requests mean however they are cut, and which are refused with which status."""

from __future__ import annotations

from itertools import combinations, pairwise
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eyewall.httpserver import (
    HTTP1ConnectionParameters,
    HTTPHeaders,
    HTTPInputError,
    Limits,
    RequestStartLine,
    ResponseStartLine,
)
from eyewall.httpserver._answer_head import parse_answer_head
from eyewall.httpserver._limiter import Limiter
from eyewall.httpserver._parser import RequestParser

if TYPE_CHECKING:
    from collections.abc import Awaitable, Iterable

LIMIT = 1000


class Told:
    """Keeps what it is told as delegate and listener; the pieces of a body joined, since their bounds mean nothing."""

    def __init__(self) -> None:
        self.start_line: RequestStartLine | ResponseStartLine | None = None
        self.fields: list[tuple[str, str]] = []
        self.body = b""
        self.finished = False
        self.keep_alive: list[bool] = []

    def head_read(self, start_line: RequestStartLine, keep_alive: bool, /) -> None:
        assert self.start_line is None, "the listener hears it first"
        self.keep_alive.append(keep_alive)

    def headers_received(self, start_line: RequestStartLine | ResponseStartLine, headers: HTTPHeaders, /) -> None:
        self.start_line = start_line
        self.fields = list(headers.get_all())

    def data_received(self, chunk: bytes, /) -> Awaitable[object] | None:
        assert chunk, "a piece of length zero"
        assert not self.finished
        self.body += chunk
        return None

    def finish(self) -> None:
        assert not self.finished
        self.finished = True

    def on_connection_close(self) -> None:
        raise AssertionError("the parser knows of no connection")


def parse(*pieces: bytes, max_body_size: int = LIMIT) -> tuple[Told, bytes]:
    """Feed the pieces of one request, and give what the delegate was told and what was left over."""
    told = Told()
    limits = HTTP1ConnectionParameters(max_header_size=LIMIT, max_body_size=max_body_size).limiter
    parser = RequestParser(limits)
    parser.begin(told, told)
    left = list(pieces)
    while left and not parser.complete:
        assert parser.waits
        parser.feed(left.pop(0))
        if parser.holds_body and not parser.complete:
            parser.feed(b"")
    assert parser.complete == (not parser.waits and told.finished)
    return told, parser.take_rest() + b"".join(left)


def requests(data: bytes, cuts: Iterable[int] = ()) -> list[tuple[object, ...]]:
    """Parse a pipeline, cut at these places."""
    bounds = [0, *sorted(cuts), len(data)]
    pieces = [data[start:end] for start, end in pairwise(bounds) if start != end]
    found: list[tuple[object, ...]] = []
    while pieces:
        told, rest = parse(*pieces)
        assert told.finished, f"incomplete: {rest!r}"
        found.append((told.start_line, told.fields, told.body, *told.keep_alive))
        consumed = sum(map(len, pieces)) - len(rest)
        pieces = after(pieces, consumed)
    return found


def after(pieces: list[bytes], count: int) -> list[bytes]:
    """What is left of the pieces behind ``count`` bytes."""
    while pieces and count >= len(pieces[0]):
        count -= len(pieces[0])
        pieces = pieces[1:]
    return [pieces[0][count:], *pieces[1:]] if pieces else []


REQUESTS = [
    b"GET / HTTP/1.1\r\nHost: a\r\n\r\n",
    b"\r\nGET /after/an/empty/line HTTP/1.1\r\nHost: a\r\n\r\n",
    b"GET / HTTP/1.0\r\n\r\n",
    b"POST /p?q=1&r=%20 HTTP/1.1\r\nHost: a:80\r\nContent-Length: 5\r\n\r\nab\r\nc",
    b"PUT / HTTP/1.1\r\nHost: \r\nContent-Length: 0\r\nX-Empty:\r\nX-Spaces: \t a  b\t \r\n\r\n",
    b'POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n09;x="\\"";z\r\n012345678\r\n0\r\n\r\n',
    b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: Chunked\r\n\r\n2\r\n\r\n\r\n000\r\nX-Sum: 1\r\nY: 2\r\n\r\n",
    b"OPTIONS * HTTP/1.1\r\nHost: [::1]:8080\r\nExpect: 100-continue\r\nContent-Length: 1\r\n\r\nx",
    b"GET http://b/c HTTP/1.1\r\nHost: b\r\nA: 1\r\na: \x80\xff\r\nConnection: x, Close\r\n\r\n",
]


@pytest.mark.parametrize("request_", REQUESTS)
def test_two_cuts_anywhere_change_nothing(request_: bytes) -> None:
    whole = requests(request_)
    assert len(whole) == 1
    for cuts in combinations(range(1, len(request_)), 2):
        assert requests(request_, cuts) == whole
    assert requests(request_, range(len(request_))) == whole


@given(st.data())
def test_any_cuts_of_any_pipeline_change_nothing(data: st.DataObject) -> None:
    chosen = data.draw(st.lists(st.sampled_from(REQUESTS), min_size=1, max_size=5))
    pipeline = b"".join(chosen)
    cuts = data.draw(st.sets(st.integers(1, len(pipeline) - 1), max_size=20))
    found = requests(pipeline, cuts)
    assert found == [requests(request)[0] for request in chosen]


def test_what_the_requests_mean() -> None:
    meanings = [requests(request)[0] for request in REQUESTS]
    lines, fields, bodies, kept = zip(*meanings, strict=True)
    assert lines[3] == RequestStartLine("POST", "/p?q=1&r=%20", "HTTP/1.1")
    assert fields[4] == [("Host", ""), ("Content-Length", "0"), ("X-Empty", ""), ("X-Spaces", "a  b")]
    assert fields[8] == [("Host", "b"), ("A", "1"), ("A", "\x80\xff"), ("Connection", "x, Close")]
    assert list(bodies) == [b"", b"", b"", b"ab\r\nc", b"", b"a012345678", b"\r\n", b"x", b""]
    assert list(kept) == [True, True, False, True, True, True, True, True, False]


@pytest.mark.parametrize(
    ("connection", "keeps_1_1", "keeps_1_0"),
    [
        ("close", False, False),
        ("keep-alive", True, True),
        ("Keep-Alive", True, True),
        ("keep-alive, close", False, False),
        ("upgrade", True, False),
        ("closed", True, False),
        ("x,\tclose", False, False),
    ],
)
def test_connection_says_whether_another_request_follows(connection: str, keeps_1_1: bool, keeps_1_0: bool) -> None:
    for version, keeps in ("1.1", keeps_1_1), ("1.0", keeps_1_0):
        fields = f"Host: a\r\nConnection: {connection}\r\nContent-Length: 0"
        told, _ = parse(f"GET / HTTP/{version}\r\n{fields}\r\n\r\n".encode())
        assert told.keep_alive == [keeps]
        assert parse_answer_head(f"HTTP/{version} 200 OK\r\n{fields}", "GET").keep_alive is keeps


def head(*lines: str, start: str = "POST / HTTP/1.1") -> bytes:
    return "\r\n".join([start, *lines, "", ""]).encode("latin-1")


def posted(*lines: str) -> bytes:
    return head("Host: a", *lines)


def chunked(body: str) -> bytes:
    return posted("Transfer-Encoding: chunked") + body.encode("latin-1")


REFUSED = {
    "garbage": (b"\x16\x03\x01\x02\x00\x01", 400, "no HTTP message"),
    "a second empty line": (b"\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", 400, ""),
    "a bare LF": (b"GET / HTTP/1.1\nHost: a\n\n", 400, "bare CR or LF"),
    "a bare LF in a field": (posted("A: b\nc"), 400, "bare CR or LF"),
    "a bare CR in a field": (posted("A: b\rc"), 400, "bare CR or LF"),
    "NUL": (posted("A: b\0c"), 400, "control character"),
    "a folded line": (posted("A: b", " c"), 400, "a folded field line"),
    "no colon": (posted("A"), 400, "without a colon"),
    "space before the colon": (posted("A : b"), 400, "no token"),
    "an empty name": (posted(": b"), 400, "no token"),
    "no version": (b"GET /\r\n\r\n", 400, "malformed request line 'GET /'"),
    "two spaces": (head("Host: a", start="GET  / HTTP/1.1"), 400, "malformed request line"),
    "HTTP/2.0": (head("Host: a", start="GET / HTTP/2.0"), 505, "use HTTP/1.1"),
    "HTTP/0.9": (head("Host: a", start="GET / HTTP/0.9"), 505, "use HTTP/1.1"),
    "http/1.1": (head("Host: a", start="GET / http/1.1"), 400, "malformed request line"),
    "no Host": (head("A: b"), 400, "no Host"),
    "two Hosts": (posted("Host: a"), 400, "more than one Host"),
    "two Hosts in 1.0": (b"GET / HTTP/1.0\r\nHost: a\r\nHost: b\r\n\r\n", 400, "more than one Host"),
    "a Host with a path": (head("Host: a/b"), 400, "'a/b' is not a host name"),
    "a Host with a user": (head("Host: a@b"), 400, "'a@b' is not a host name"),
    "a relative target": (head("Host: a", start="GET x HTTP/1.1"), 400, "'x' is not a target for GET"),
    "a fragment": (head("Host: a", start="GET /#x HTTP/1.1"), 400, "not a target"),
    "GET *": (head("Host: a", start="GET * HTTP/1.1"), 400, "not a target"),
    "an absolute target without a host": (head("Host: a", start="GET http:///x HTTP/1.1"), 400, "not a target"),
    "CONNECT with a body": (head("Host: a", "Content-Length: 1", start="CONNECT a:1 HTTP/1.1"), 400, "with a body"),
    "CONNECT without a port": (head("Host: a", start="CONNECT a1 HTTP/1.1"), 400, "not a target for CONNECT"),
    "CONNECT with an empty port": (head("Host: a", start="CONNECT a: HTTP/1.1"), 400, "not a target for CONNECT"),
    "CONNECT to an address": (head("Host: a", start="CONNECT [::1] HTTP/1.1"), 400, "not a target for CONNECT"),
    "CONNECT to a path": (head("Host: a", start="CONNECT / HTTP/1.1"), 400, "not a target for CONNECT"),
    "two lengths": (posted("Content-Length: 1", "Content-Length: 1"), 400, "'1,1' is not a single plain number"),
    "a list of lengths": (posted("Content-Length: 1, 1"), 400, "not a single plain number"),
    "a signed length": (posted("Content-Length: +1"), 400, "not a single plain number"),
    "a hexadecimal length": (posted("Content-Length: 0x1"), 400, "not a single plain number"),
    "no length at all": (posted("Content-Length:"), 400, "'' is not a single plain number"),
    "a length in other digits": (posted("Content-Length: \xb2"), 400, "not a single plain number"),
    "an endless length": (posted("Content-Length: " + "9" * 300), 413, "of 300 digits"),
    "more than the limit": (posted(f"Content-Length: {LIMIT + 1}"), 413, f"a body of {LIMIT + 1} bytes"),
    "a coding and a length": (posted("Transfer-Encoding: chunked", "Content-Length: 1"), 400, "both"),
    "a coding in 1.0": (b"POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n", 400, "in an HTTP/1.0 message"),
    "an unknown coding": (posted("Transfer-Encoding: gzip, chunked"), 501, "only chunked"),
    "chunked not last": (posted("Transfer-Encoding: chunked, gzip"), 400, "only chunked"),
    "chunked twice": (posted("Transfer-Encoding: chunked", "Transfer-Encoding: chunked"), 400, "only chunked"),
    "no coding": (posted("Transfer-Encoding:"), 400, "only chunked"),
    "an unknown expectation": (posted("Expect: a miracle"), 417, "only 100-continue"),
    "a size that is no number": (chunked("x\r\n"), 400, "malformed chunk size"),
    "a signed size": (chunked("+1\r\na\r\n"), 400, "malformed chunk size"),
    "a size with a prefix": (chunked("0x1\r\na\r\n"), 400, "malformed chunk size"),
    "a size with space before it": (chunked(" 1\r\na\r\n"), 400, "malformed chunk size"),
    "a size of 17 digits": (chunked("00000000000000001\r\na\r\n"), 400, "malformed chunk size"),
    "a size line ended by LF": (chunked("1\na\r\n"), 400, "malformed chunk size"),
    "a bare CR in an extension": (chunked("1;a\rb\r\na\r\n"), 400, "malformed chunk size"),
    "an open string in an extension": (chunked('1;a="\r\na\r\n'), 400, "malformed chunk size"),
    "a chunk longer than its size": (chunked("1\r\nab\r\n"), 400, "longer than its size"),
    "a chunk without its end": (chunked("1\r\na\n0\r\n\r\n"), 400, "longer than its size"),
    "chunks over the limit": (chunked("3e9\r\n" + "x" * 1001 + "\r\n"), 413, "a body of 1001 bytes"),
    "endless extensions": (chunked("1" + ";a" * 5000), 400, "max_chunk_extensions, 4096 bytes"),
    "many extensions": (
        chunked(("1" + ";a" * 500 + "\r\nx\r\n") * 5),
        400,
        "max_chunk_extensions, 4096 bytes",
    ),
    "endless trailers": (
        chunked("0\r\n" + "A: b\r\n" * 4000),
        431,
        "trailers of more than max_trailer_size, 16384 bytes",
    ),
    "long trailers": (
        chunked("0\r\n" + "A: b\r\n" * 4000 + "\r\n"),
        431,
        "trailers of more than max_trailer_size, 16384 bytes",
    ),
    "a forbidden trailer": (chunked("0\r\nContent-Length: 1\r\n\r\n"), 400, "Content-Length in the trailers"),
    "a malformed trailer": (chunked("0\r\nA : b\r\n\r\n"), 400, "no token"),
    "a long request line": (b"GET /" + b"x" * LIMIT, 414, "a first line of more than max_request_line, 1000 bytes"),
    "a long field": (b"GET / HTTP/1.1\r\nA: " + b"x" * LIMIT, 431, "a head of more than max_header_size"),
    "a long head": (posted(*["A: bcde"] * 200), 431, "a head of more than max_header_size, 1000 bytes"),
    "many fields": (posted(*["A:"] * 200), 431, "fields of more than max_fields, 200"),
    "many trailers": (chunked("0\r\n" + "A:\r\n" * 201 + "\r\n"), 431, "fields of more than max_fields, 200"),
}


@pytest.mark.parametrize("why", REFUSED)
@pytest.mark.parametrize("whole", [True, False], ids=["whole", "byte by byte"])
def test_what_is_refused_is_refused_with_a_status_and_a_reason(why: str, whole: bool) -> None:
    request, status, message = REFUSED[why]
    pieces = [request] if whole else [request[i : i + 1] for i in range(len(request))]
    with pytest.raises(HTTPInputError) as caught:
        parse(*pieces)
    assert caught.value.status == status, str(caught.value)
    if whole or status != 400:  # in pieces it may be noticed by another sign, but not answered otherwise
        assert message in str(caught.value)
    assert len(str(caught.value)) < 250
    assert str(caught.value).isprintable()


@pytest.mark.parametrize("excess", [0, 1])
@pytest.mark.parametrize("size", [1, 7, 2000])
def test_the_limit_of_a_head_holds_to_the_byte_however_it_is_cut(excess: int, size: int) -> None:
    start = b"GET / HTTP/1.1\r\nHost: a\r\nA: "
    request = start + b"x" * (LIMIT + excess - len(start)) + b"\r\n\r\n"
    pieces = [request[i : i + size] for i in range(0, len(request), size)]
    if excess:
        with pytest.raises(HTTPInputError, match="max_header_size"):
            parse(*pieces)
    else:
        assert parse(*pieces)[0].finished


@pytest.mark.parametrize("request_", REQUESTS)
def test_no_cut_request_is_taken_for_a_whole_one(request_: bytes) -> None:
    for end in range(len(request_)):
        told, _ = parse(request_[:end]) if end else (Told(), b"")
        assert not told.finished


@given(st.binary(max_size=200))
def test_whatever_comes_is_a_request_or_refused_or_waited_for(data: bytes) -> None:
    try:
        told, rest = parse(data)
    except HTTPInputError:
        return
    assert not told.finished or len(rest) < len(data)


def test_after_stop_the_body_is_checked_and_told_to_nobody() -> None:
    told = Told()
    parser = RequestParser(Limiter(Limits()))
    parser.begin(told, told)
    parser.feed(chunked("1\r\n"))
    parser.stop()
    parser.feed(b"a\r\n0\r\n\r\nrest")
    assert (parser.complete, parser.take_rest()) == (True, b"rest")
    assert (told.body, told.finished) == (b"", False)
    parser = RequestParser(Limiter(Limits()))
    parser.begin(Told(), Told())
    parser.feed(chunked("1\r\n"))
    parser.stop()
    with pytest.raises(HTTPInputError):
        parser.feed(b"ab")


@pytest.mark.parametrize(
    ("first", "status"), [(b"GET /\r\n", 400), (b"EHLO a.example\r\n", 400), (b"PRI * HTTP/2.0\r\n", 505)]
)
@pytest.mark.parametrize("size", [1, 4, 100])
def test_who_speaks_something_else_is_told_so_behind_its_first_line(first: bytes, status: int, size: int) -> None:
    parser = RequestParser(Limiter(Limits()))
    parser.begin(Told(), Told())
    fed = [first[at : at + size] for at in range(0, len(first), size)]
    for piece in fed[:-1]:
        parser.feed(piece)
    with pytest.raises(HTTPInputError) as refused:
        parser.feed(fed[-1])
    assert refused.value.status == status


@pytest.mark.parametrize(
    ("body", "content"),
    [
        (b"1\r\na\r\n002\r\nbc\r\n1;x=y\r\nd\r\n0000000001\r\ne\r\nA\r\n0123456789\r\n0\r\n\r\n", b"abcde0123456789"),
        (b"1\r\na\r\n1_0\r\nb", None),
        (b"1\r\na\r\n+1\r\nb\r\n", None),
        (b"1\r\na\r\n 1\r\nb\r\n", None),
        (b"1\r\na\r\n0x1\r\nb\r\n", None),
        (b"1\r\na\r\n\r\nb\r\n", None),
        (b"1\r\na\r\n1\r\nbc\r\n", None),
        (b"1\r\na\r\n\xb2\r\nbc\r\n", None),
    ],
)
def test_chunks_are_read_alike_whether_they_come_as_a_whole_or_not(body: bytes, content: bytes | None) -> None:
    head = b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
    for size in (1, 7, 1000):
        told = Told()
        parser = RequestParser(Limiter(Limits()))
        parser.begin(told, told)

        def feed(parser: RequestParser = parser, size: int = size) -> None:
            for at in range(0, len(head + body), size):
                parser.feed((head + body)[at : at + size])

        if content is None:
            with pytest.raises(HTTPInputError):
                feed()
        else:
            feed()
            assert (told.body, told.finished) == (content, True)
