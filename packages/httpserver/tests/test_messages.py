"""What is there besides a head and a body: trailers, informational answers, tunnels and upgrades, files."""

from __future__ import annotations

import os
import tempfile
from typing import TYPE_CHECKING

import pytest

from eyewall.httpserver import HTTPHeaders, HTTPOutputError, ResponseStartLine
from eyewall.iostream import StreamClosedError

from ._served import GET, OK, POST, Recorder, Served, answer, turns

if TYPE_CHECKING:
    from collections.abc import Iterator

    from eyewall.ioloop import IOLoop
    from eyewall.iostream import Stream

CHUNKED = POST.replace(b"Content-Length: 5", b"Transfer-Encoding: chunked")
EXPECTING = POST.replace(b"Host", b"Expect: 100-continue\r\nHost")
CONNECT = b"CONNECT example.com:443 HTTP/1.1\r\nHost: example.com:443\r\n\r\n"


async def over(served: Served) -> None:
    served.client.close()
    await served.over()


# Trailers


async def test_a_delegate_finds_the_trailers_when_the_body_is_complete(io_loop: IOLoop) -> None:
    seen: list[HTTPHeaders] = []

    def look(recorder: Recorder) -> None:
        seen.append(recorder.connection.trailers)
        recorder.answer()

    served = Served(io_loop, headers=lambda r: seen.append(r.connection.trailers), finish=look)
    served.client.write_nowait(CHUNKED + b"1\r\nx\r\n0\r\nChecksum: 1\r\nX: 2\r\nX: 3\r\n\r\n" + GET)
    await served.client.read_until(b"hello")
    await served.client.read_until(b"hello")
    assert [list(trailers.get_all()) for trailers in seen] == [
        [],
        [("Checksum", "1"), ("X", "2"), ("X", "3")],
        [],
        [],
    ], "the trailers of one request are not those of the next"
    await over(served)


async def test_a_forbidden_trailer_is_refused_and_never_seen(io_loop: IOLoop) -> None:
    served = Served(io_loop, finish=answer)
    served.client.write_nowait(CHUNKED + b"1\r\nx\r\n0\r\nAuthorization: me\r\n\r\n")
    assert (await served.client.read_until_close()).startswith(b"HTTP/1.1 400 ")
    assert served.told[0][-1] == "close"
    await over(served)


async def test_trailers_follow_an_answer_in_chunks(io_loop: IOLoop) -> None:
    def finish(recorder: Recorder) -> None:
        recorder.connection.write_headers(OK, HTTPHeaders({"Trailer": "Checksum"}), b"hello")
        recorder.connection.finish(HTTPHeaders({"Checksum": "42"}))

    served = Served(io_loop, finish=finish)
    served.client.write_nowait(GET + GET)
    for _ in range(2):
        received = await served.client.read_until(b"\r\n\r\n")
        assert b"Transfer-Encoding: chunked" in received
        assert await served.client.read_until(b"\r\n\r\n") == b"5\r\nhello\r\n0\r\nChecksum: 42\r\n\r\n"
    await over(served)


@pytest.mark.parametrize("request_", [b"GET / HTTP/1.0\r\n\r\n", GET.replace(b"GET", b"HEAD")])
async def test_trailers_are_dropped_where_the_client_could_not_take_them(io_loop: IOLoop, request_: bytes) -> None:
    def finish(recorder: Recorder) -> None:
        recorder.connection.write_headers(OK, HTTPHeaders(), b"hello")
        recorder.connection.finish(HTTPHeaders({"Checksum": "42"}))

    served = Served(io_loop, finish=finish)
    served.client.write_nowait(request_)
    served.client.shutdown_write()
    assert b"Checksum" not in await served.client.read_until_close()
    await over(served)


@pytest.mark.parametrize(
    ("fields", "trailers", "message"),
    [
        ({}, {"Content-Length": "5"}, "Content-Length among the trailers"),
        ({}, {"Set-Cookie": "a=b"}, "Set-Cookie among the trailers"),
        ({"Content-Length": "5"}, {"Checksum": "42"}, "leave Content-Length out"),
    ],
)
async def test_trailers_that_cannot_be_are_refused_and_the_answer_can_still_be_finished(
    io_loop: IOLoop, fields: dict[str, str], trailers: dict[str, str], message: str
) -> None:
    def finish(recorder: Recorder) -> None:
        recorder.connection.write_headers(OK, HTTPHeaders(fields), b"hello")
        with pytest.raises(HTTPOutputError, match=message):
            recorder.connection.finish(HTTPHeaders(trailers))
        recorder.connection.finish()

    served = Served(io_loop, finish=finish)
    served.client.write_nowait(GET)
    assert b" 200 " in await served.client.read_until(b"hello")
    await over(served)


# Informational answers


async def test_early_hints_are_told_before_the_answer(io_loop: IOLoop) -> None:
    def hint(recorder: Recorder) -> None:
        recorder.connection.send_informational(103, HTTPHeaders({"Link": "</style.css>; rel=preload"}))
        recorder.connection.send_informational(102)

    served = Served(io_loop, headers=hint, finish=answer)
    served.client.write_nowait(GET)
    link = b"Link: </style.css>; rel=preload"
    assert await served.client.read_until(b"\r\n\r\n") == b"HTTP/1.1 103 Early Hints\r\n" + link + b"\r\n\r\n"
    assert await served.client.read_until(b"\r\n\r\n") == b"HTTP/1.1 102 Processing\r\n\r\n"
    assert (await served.client.read_until(b"hello")).startswith(b"HTTP/1.1 200 OK\r\n")
    await over(served)


async def test_http_1_0_is_told_nothing_before_its_answer(io_loop: IOLoop) -> None:
    served = Served(io_loop, headers=lambda r: r.connection.send_informational(103), finish=answer)
    served.client.write_nowait(b"GET / HTTP/1.0\r\n\r\n")
    assert (await served.client.read_until_close()).startswith(b"HTTP/1.1 200 ")
    await over(served)


@pytest.mark.parametrize(
    ("status", "fields", "message"),
    [
        (101, {}, "101 is not an informational status"),
        (99, {}, "99 is not an informational status"),
        (200, {}, "200 is not an informational status"),
        (103, {"Content-Length": "0"}, "leave Content-Length and Transfer-Encoding out of 103"),
        (103, {"Transfer-Encoding": "chunked"}, "leave Content-Length and Transfer-Encoding out of 103"),
    ],
)
async def test_what_is_no_informational_answer_is_refused(
    io_loop: IOLoop, status: int, fields: dict[str, str], message: str
) -> None:
    def hint(recorder: Recorder) -> None:
        with pytest.raises(HTTPOutputError, match=message):
            recorder.connection.send_informational(status, HTTPHeaders(fields))
        recorder.answer()
        with pytest.raises(HTTPOutputError, match="that has begun"):
            recorder.connection.send_informational(103)

    served = Served(io_loop, finish=hint)
    served.client.write_nowait(GET)
    assert (await served.client.read_until(b"hello")).startswith(b"HTTP/1.1 200 ")
    await over(served)


async def test_a_body_is_asked_for_when_it_is_wanted_and_not_before(io_loop: IOLoop) -> None:
    wanted = io_loop.create_future()

    async def think(recorder: Recorder) -> None:
        await wanted

    served = Served(io_loop, headers=think, finish=answer)
    served.client.write_nowait(EXPECTING)
    await turns(served.client)
    assert served.client.read_nowait() == b"", "the delegate has not made up its mind"
    wanted.set_result(None)
    assert await served.client.read_until(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
    served.client.write_nowait(b"12345")
    assert (await served.client.read_until(b"hello")).startswith(b"HTTP/1.1 200 ")
    await over(served)


async def test_a_body_may_be_asked_for_ahead_of_time_and_is_asked_for_once(io_loop: IOLoop) -> None:
    served = Served(io_loop, headers=lambda r: r.connection.send_informational(100), finish=answer)
    served.client.write_nowait(EXPECTING)
    assert await served.client.read_until(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
    await turns(served.client)
    served.client.write_nowait(b"12345")
    assert (await served.client.read_until(b"hello")).startswith(b"HTTP/1.1 200 ")
    await over(served)


async def test_a_body_that_comes_unasked_is_asked_for_nevertheless(io_loop: IOLoop) -> None:
    served = Served(io_loop, finish=answer)
    served.client.write_nowait(EXPECTING + b"12345" + GET)
    received = await served.client.read_until(b"hello")
    assert received.startswith(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 ")
    assert (await served.client.read_until(b"hello")).startswith(b"HTTP/1.1 200 ")
    await over(served)


# Tunnels and upgrades


async def test_a_delegate_that_takes_over_a_connect_has_a_tunnel(io_loop: IOLoop) -> None:
    streams: list[Stream] = []

    def open_tunnel(recorder: Recorder) -> None:
        recorder.connection.write_headers(ResponseStartLine("", 200, "Connected"), HTTPHeaders({"Content-Length": "9"}))
        streams.append(recorder.connection.detach())

    served = Served(io_loop, finish=open_tunnel)
    served.client.write_nowait(CONNECT + b"\x16\x03\x01")
    head = await served.client.read_until(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200 Connected\r\n")
    for field in (b"Content-Length", b"Transfer-Encoding", b"Connection"):
        assert field not in head
    await served.over()
    assert await streams[0].read_bytes(3) == b"\x16\x03\x01"
    streams[0].write_nowait(b"server hello")
    assert await served.client.read_bytes(12) == b"server hello"
    streams[0].close()


async def test_who_takes_a_stream_over_and_waits_is_told_of_its_end(io_loop: IOLoop) -> None:
    ended = io_loop.create_future()

    async def take_over(recorder: Recorder) -> None:
        recorder.connection.write_headers(ResponseStartLine("", 200, "Connected"), HTTPHeaders())
        stream = recorder.connection.detach()
        stream.set_close_callback(lambda: ended.set_result(None))
        await ended

    served = Served(io_loop, finish=take_over)
    served.client.write_nowait(CONNECT)
    await served.client.read_until(b"\r\n\r\n")
    served.client.close()
    await ended
    await served.over()


async def test_a_connect_that_is_refused_is_an_exchange_like_any_other(io_loop: IOLoop) -> None:
    def refuse(recorder: Recorder) -> None:
        recorder.connection.write_headers(
            ResponseStartLine("", 405, "Method Not Allowed"), HTTPHeaders({"Content-Length": "2"}), b"no"
        )
        recorder.connection.finish()

    served = Served(io_loop, finish=refuse)
    served.client.write_nowait(CONNECT + GET)
    for _ in range(2):
        assert (await served.client.read_until(b"\r\n\r\nno")).startswith(b"HTTP/1.1 405 ")
    await over(served)


async def test_a_function_that_answers_connect_like_get_opens_no_tunnel(
    io_loop: IOLoop, caplog: pytest.LogCaptureFixture
) -> None:
    served = Served(io_loop, finish=answer)
    served.client.write_nowait(CONNECT)
    assert (await served.client.read_until_close()).startswith(b"HTTP/1.1 500 ")
    assert "200 has no body here" in caplog.text
    await over(served)


async def test_an_upgrade_that_is_asked_for_with_a_body_comes_after_it(io_loop: IOLoop) -> None:
    streams: list[Stream] = []

    def upgrade(recorder: Recorder) -> None:
        recorder.connection.write_headers(
            ResponseStartLine("", 101, "Switching Protocols"), HTTPHeaders({"Upgrade": "x", "Connection": "upgrade"})
        )
        streams.append(recorder.connection.detach())

    served = Served(io_loop, finish=upgrade)
    served.client.write_nowait(POST + b"12345" + b"x protocol")
    assert (await served.client.read_until(b"\r\n\r\n")).startswith(b"HTTP/1.1 101 ")
    assert served.requests[0].body == b"12345"
    assert await streams[0].read_bytes(10) == b"x protocol"
    streams[0].close()


async def test_answers_that_were_held_back_go_before_what_the_new_protocol_writes(io_loop: IOLoop) -> None:
    streams: list[Stream] = []

    def answer_or_detach(recorder: Recorder) -> None:
        if len(served.requests) < 3:
            recorder.answer()
        else:
            streams.append(recorder.connection.detach())
            streams[0].write_nowait(b"new protocol")

    served = Served(io_loop, finish=answer_or_detach)
    served.client.write_nowait(GET * 3)
    received = await served.client.read_until(b"new protocol")
    assert received.count(b"hello") == 2
    streams[0].close()


# Files


@pytest.fixture
def file() -> Iterator[int]:
    with tempfile.TemporaryFile() as file:
        file.write(b"0123456789" * 30_000)
        file.flush()
        yield file.fileno()


@pytest.mark.needs("threads")
@pytest.mark.parametrize("framed", [True, False])
async def test_a_file_is_sent_as_a_piece_of_the_body(io_loop: IOLoop, file: int, framed: bool) -> None:
    async def send(recorder: Recorder) -> None:
        length = {"Content-Length": str(5 + 300_000 - 10 + 3)} if framed else {}
        recorder.connection.write_headers(OK, HTTPHeaders(length), b"begin")
        await recorder.connection.write_file(file, 10)
        await recorder.connection.write(b"end")
        recorder.connection.finish()

    served = Served(io_loop, finish=send)
    served.client.write_nowait(GET + GET)
    for _ in range(2):
        head = await served.client.read_until(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 200 ")
        body = b"0123456789" * 29_999
        if framed:
            assert await served.client.read_bytes(len(body) + 8) == b"begin" + body + b"end"
        else:
            chunks = b"5\r\nbegin\r\n493d6\r\n" + body + b"\r\n3\r\nend\r\n0\r\n\r\n"
            assert await served.client.read_bytes(len(chunks)) == chunks
    await over(served)


async def test_a_file_is_not_sent_to_who_asked_for_the_head(io_loop: IOLoop, file: int) -> None:
    async def send(recorder: Recorder) -> None:
        recorder.connection.write_headers(OK, HTTPHeaders({"Content-Length": "300000"}))
        await recorder.connection.write_file(file)
        recorder.connection.finish()

    served = Served(io_loop, finish=send)
    served.client.write_nowait(GET.replace(b"GET", b"HEAD"))
    assert b"\r\nContent-Length: 300000\r\n" in await served.client.read_until(b"\r\n\r\n")
    await turns(served.client)
    assert served.client.read_nowait() == b""
    await over(served)


@pytest.mark.needs("threads")
@pytest.mark.parametrize("framed", [True, False])
async def test_a_file_that_turns_out_shorter_cuts_the_answer(
    io_loop: IOLoop, file: int, framed: bool, caplog: pytest.LogCaptureFixture
) -> None:
    async def send(recorder: Recorder) -> None:
        recorder.connection.write_headers(OK, HTTPHeaders({"Content-Length": "300000"} if framed else {}))
        os.ftruncate(file, 100_000)
        await recorder.connection.write_file(file, 0, 300_000)

    served = Served(io_loop, finish=send)
    served.client.write_nowait(GET + GET)
    received = await served.client.read_until_close()
    assert received.count(b"HTTP/1.1") == 1
    assert not received.endswith(b"\r\n")
    assert "and there were only 100000" in caplog.text
    await over(served)


async def test_a_file_that_is_longer_than_promised_is_not_begun(io_loop: IOLoop, file: int) -> None:
    async def send(recorder: Recorder) -> None:
        recorder.connection.write_headers(OK, HTTPHeaders({"Content-Length": "5"}))
        with pytest.raises(HTTPOutputError, match="299995 bytes more than Content-Length promised"):
            await recorder.connection.write_file(file)
        recorder.connection.write(b"hello")
        recorder.connection.finish()

    served = Served(io_loop, finish=send)
    served.client.write_nowait(GET)
    await served.client.read_until(b"hello")
    await over(served)


# The end of a client's side


@pytest.mark.parametrize("later", [False, True])
@pytest.mark.parametrize("half_closed", ["gone", "finish"])
async def test_a_client_that_ends_its_side_has_gone_or_waits_as_configured(
    io_loop: IOLoop, half_closed: str, later: bool
) -> None:
    async def answer_later(recorder: Recorder) -> None:
        await turns(served.client)
        recorder.answer()

    served = Served(io_loop, finish=answer_later, options={"half_closed": half_closed})
    served.client.write_nowait(GET)
    if later:
        await turns(served.client, 3)
    served.client.shutdown_write()
    assert (await served.client.read_until_close()).endswith(b"hello"), "the answer is tried in any case"
    await over(served)
    assert served.told == [["headers", "finish", "close"] if half_closed == "gone" else ["headers", "finish"]]


@pytest.mark.parametrize("half_closed", ["gone", "finish"])
async def test_a_reset_is_always_gone(io_loop: IOLoop, half_closed: str) -> None:
    served = Served(io_loop, options={"half_closed": half_closed})
    served.client.write_nowait(GET)
    await turns(served.client)
    served.client.reset()
    await served.over()
    assert served.told == [["headers", "finish", "close"]]


async def test_a_client_whose_body_is_cut_off_has_gone_in_any_case(
    io_loop: IOLoop, caplog: pytest.LogCaptureFixture
) -> None:
    served = Served(io_loop, options={"half_closed": "finish"})
    served.client.write_nowait(POST + b"123")
    served.client.shutdown_write()
    with pytest.raises(StreamClosedError):
        await served.client.read_bytes(1)
    await over(served)
    assert served.told == [["headers", "data", "close"]]
    assert caplog.records == []
