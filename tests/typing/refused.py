"""Mistakes that a strict checker must find. Each line marked `# E` must be refused by mypy and by pyright, no other."""

from __future__ import annotations

from typing import TYPE_CHECKING

from eyewall.httpserver import HTTPHeaders, HTTPServer, HTTPServerRequest
from eyewall.ioloop import READ, IOLoop
from eyewall.tcpserver import ProxyProtocol, TCPClient, TCPServer, ThreadedResolver
from eyewall.web import (
    INT,
    ROOT,
    TEXT,
    UUID_PART,
    Application,
    EventSourceHandler,
    Handler,
    RequestHandler,
    ServerSentEvent,
    UploadHandler,
    WebSocketHandler,
    authenticated,
    broadcast,
    stream_request_body,
    websocket_connect,
)
from eyewall.web.testing import AppClient

if TYPE_CHECKING:
    import socket

    from eyewall.httpserver import HTTPConnection
    from eyewall.ioloop import EventLoop, Future
    from eyewall.iostream import Stream


def a_handler_for_another_kind_of_thing(io_loop: EventLoop, sock: socket.socket) -> None:
    def handler(fd: int, events: int) -> None:
        """Want a number, and get the socket that was registered."""

    io_loop.add_handler(sock, handler, READ)  # E


def callbacks_with_the_wrong_arguments(io_loop: EventLoop) -> None:
    def greet(name: str, *, loud: bool = False) -> None:
        print(name, loud)

    io_loop.add_callback(greet, 1)  # E
    io_loop.add_callback(greet)  # E
    io_loop.call_later(1.0, greet, "you", quiet=True)  # E
    IOLoop.current().add_callback(greet, b"you")  # E


def who_waits_does_not_answer(future: Future[int]) -> None:
    future.set_result(1)  # E
    future.cancel()  # E


async def results_keep_their_types(io_loop: EventLoop, stream: Stream) -> None:
    size: str = await io_loop.run_in_executor(None, len, [])  # E
    line: str = await stream.read_until(b"\n")  # E
    print(size, line)


async def streams_take_bytes(stream: Stream) -> None:
    await stream.write("text")  # E
    await stream.read_until("\n")  # E


class LineServer(TCPServer):
    async def handle_stream(self, stream: socket.socket, address: object, /) -> None:  # E
        """Want a socket, and get a stream."""


def servers_know_their_arguments(server: TCPServer) -> None:
    server.listen("8080")  # E
    TCPServer(ssl_option={})  # E
    server.add_sockets([8080])  # E
    TCPServer(proxy_protocol=["10.0.0.0/8"])  # E
    ProxyProtocol(["::1"], others="ignore")  # E
    TCPClient(ThreadedResolver(num_threads="4"))  # E


class NoDelegate:
    def start_request(self, server_conn: object, request_conn: HTTPConnection, /) -> int:
        return 1

    def on_close(self, server_conn: object, /) -> None:
        """Be of the right shape here."""


def http_servers_know_what_they_serve() -> None:
    def takes_no_request(number: int) -> None:
        print(number)

    HTTPServer(NoDelegate())  # E
    HTTPServer(takes_no_request)  # E
    HTTPHeaders({"Content-Length": 1})  # E


def requests_have_types(request: HTTPServerRequest) -> None:
    body: str = request.body  # E
    ip: int = request.remote_ip  # E
    print(body, ip)


class Mistaken(RequestHandler):
    async def get(self) -> None:
        self.write(42)  # E
        self.set_status("200")  # E
        number: int = self.get_argument("number")  # E
        self.not_a_method()  # E
        print(number)


def routes_name_handlers() -> None:
    Application([(r"/", HTTPServer)])  # E
    Application([(r"/",)])  # E


class Db:
    name = "db"


class Posts(Handler[Db]):
    async def get(self, user_id: int, slug: str) -> str:
        return self.state.name + slug + str(user_id)


class WrongType(Handler[Db]):
    async def get(self, user_id: str, slug: str) -> str:
        return user_id + slug


class OtherState(Handler[int]):
    async def get(self, user_id: int) -> int:
        return self.state + user_id


class NoState(RequestHandler):
    def get(self, user_id: int) -> None:
        self.write(str(user_id))


class Talk(Handler[Db], WebSocketHandler):
    def on_message(self, message: str | bytes) -> None:
        self.write_message(self.state.name)


def typed_routes_fit_their_handlers() -> None:
    user = ROOT / "users" / INT
    posts = user / "posts" / TEXT
    posts.to(WrongType)  # E
    user.to(Posts)  # E
    posts.to(NoState)  # E
    posts.url("1", "hello")  # E
    posts.url(1)  # E
    Application([user.to(OtherState)], state=Db())  # E
    Application([posts.to(Posts)])  # E
    Application([posts.to(Posts)], state="db")  # E
    Application([ROOT.to(Talk)])  # E
    Application([ROOT.to(Talk)], state="db")  # E
    Application([ROOT.to(Talk), user.to(OtherState)], state=Db())  # E


class Asks(Handler[Db]):
    async def post(self) -> None:
        number: str = self.argument("number", int)  # E
        name: int = self.json(dict[str, str])  # E
        print(number, name, self.state.nothing)  # E
        self.argument("number", 3)  # E
        page: int = self.argument("page", int, None)  # E
        print(page)


class Keeps(RequestHandler):
    async def get(self) -> None:
        seen: str = self.get_cookie("seen")  # E
        user: str = self.get_signed_cookie("user")  # E
        self.set_cookie("seen", 1)  # E
        self.set_cookie("seen", "1", samesite="Laxer")  # E
        self.set_header("Expires", 1.5)  # E
        self.redirect("/", status="303")  # E
        print(seen, user)

    @authenticated
    async def post(self, number: int) -> None:
        self.xsrf_token.encode()  # E


class Chat(WebSocketHandler):
    async def open(self, room: int) -> None:
        await self.write_message(room)  # E

    def on_message(self, message: str) -> None:  # E
        """Leave out that a message may be bytes."""


def web_sockets_are_not_sockets(sock: socket.socket) -> None:
    broadcast([sock], "hello")  # E
    (ROOT / UUID_PART).to(Posts)  # E


async def messages_are_text_or_bytes_or_none() -> None:
    connection = await websocket_connect("ws://localhost/", subprotocols=[1])  # E
    answer: str = await connection.read_message()  # E
    print(answer)


class Clock(EventSourceHandler):
    async def get(self, number: int) -> None:
        ServerSentEvent(b"tick")  # E
        ServerSentEvent("tick", id=1)  # E
        last: str = self.last_event_id  # E
        print(last)


class Photos(UploadHandler):
    form_limits = 100  # E

    async def post(self) -> None:
        form = await self.read_form()
        name: str = form.fields["title"]  # E
        await form.file("photo").save(1)  # E
        async for part in self.parts():
            text: str = await part.read()  # E
            print(name, text)


class Leaves(RequestHandler):
    disconnect_policy = "stay"  # E


def streams_are_of_handlers() -> None:
    stream_request_body(HTTPServer)  # E
    (ROOT / "clock").to(Clock)  # E
    (ROOT / "posts").to(Keeps)  # E


async def clients_send_one_kind_of_body(client: AppClient) -> None:
    await client.post("/", data={"number": 1})  # E
    await client.get(7)  # E
