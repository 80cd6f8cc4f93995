"""WebSocket: handlers and clients over streams in memory, and what a peer that breaks the rules gets."""

from __future__ import annotations

import sys
import zlib
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, ClassVar

import pytest

from eyewall.httpserver import HTTPServer
from eyewall.ioloop import IOLoop
from eyewall.iostream import StreamClosedError
from eyewall.tcpserver.testing import connect
from eyewall.web import (
    Application,
    HTTPClientError,
    RequestHandler,
    RouteError,
    WebSocketClosedError,
    WebSocketError,
    WebSocketHandler,
    _websocket,
    broadcast,
)
from eyewall.web.testing import AppClient

if TYPE_CHECKING:
    from eyewall.ioloop import Promise
    from eyewall.iostream import Stream

pytest.importorskip("websockets")

KEY = "dGhlIHNhbXBsZSBub25jZQ=="
ASK = (
    "GET {} HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: keep-alive, Upgrade\r\n"
    "Sec-WebSocket-Key: " + KEY + "\r\nSec-WebSocket-Version: 13\r\n\r\n"
)


class Echo(WebSocketHandler):
    opened: ClassVar[list[Echo]] = []
    ended: ClassVar[list[tuple[int | None, str | None]]] = []

    def initialize(self) -> None:
        self.pongs: list[bytes] = []

    def open(self, *args: str) -> None:
        Echo.opened.append(self)
        if args:
            self.write_message({"args": list(args)})

    async def on_message(self, message: str | bytes) -> None:
        if message == "raise":
            raise ZeroDivisionError
        if message == "close":
            self.close(4001, "as you wish")
            return
        await self.write_message(message, binary=isinstance(message, bytes))

    def on_pong(self, data: bytes) -> None:
        self.pongs.append(data)

    def on_close(self) -> None:
        Echo.ended.append((self.close_code, self.close_reason))

    def select_subprotocol(self, subprotocols: list[str]) -> str | None:
        return "chat.2" if "chat.2" in subprotocols else None

    def get_compression_options(self) -> dict[str, Any] | None:
        options: dict[str, Any] | None = self.settings.get("compression")
        return options


@pytest.fixture(autouse=True)
def forget() -> None:
    Echo.opened.clear()
    Echo.ended.clear()


def app(**settings: Any) -> Application:
    return Application([("/", Echo), ("/with/(.*)", Echo)], **settings)


def client(**settings: Any) -> AppClient:
    return AppClient(app(**settings))


async def until_ended(io_loop: IOLoop) -> tuple[int | None, str | None]:
    for _ in range(1000):
        if Echo.ended:
            return Echo.ended[0]
        turn = io_loop.create_future()
        io_loop.add_callback(turn.set_result, None)
        await turn
    raise AssertionError("the connection never ended")


async def test_messages_come_back_as_they_were(io_loop: IOLoop) -> None:
    connection = await client().websocket("/")
    for message in ("text", "", "gr\u00fc\u00dfe", b"bytes", b"", "x" * 200_000):
        await connection.write_message(message, binary=isinstance(message, bytes))
        assert await connection.read_message() == message
    await connection.write_message({"a": 1})
    assert await connection.read_message() == '{"a": 1}'
    connection.close(1000, "done")
    assert await connection.read_message() is None
    assert await until_ended(io_loop) == (1000, "done")


async def test_open_is_given_what_the_route_took(io_loop: IOLoop) -> None:
    connection = await client().websocket("/with/some%20text")
    assert await connection.read_message() == '{"args": ["some text"]}'
    connection.close()
    assert await connection.read_message() is None
    assert await until_ended(io_loop) == (None, None)


async def test_the_server_may_close(io_loop: IOLoop) -> None:
    connection = await client().websocket("/")
    await connection.write_message("close")
    assert await connection.read_message() is None
    assert (connection.close_code, connection.close_reason) == (4001, "as you wish")
    assert await until_ended(io_loop) == (4001, "as you wish")
    with pytest.raises(WebSocketClosedError):
        connection.write_message("late")
    with pytest.raises(WebSocketClosedError):
        Echo.opened[0].write_message("late")
    with pytest.raises(WebSocketClosedError):
        Echo.opened[0].ping()
    Echo.opened[0].close()


async def test_what_raises_is_logged_and_closes_with_1011(io_loop: IOLoop, caplog: pytest.LogCaptureFixture) -> None:
    connection = await client().websocket("/")
    await connection.write_message("raise")
    assert await connection.read_message() is None
    assert connection.close_code == 1011
    await until_ended(io_loop)
    assert "Uncaught exception GET /" in caplog.text
    assert "ZeroDivisionError" in caplog.text


async def test_another_stream_that_has_closed_is_no_end_of_this_one(caplog: pytest.LogCaptureFixture) -> None:
    class Forward(WebSocketHandler):
        async def on_message(self, message: str | bytes) -> None:
            raise StreamClosedError

    connection = await AppClient(Application([("/", Forward)])).websocket("/")
    await connection.write_message("x")
    assert await connection.read_message() is None
    assert connection.close_code == 1011
    assert "StreamClosedError" in caplog.text


async def test_a_message_of_another_type_is_named() -> None:
    connection = await client().websocket("/")
    with pytest.raises(TypeError, match=r"write_message\(\) takes str, bytes or dict, not list: put it into a dict"):
        await connection.write_message([1])  # type: ignore[arg-type] # the mistake
    connection.close()
    assert await connection.read_message() is None


async def test_a_ping_is_answered_with_its_data() -> None:
    connection = await client().websocket("/")
    Echo.opened[0].ping(b"are you there")
    for message in ("behind the ping", "behind its answer"):  # which crosses the first message
        await connection.write_message(message)
        assert await connection.read_message() == message
    assert Echo.opened[0].pongs == [b"are you there"]
    connection.close()


async def test_the_subprotocol_is_chosen_by_the_handler() -> None:
    connection = await client().websocket("/", subprotocols=["chat.1", "chat.2"])
    assert (connection.selected_subprotocol, Echo.opened[0].selected_subprotocol) == ("chat.2", "chat.2")
    connection.close()
    other = await client().websocket("/", subprotocols=["chat.1"])
    assert other.selected_subprotocol is None
    other.close()


@pytest.mark.parametrize("options", [{}, {"persistent": True}, {"compression_level": 1, "mem_level": 1}])
async def test_messages_are_compressed_where_both_want_it(options: dict[str, Any]) -> None:
    connection = await client(compression=options).websocket("/", compression_options={})
    assert connection.headers["Sec-WebSocket-Extensions"].startswith("permessage-deflate")
    for message in ("text " * 10_000, "text " * 10_000, b"\x00" * 10_000):
        await connection.write_message(message, binary=isinstance(message, bytes))
        assert await connection.read_message() == message
    connection.close()
    for server, offer in ((None, {}), ({}, None)):
        plain = await client(compression=server).websocket("/", compression_options=offer)
        assert "Sec-WebSocket-Extensions" not in plain.headers
        plain.close()


async def test_one_message_goes_to_all_who_are_there() -> None:
    application = client(compression={})
    connections = [
        await application.websocket("/", compression_options=None if number % 2 else {}) for number in range(6)
    ]
    connections[5].close()
    assert await connections[5].read_message() is None
    broadcast(Echo.opened, "news " * 1000)
    broadcast(Echo.opened, {"number": 1})
    for connection in connections[:5]:
        assert await connection.read_message() == "news " * 1000
        assert await connection.read_message() == '{"number": 1}'
        connection.close()


async def test_a_message_for_ten_thousand_is_framed_and_compressed_once(monkeypatch: pytest.MonkeyPatch) -> None:
    from eyewall.web._websocket._library import frames

    made: list[bytes] = []
    serialize = frames.Frame.serialize

    def counted(frame: Any, **options: Any) -> bytes:
        made.append(serialize(frame, **options))
        return made[-1]

    monkeypatch.setattr(frames.Frame, "serialize", counted)
    sent: list[bytes] = []

    class Connection:
        is_open = True
        send_frame = staticmethod(sent.append)

        def __init__(self, bits: int | None) -> None:
            self.shared_window_bits = bits

    class Handler:
        def __init__(self, number: int) -> None:
            self.ws_connection = Connection(15 if number % 2 else None)

    handlers: Any = [Handler(number) for number in range(10_000)]
    broadcast(handlers, "news " * 1000)
    assert len(sent) == 10_000
    assert sorted(map(len, made)) == sorted(map(len, set(sent)))
    assert len(made) == 2  # for those who have it compressed, and for those who do not
    assert {id(data) for data in sent} == {id(data) for data in made}


async def test_a_peer_that_is_too_slow_for_a_broadcast_is_cut_off(
    io_loop: IOLoop, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", "eyewall.websocket")
    server = HTTPServer(app(), io_loop=io_loop)
    streams = [connect(server, io_loop=io_loop) for _ in range(2)]
    for stream in streams:
        stream.write_nowait(ASK.format("/").encode())
        await stream.read_until(b"\r\n\r\n")
    message = b"x" * 4_000_000
    for _ in range(6):
        broadcast(Echo.opened, message, binary=True)
        await streams[1].read_bytes(10 + len(message))
    await until_ended(io_loop)
    assert [handler.ws_connection is None for handler in Echo.opened] == [True, False]
    assert caplog.text.count("cut off, as more than 16777216 bytes wait for it") == 1
    for stream in streams:
        stream.close()


async def test_answers_to_messages_that_came_together_keep_their_order(io_loop: IOLoop) -> None:
    class Plain(WebSocketHandler):
        def on_message(self, message: str | bytes) -> None:
            self.write_message(message)
            if message == "news":
                broadcast([self], "for all")

    connection = await AppClient(Application([("/", Plain)]), io_loop=io_loop).websocket("/")
    protocol = connection.protocol
    messages = ["a", "b", "news", "c", "x" * 100_000, "d"]
    protocol._holds = True  # so that they leave together
    for message in messages:
        connection.write_message(message)
    protocol._release()
    answers = [await connection.read_message() for _ in range(len(messages) + 1)]
    assert answers == ["a", "b", "news", "for all", *messages[3:]]
    connection.close()


@pytest.mark.parametrize(
    ("without", "status"),
    [
        ("Upgrade: websocket\r\n", 400),
        ("Connection: keep-alive, Upgrade\r\n", 400),
        ("Sec-WebSocket-Key: " + KEY + "\r\n", 400),
        ("Sec-WebSocket-Version: 13\r\n", 426),
    ],
)
async def test_a_handshake_that_is_none_is_refused(io_loop: IOLoop, without: str, status: int) -> None:
    stream = await raw(io_loop, ASK.format("/").replace(without, ""))
    answer = bytes(await stream.read_until(b"\r\n\r\n"))
    assert answer.startswith(b"HTTP/1.1 %d " % status)
    assert (b"Sec-Websocket-Version: 13" in answer.title()) == (status == 426)
    stream.close()


@pytest.mark.parametrize("field", ["", ",", "a b", 'permessage-deflate; x="', "permessage-deflate;"])
async def test_extensions_that_are_none_are_the_clients_mistake(
    io_loop: IOLoop, field: str, caplog: pytest.LogCaptureFixture
) -> None:
    ask = ASK.format("/").replace("\r\n\r\n", f"\r\nSec-WebSocket-Extensions: {field}\r\n\r\n")
    stream = await raw(io_loop, ask, compression={})
    assert (await stream.read_until(b"\r\n\r\n")).startswith(b"HTTP/1.1 400 ")
    assert not any(record.exc_info for record in caplog.records)
    stream.close()


@pytest.mark.parametrize("field", ["permessage-deflate", "x", "permessage-deflate; y", "a b"])
async def test_a_server_that_agrees_to_what_was_not_offered_is_refused(field: str) -> None:
    class Agrees(Echo):
        def set_default_headers(self) -> None:
            self.set_header("Sec-WebSocket-Extensions", field)

    options: dict[str, Any] | None = {} if field == "permessage-deflate; y" else None
    with pytest.raises(WebSocketError, match="extension"):
        await AppClient(Application([("/", Agrees)])).websocket("/", compression_options=options)


@pytest.mark.parametrize("step", ["log_request", "max_message_size", "ping_interval"])
async def test_a_connection_is_closed_that_nothing_was_made_of(io_loop: IOLoop, step: str) -> None:
    finished: list[object] = []

    class Fails(Echo):
        def on_finish(self) -> None:
            finished.append(self)

        @property
        def max_message_size(self) -> int:
            return fail() if step == "max_message_size" else 1

        @property
        def ping_interval(self) -> float:
            return fail() if step == "ping_interval" else 1

    def fail() -> int:
        raise ZeroDivisionError

    application = Application([("/", Fails)], log_function=lambda _: step == "log_request" and fail())
    stream = connect(HTTPServer(application, io_loop=io_loop), io_loop=io_loop)
    stream.write_nowait(ASK.format("/").encode())
    answer = await stream.read_until_close(deadline=io_loop.time() + 30)
    assert answer.startswith(b"HTTP/1.1 101 ")
    assert (len(finished), Echo.opened, Echo.ended) == (1, [], [])


async def raw(io_loop: IOLoop, data: str, **settings: Any) -> Stream:
    stream = connect(HTTPServer(app(**settings), io_loop=io_loop), io_loop=io_loop)
    stream.write_nowait(data.encode())
    return stream


async def test_the_accept_is_the_one_of_the_rfc(io_loop: IOLoop) -> None:
    stream = await raw(io_loop, ASK.format("/"))
    answer = bytes(await stream.read_until(b"\r\n\r\n")).lower()
    assert answer.startswith(b"http/1.1 101 ")
    assert b"sec-websocket-accept: s3pplmbitxaq9kygzzhzrbk+xoo=\r\n" in answer
    stream.close()


@pytest.mark.parametrize("origin", ["http://testserver", "https://TESTSERVER"])
async def test_pages_of_this_host_may_connect(origin: str) -> None:
    (await client().websocket("/", headers={"Origin": origin})).close()


@pytest.mark.parametrize(
    "origin", ["http://evil.example", "http://testserver.evil.example", "null", "http://testserver:81"]
)
async def test_pages_of_others_may_not(origin: str) -> None:
    with pytest.raises(HTTPClientError) as caught:
        await client().websocket("/", headers={"Origin": origin})
    assert caught.value.code == 403


async def test_a_handler_of_http_does_not_switch() -> None:
    class Plain(RequestHandler):
        def get(self) -> None:
            self.write("plain")

    with pytest.raises(HTTPClientError, match="HTTP 200: OK"):
        await AppClient(Application([("/", Plain)])).websocket("/")


MASK = b"\x00\x00\x00\x00"


@pytest.mark.parametrize(
    ("frame", "code"),
    [
        (b"\x81\x01a", 1002),  # not masked
        (b"\xc1\x80" + MASK, 1002),  # a reserved bit
        (b"\x83\x80" + MASK, 1002),  # an opcode that is none
        (b"\x80\x80" + MASK, 1002),  # goes on with nothing
        (b"\x01\x80" + MASK + b"\x81\x80" + MASK, 1002),  # begins before the end
        (b"\x09\x80" + MASK, 1002),  # a ping in pieces
        (b"\x89\xfe\x00\x7e" + MASK + b"x" * 126, 1002),  # a ping too long
        (b"\x81\x81" + MASK + b"\xff", 1007),  # not UTF-8
        (b"\x01\x81" + MASK + b"\xc3\x80\x81" + MASK + b"x", 1007),  # a character cut, and never ended
        (b"\x01\x81" + MASK + b"\xff", 1007),  # found before the message is whole
        (b"\x88\x81" + MASK + b"a", 1002),  # a close with half a code
        (b"\x88\x82" + MASK + b"\x03\xed", 1002),  # a code that must not be sent: 1005
        (b"\x88\x83" + MASK + b"\x03\xe8\xff", 1007),  # a reason that is no text
        (b"\x82\xff\x7f\xff\xff\xff\xff\xff\xff\xff" + MASK, 1009),  # longer than anything
        (b"\x82\xfe\x04\x00" + MASK, 1009),  # longer than allowed
        (b"\x02\xfe\x02\x00" + MASK + b"x" * 512 + b"\x80\xfe\x02\x00" + MASK, 1009),  # in pieces
    ],
)
async def test_a_client_that_breaks_the_rules_is_told_the_code(io_loop: IOLoop, frame: bytes, code: int) -> None:
    stream = await raw(io_loop, ASK.format("/"), websocket_max_message_size=1000)
    await stream.read_until(b"\r\n\r\n")
    stream.write_nowait(frame)
    rest = bytes(await stream.read_until_close())
    assert rest[0] == 0x88
    assert int.from_bytes(rest[2:4], "big") == code
    await until_ended(io_loop)


async def test_nothing_is_taken_that_comes_behind_a_text_that_is_none(io_loop: IOLoop) -> None:
    taken: list[str | bytes] = []

    class Note(WebSocketHandler):
        def on_message(self, message: str | bytes) -> None:
            taken.append(message)

    stream = connect(HTTPServer(Application([("/", Note)]), io_loop=io_loop), io_loop=io_loop)
    messages = b"".join(b"\x81\x81" + MASK + text for text in (b"a", b"\xff", b"b"))
    stream.write_nowait(ASK.format("/").encode() + messages)
    await stream.read_until(b"\r\n\r\n")
    assert bytes(await stream.read_until_close())[2:4] == (1007).to_bytes(2, "big")
    assert taken == ["a"]


@pytest.mark.parametrize("binary", [False, True])
def test_a_frame_with_a_remembered_head_is_what_the_library_makes(binary: bool) -> None:
    from eyewall.web._websocket._framing import framed
    from eyewall.web._websocket._library import frames

    opcode = frames.Opcode.BINARY if binary else frames.Opcode.TEXT
    for size in (*range(130), 4095, 4096, 4097, 65535, 65536, *range(2000)):  # more than are remembered
        data = b"x" * size
        made = frames.Frame(opcode, data).serialize(mask=False)
        assert [framed(data, binary) for _ in range(2)] == [made, made]


CLOSE = b"\x88\x82" + MASK + b"\x03\xe8"


async def answers(io_loop: IOLoop, *reads: bytes, ask: str = ASK, **settings: Any) -> bytes:
    """Send this, each part in a turn of its own, and give all that comes back."""
    stream = await raw(io_loop, ask.format("/"), **settings)
    await stream.read_until(b"\r\n\r\n")
    for data in reads:
        stream.write_nowait(data)
        for _ in range(3):
            turn = io_loop.create_future()
            io_loop.add_callback(turn.set_result, None)
            await turn
    return bytes(await stream.read_until_close())


@pytest.mark.parametrize(
    ("end", "answer"),
    [
        (CLOSE, b"\x88\x02\x03\xe8"),
        (b"\x83\x80" + MASK, b"\x88\x10\x03\xeainvalid opcode"),
        (b"\x81\x81" + MASK + b"\xff", b"\x88\x22\x03\xefinvalid start byte at position 0"),
    ],
)
async def test_a_message_that_came_together_with_the_end_is_answered_first(
    io_loop: IOLoop, end: bytes, answer: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    assert await answers(io_loop, b"\x81\x82" + MASK + b"hi" + end) == b"\x81\x02hi" + answer
    assert not caplog.text


async def test_a_ping_is_answered_before_the_messages_that_came_behind_it(io_loop: IOLoop) -> None:
    hi, ping, ho = (
        kind + MASK + text for kind, text in ((b"\x81\x82", b"hi"), (b"\x89\x80", b""), (b"\x81\x82", b"ho"))
    )
    answered = b"\x81\x02hi\x8a\x00\x81\x02ho\x88\x02\x03\xe8"
    assert await answers(io_loop, hi + ping + ho + CLOSE) == answered


async def test_a_compressed_message_that_came_together_with_a_close_is_answered_first(io_loop: IOLoop) -> None:
    ask = ASK.replace("\r\n\r\n", "\r\nSec-WebSocket-Extensions: permessage-deflate\r\n\r\n")
    hello = b"\xf2\x48\xcd\xc9\xc9\x07\x00"  # "Hello" of RFC 7692 section 7.2.3.1
    pieces = b"\x41\x83" + MASK + hello[:3] + b"\x89\x80" + MASK + b"\x80\x84" + MASK + hello[3:]
    got = await answers(io_loop, b"\xc1\x87" + MASK + hello + pieces + CLOSE, ask=ask, compression={})
    frames: list[tuple[int, bytes]] = []
    while got:
        size = 2 + got[1]
        frames.append((got[0], got[2:size]))
        got = got[size:]
    assert [kind for kind, _ in frames] == [0xC1, 0x8A, 0xC1, 0x88]
    assert [zlib.decompressobj(wbits=-15).decompress(frames[number][1]) for number in (0, 2)] == [b"Hello"] * 2


async def test_nothing_is_taken_behind_a_message_that_raised(io_loop: IOLoop, caplog: pytest.LogCaptureFixture) -> None:
    raises, more = b"\x81\x85" + MASK + b"raise", b"\x81\x81" + MASK + b"x"
    for reads in ([raises + more + CLOSE], [raises, more, CLOSE], [raises + more, more + CLOSE]):
        caplog.clear()
        assert await answers(io_loop, *reads) == b"\x88\x02\x03\xf3"
        assert caplog.text.count("Traceback") == 1


async def test_a_client_that_pings_and_reads_no_answer_is_cut_off(
    io_loop: IOLoop, monkeypatch: pytest.MonkeyPatch
) -> None:
    from eyewall.web._websocket import _connection

    monkeypatch.setattr(_connection, "MAX_UNSENT", 100_000)
    stream = await raw(io_loop, ASK.format("/"))
    await stream.read_until(b"\r\n\r\n")
    pings = (b"\x89\xfd" + MASK + b"p" * 125) * 500
    for _ in range(100):
        if Echo.ended:
            break
        stream.write_nowait(pings)
        for _ in range(20):
            turn = io_loop.create_future()
            io_loop.add_callback(turn.set_result, None)
            await turn
    assert Echo.ended == [(None, None)]
    stream.close()


async def test_a_close_waits_its_turn_behind_a_message_that_is_being_sent(io_loop: IOLoop) -> None:
    stream = await raw(io_loop, ASK.format("/"))
    await stream.read_until(b"\r\n\r\n")
    sent = Echo.opened[0].write_message("x" * 4_000_000)
    assert not sent.done()
    Echo.opened[0].close(4002)
    assert (await stream.read_bytes(4_000_010)).count(b"x") == 4_000_000
    assert await stream.read_bytes(4) == b"\x88\x02" + (4002).to_bytes(2, "big")
    await sent
    stream.write_nowait(CLOSE)
    assert await until_ended(io_loop) == (1000, None)
    stream.close()


async def test_a_message_that_is_too_long_when_it_is_not_compressed_is_refused(io_loop: IOLoop) -> None:
    ask = ASK.replace("\r\n\r\n", "\r\nSec-WebSocket-Extensions: permessage-deflate\r\n\r\n")
    compress = zlib.compressobj(wbits=-15)
    bomb = (compress.compress(b"x" * 1_000_000) + compress.flush(zlib.Z_SYNC_FLUSH))[:-4]
    frame = b"\xc1\xfe" + len(bomb).to_bytes(2, "big") + MASK + bomb
    got = await answers(io_loop, frame, ask=ask, compression={}, websocket_max_message_size=2000)
    assert len(bomb) < 2000
    assert got[2:4] == (1009).to_bytes(2, "big")


async def test_messages_are_the_same_however_their_bytes_are_cut(io_loop: IOLoop) -> None:
    frames = (
        (b"\x81\x83" + MASK + b"one")
        + (b"\x01\x81" + MASK + b"\xc3" + b"\x00\x80" + MASK + b"\x89\x81" + MASK + b"p" + b"\x80\x81" + MASK + b"\xbc")
        + (b"\x02\x80" + MASK + b"\x80\xfe\x00\x80" + MASK + b"y" * 128)
        + (b"\x82\x80" + MASK + CLOSE)
    )
    close = b"\x88\x02\x03\xe8"
    expected = [b"\x81\x03one", b"\x8a\x01p", b"\x81\x02\xc3\xbc", b"\x82\x7e\x00\x80" + b"y" * 128, b"\x82\x00", close]
    single = [frames[position : position + 1] for position in range(len(frames))]
    cuts = [single, *([frames[:cut], frames[cut:]] for cut in range(1, len(frames), 3))]
    for reads in cuts:
        got = await answers(io_loop, *reads)
        assert sorted(map(got.count, expected)) == [1] * len(expected), reads
        assert len(got) == sum(map(len, expected)), reads
        assert got.endswith(close), reads


@pytest.mark.parametrize("frames", [[(0x82, 1000)], [(0x02, 500), (0x00, 0), (0x80, 500)], [(0x02, 1000), (0x80, 0)]])
async def test_a_message_may_be_as_long_as_the_bound_and_no_longer(
    io_loop: IOLoop, frames: list[tuple[int, int]]
) -> None:
    def sent(*more: int) -> bytes:
        sizes = [size for _, size in frames[:-1]] + [frames[-1][1] + sum(more)]
        heads = (bytes([kind, 0xFE]) for kind, _ in frames)
        return b"".join(
            head + size.to_bytes(2, "big") + MASK + b"x" * size for head, size in zip(heads, sizes, strict=True)
        )

    whole = b"\x82\x7e\x03\xe8" + b"x" * 1000
    assert (
        await answers(io_loop, sent() * 2 + CLOSE, websocket_max_message_size=1000) == whole * 2 + b"\x88\x02\x03\xe8"
    )
    got = await answers(io_loop, sent(1) + CLOSE, websocket_max_message_size=1000)
    assert got[2:4] == (1009).to_bytes(2, "big")
    assert got.endswith(b"exceeds limit of 1000 bytes")


async def test_what_the_library_cannot_explain_closes_with_1011(
    io_loop: IOLoop, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    from eyewall.web._websocket._library import deflate

    monkeypatch.setattr(deflate.PerMessageDeflate, "decode", lambda *_, **__: 1 / 0)
    ask = ASK.replace("\r\n\r\n", "\r\nSec-WebSocket-Extensions: permessage-deflate\r\n\r\n")
    got = await answers(io_loop, b"\x81\x81" + MASK + b"x" + CLOSE, ask=ask, compression={})
    assert got == b"\x88\x02\x03\xf3"
    assert "ZeroDivisionError" in caplog.text


async def test_frames_are_logged_where_somebody_wants_to_see_them(
    io_loop: IOLoop, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG", "eyewall.websocket")
    assert await answers(io_loop, b"\x81\x82" + MASK + b"hi" + CLOSE) == b"\x81\x02hi\x88\x02\x03\xe8"
    lines = [record.getMessage() for record in caplog.records if record.name == "eyewall.websocket"]
    assert [line for line in lines if "TEXT" in line] == ["< TEXT 'hi' [2 bytes]", "> TEXT 'hi' [2 bytes]"]


@pytest.mark.parametrize("says_so", [True, False])
async def test_what_is_written_to_a_client_that_has_gone_is_told_without_a_trace(
    io_loop: IOLoop, caplog: pytest.LogCaptureFixture, says_so: bool
) -> None:
    class Late(Echo):
        async def on_message(self, message: str | bytes) -> None:
            await self.wait_disconnected()
            await self.write_message(message)

    caplog.set_level("INFO", "eyewall")
    stream = connect(HTTPServer(Application([("/", Late)]), io_loop=io_loop), io_loop=io_loop)
    stream.write_nowait(ASK.format("/").encode() + b"\x81\x81" + MASK + b"a" + (b"\x88\x80" + MASK) * says_so)
    await stream.read_until(b"\r\n\r\n")
    stream.close()
    await until_ended(io_loop)
    assert [record.message for record in caplog.records if record.levelname != "INFO"] == []
    assert "the client went away" in caplog.text


async def test_what_is_written_behind_a_close_of_ones_own_is_a_mistake_that_is_logged(
    io_loop: IOLoop, caplog: pytest.LogCaptureFixture
) -> None:
    class Twice(Echo):
        async def on_message(self, message: str | bytes) -> None:
            self.close()
            await self.write_message(message)

    stream = connect(HTTPServer(Application([("/", Twice)]), io_loop=io_loop), io_loop=io_loop)
    stream.write_nowait(ASK.format("/").encode() + b"\x81\x81" + MASK + b"a")
    await stream.read_until(b"\x88\x00")
    stream.close()
    await until_ended(io_loop)
    assert "WebSocketClosedError" in caplog.text


async def test_a_client_that_vanishes_ends_it(io_loop: IOLoop) -> None:
    stream = await raw(io_loop, ASK.format("/"))
    await stream.read_until(b"\r\n\r\n")
    stream.close()
    assert await until_ended(io_loop) == (None, None)


async def test_frames_that_came_with_the_handshake_are_read(io_loop: IOLoop) -> None:
    stream = connect(HTTPServer(app(), io_loop=io_loop), io_loop=io_loop)
    stream.write_nowait(ASK.format("/").encode() + b"\x81\x82" + MASK + b"hi")
    await stream.read_until(b"\r\n\r\n")
    assert bytes(await stream.read_bytes(4)) == b"\x81\x02hi"
    stream.close()


@pytest.mark.parametrize(("code", "reason"), [(1005, None), (1006, None), (999, None), (5000, None), (1000, "x" * 124)])
async def test_a_close_that_must_not_be_sent_is_refused(code: int, reason: str | None) -> None:
    connection = await client().websocket("/")
    with pytest.raises(ValueError, match=r"code to close with|at most"):
        connection.close(code, reason)
    connection.close()


async def test_a_client_that_does_not_answer_pings_is_cut_off(io_loop: IOLoop) -> None:
    stream = await raw(io_loop, ASK.format("/"), websocket_ping_interval=0.02, websocket_ping_timeout=0.01)
    await stream.read_until(b"\r\n\r\n")
    assert bytes(await stream.read_until_close()) == b"\x89\x00"
    await until_ended(io_loop)


async def test_a_client_that_answers_pings_stays(io_loop: IOLoop) -> None:
    connection = await client(websocket_ping_interval=0.01, websocket_ping_timeout=5).websocket("/")
    handler = Echo.opened[0]
    for _ in range(200):
        if len(handler.pongs) >= 3:
            break
        pause = io_loop.create_future()
        io_loop.call_later(0.01, pause.set_result, None)
        await pause
    assert len(handler.pongs) >= 3
    connection.close()
    assert await connection.read_message() is None


async def test_messages_wait_until_open_is_over(io_loop: IOLoop) -> None:
    seen: list[str] = []
    gate = io_loop.create_future()

    class Slow(WebSocketHandler):
        async def open(self) -> None:
            await gate
            seen.append("open")

        def on_message(self, message: str | bytes) -> None:
            seen.append(str(message))
            self.close()

    connection = await AppClient(Application([("/", Slow)])).websocket("/")
    await connection.write_message("message")
    gate.set_result(None)
    assert await connection.read_message() is None
    assert seen == ["open", "message"]


async def test_what_belongs_to_http_says_so_on_an_open_connection() -> None:
    said: list[str] = []

    class Mistaken(WebSocketHandler):
        def open(self) -> None:
            for method in (self.flush, self.finish, lambda: self.set_status(500), lambda: self.write("x")):
                try:
                    method()
                except RuntimeError as error:
                    said.append(str(error))
            self.close()

    connection = await AppClient(Application([("/", Mistaken)])).websocket("/")
    assert await connection.read_message() is None
    assert said == ["the response is complete: on a WebSocket there is write_message"] * 4


async def test_a_flood_of_messages_lets_others_have_their_turn(io_loop: IOLoop) -> None:
    count = turns = 0

    class Count(WebSocketHandler):
        def on_message(self, message: str | bytes) -> None:
            nonlocal count
            count += 1
            if count == 1000:
                self.close()

    def turn() -> None:
        nonlocal turns
        turns += 1
        if count < 1000:
            io_loop.add_callback(turn)

    connection = await AppClient(Application([("/", Count)])).websocket("/")
    for _ in range(1000):
        connection.write_message("x")
    io_loop.add_callback(turn)
    assert await connection.read_message() is None
    assert turns > 10


def test_without_the_library_it_is_an_error_at_the_start(monkeypatch: pytest.MonkeyPatch) -> None:
    Application([("/", Echo)])
    monkeypatch.setitem(sys.modules, "websockets", None)
    monkeypatch.delitem(sys.modules, f"{_websocket.__name__}._library")
    monkeypatch.delattr(_websocket, "_library")
    with pytest.raises(RouteError, match=r'needs the library websockets: pip install "eyewall-web\[websocket\]"'):
        Application([("/", Echo)])


_VARIABLE: ContextVar[list[str]] = ContextVar("_VARIABLE")


class Notes(WebSocketHandler):
    """Notes in a variable of the context what has happened, before and after it waits."""

    gates: ClassVar[list[Promise[None]]] = []
    noted: ClassVar[list[list[str]]] = []

    def open(self) -> None:
        _VARIABLE.set(["open"])

    async def on_message(self, message: str | bytes) -> None:
        name = str(message)
        _VARIABLE.set([*_VARIABLE.get(), f"{name} begins"])
        await self.write_message(message)
        if message == "waits":
            gate: Promise[None] = IOLoop.current().create_future()
            Notes.gates.append(gate)
            await gate
            _VARIABLE.set([*_VARIABLE.get(), f"{name} ends"])
            await self.write_message("waited")
        elif message == "raises":
            raise ZeroDivisionError

    def on_close(self) -> None:
        Notes.noted.append(_VARIABLE.get())


async def test_messages_are_taken_in_order_in_one_context_whether_they_wait_or_not() -> None:
    Notes.gates.clear()
    Notes.noted.clear()
    connection = await AppClient(Application([("/", Notes)])).websocket("/")
    for message in ("a", "waits", "b"):
        await connection.write_message(message)
    assert [await connection.read_message() for _ in range(2)] == ["a", "waits"]
    assert len(Notes.gates) == 1
    Notes.gates[0].set_result(None)
    assert [await connection.read_message() for _ in range(2)] == ["waited", "b"]
    connection.close()
    assert await connection.read_message() is None
    assert Notes.noted == [["open", "a begins", "waits begins", "waits ends", "b begins"]]


async def test_the_answers_to_messages_before_one_that_raises_are_sent(caplog: pytest.LogCaptureFixture) -> None:
    connection = await AppClient(Application([("/", Notes)])).websocket("/")
    for message in ("a", "raises"):
        connection.write_message(message)
    assert [await connection.read_message() for _ in range(3)] == ["a", "raises", None]
    assert connection.close_code == 1011
    assert "ZeroDivisionError" in caplog.text


async def test_whoever_awaits_its_answers_is_held_back_by_a_peer_that_does_not_read(io_loop: IOLoop) -> None:
    begun = 0

    class Large(WebSocketHandler):
        async def on_message(self, message: str | bytes) -> None:
            nonlocal begun
            begun += 1
            await self.write_message("x" * 1_000_000)

    stream = connect(HTTPServer(Application([("/", Large)]), io_loop=io_loop), io_loop=io_loop)
    stream.write_nowait(ASK.format("/").encode() + (b"\x81\x81" + MASK + b"x") * 30)
    await stream.read_until(b"\r\n\r\n")
    for _ in range(200):
        turn = io_loop.create_future()
        io_loop.add_callback(turn.set_result, None)
        await turn
    assert 1 <= begun < 10
    for _ in range(30):
        await stream.read_bytes(1_000_010)
    assert begun == 30
    stream.close()
