"""A program of somebody who uses eyewall.web and checks strictly. It must pass mypy and pyright as it stands."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, ClassVar, NotRequired, TypedDict, assert_type
from uuid import UUID

from eyewall.httpserver import HTTPHeaders, HTTPServerRequest
from eyewall.web import (
    CORS,
    FLOAT,
    INT,
    PATH,
    ROOT,
    TEXT,
    UUID_PART,
    Application,
    BodyError,
    DisconnectPolicy,
    EventSourceHandler,
    Finish,
    Form,
    FormLimits,
    FormPart,
    Handler,
    HostMatches,
    HTTPError,
    OutputTransform,
    Part,
    PathMatches,
    RedirectHandler,
    RequestHandler,
    Rule,
    RuleRouter,
    ServerSentEvent,
    StaticFileHandler,
    TypedPath,
    TypedRoute,
    UploadedFile,
    UploadHandler,
    URLSpec,
    WebSocketClientConnection,
    WebSocketHandler,
    authenticated,
    broadcast,
    create_signed_value,
    decode_signed_value,
    register_part,
    stream_request_body,
    websocket_connect,
)
from eyewall.web.testing import AppClient, AppResponse


class Database:
    """What a program keeps: nothing of eyewall's."""

    listeners: set[WebSocketHandler]

    async def name_of(self, number: int) -> str:
        return str(number)


@dataclass
class Order:
    item: str
    count: int = 1


class Reply(TypedDict):
    text: str
    urgent: NotRequired[bool]


# A handler with the state of its application: values of a type in, values of a type out.
class Orders(Handler[Database]):
    def initialize(self, *, limit: int = 10) -> None:
        self.limit = limit

    async def get(self, user_id: int, slug: str) -> dict[str, str]:
        assert_type(self.state, Database)
        assert_type(self.argument("page", int), int)
        assert_type(self.argument("page", int, default=1), int)
        assert_type(self.argument("page", int, None), int | None)
        assert_type(self.argument("since", date.fromisoformat, None), date | None)
        assert_type(self.argument("all", bool, default=False), bool)
        return {"name": await self.state.name_of(user_id), "slug": slug}

    async def post(self, user_id: int, slug: str) -> Order:
        order = self.json(Order)
        assert_type(order, Order)
        assert_type(self.json(list[Order]), list[Order])
        assert_type(self.json(dict[str, int]), dict[str, int])
        reply = self.json(Reply)
        assert_type(reply["text"], str)
        self.set_status(201)
        return order

    def delete(self, user_id: int, slug: str) -> None:
        raise HTTPError(404, "no order %s of %d", slug, user_id, reason="Gone")


class Names(Handler[Database]):
    """A plain method returns as a coroutine does."""

    def get(self) -> list[Order]:
        return [Order("shoes")]

    def head(self) -> None:
        raise Finish

    async def prepare(self) -> None:
        self.set_header("Cache-Control", "no-store")


# A handler without it: Tornado's, with types.
class Greeting(RequestHandler):
    greeting: str

    def initialize(self, greeting: str) -> None:
        self.greeting = greeting

    def get_current_user(self) -> str | None:
        user = self.get_signed_cookie("user", max_age_days=1)
        assert_type(user, bytes | None)
        return None if user is None else user.decode()

    async def get(self, name: str) -> None:
        assert_type(self.request, HTTPServerRequest)
        assert_type(self.request.headers, HTTPHeaders)
        assert_type(self.get_argument("times"), str)
        assert_type(self.get_argument("times", "1"), str)
        assert_type(self.get_argument("times", None), str | None)
        assert_type(self.get_query_argument("times", 1), str | int)
        assert_type(self.get_body_argument("times", None), str | None)
        assert_type(self.get_arguments("tag"), list[str])
        assert_type(self.get_cookie("seen"), str | None)
        assert_type(self.get_cookie("seen", 0), str | int)
        assert_type(self.xsrf_token, bytes)
        assert_type(self.xsrf_form_html(), str)
        assert_type(self.static_url("style.css"), str)
        assert_type(self.reverse_url("orders", 1, "shoes"), str)
        assert_type(self.render_string("greeting.html", name=name), bytes)
        self.set_header("Expires", datetime.now().astimezone())
        self.set_cookie("seen", "1", max_age=60, httponly=True, samesite="Lax")
        self.write({"greeting": f"{self.greeting}, {name}"})
        await self.flush()

    @authenticated
    async def post(self, name: str) -> None:
        self.set_signed_cookie("user", name, expires_days=1)
        self.redirect(f"/{name}", status=303)

    def write_error(self, status_code: int, **kwargs: Any) -> None:
        error: object = kwargs.get("exc_info", (None, None))[1]
        if isinstance(error, BodyError):
            assert_type(error.where, str)
            self.finish({"error": error.problem, "where": error.where})
        else:
            super().write_error(status_code, **kwargs)


@stream_request_body
class Upload(RequestHandler):
    disconnect_policy: ClassVar[DisconnectPolicy] = "cancel"
    cors = CORS(["https://app.example"], credentials=True)

    def prepare(self) -> None:
        self.request.connection.set_max_body_size(1 << 30)
        self.size = 0

    async def data_received(self, chunk: bytes) -> None:
        self.size += len(chunk)

    def put(self, path: str) -> None:
        self.write({"path": path, "size": self.size})


class Photos(UploadHandler):
    form_limits = FormLimits(max_size=1 << 25, max_file_size=1 << 24)

    async def post(self) -> None:
        form = await self.read_form()
        assert_type(form, Form)
        assert_type(form.fields, dict[str, list[bytes]])
        photo = form.file("photo")
        assert_type(photo, UploadedFile)
        assert_type(await photo.read(12), bytes)
        async for piece in photo:
            assert_type(piece, bytes)
        await photo.save("photo.jpg", overwrite=True)

    async def put(self) -> None:
        async for part in self.parts():
            assert_type(part, FormPart)
            assert_type(part.filename, str | None)
            async for chunk in part:
                assert_type(chunk, bytes)
            assert_type(self.bytes_expected, int | None)


class Clock(EventSourceHandler):
    heartbeat = 5.0

    async def get(self) -> AsyncGenerator[ServerSentEvent | str | Mapping[str, object]]:
        assert_type(self.last_event_id, str | None)
        yield ServerSentEvent({"tick": 1}, event="tick", id="1", retry=1000)
        yield "a text"
        yield {"a": "mapping"}


class Plain(EventSourceHandler):
    """One kind of event is enough."""

    async def get(self) -> AsyncGenerator[str]:
        yield "a text"


class Chat(WebSocketHandler):
    def initialize(self, database: Database) -> None:
        self.database = database

    async def open(self, room: int) -> None:
        assert_type(self.selected_subprotocol, str | None)
        self.database.listeners.add(self)
        await self.write_message({"room": room})

    async def on_message(self, message: str | bytes) -> None:
        if isinstance(message, bytes):
            await self.write_message(message, binary=True)
        else:
            broadcast(self.database.listeners, message)

    def on_close(self) -> None:
        assert_type(self.close_code, int | None)
        assert_type(self.close_reason, str | None)
        self.database.listeners.discard(self)

    def select_subprotocol(self, subprotocols: list[str]) -> str | None:
        return "chat" if "chat" in subprotocols else None

    def get_compression_options(self) -> dict[str, Any]:
        return {}


# A handler of any other kind may have the state, too.
class Room(Handler[Database], WebSocketHandler):
    async def open(self, room: int) -> None:
        assert_type(self.state, Database)
        self.state.listeners.add(self)

    async def on_message(self, message: str | bytes) -> None:
        broadcast(self.state.listeners, message)


class Feed(Handler[Database], EventSourceHandler):
    async def get(self, user_id: int) -> AsyncGenerator[str]:
        yield await self.state.name_of(user_id)


class Album(Handler[Database], UploadHandler):
    async def post(self, user_id: int) -> str:
        form = await self.read_form()
        return f"{await self.state.name_of(user_id)}: {form.file('photo').filename}"


class Files(Handler[Database], StaticFileHandler):
    def set_extra_headers(self, path: str) -> None:
        assert_type(self.state, Database)


async def talk(url: str) -> str | bytes | None:
    connection = await websocket_connect(url, subprotocols=["chat"], ping_interval=10)
    assert_type(connection, WebSocketClientConnection)
    await connection.write_message("hello")
    answer = await connection.read_message()
    assert_type(answer, str | bytes | None)
    connection.close(1000, "done")
    return answer


class Shout(OutputTransform):
    def transform_chunk(self, chunk: bytes, finishing: bool) -> bytes:
        return chunk.upper()


# Routes made of typed parts: what a path holds is what a handler takes, and what its url() asks for.
DATE = Part("[0-9]{4}-[0-9]{2}-[0-9]{2}", date.fromisoformat)
USER = ROOT / "users" / INT
ORDERS = USER / "orders" / TEXT
MIXED = ROOT / FLOAT / UUID_PART / DATE / PATH


class Mixed(Handler[Database]):
    def get(self, price: float, key: UUID, day: date, rest: str) -> str:
        return f"{price} {key.hex} {day.isoformat()} {rest}"


class Number(RequestHandler):
    def get(self, number: int) -> None:
        self.write(str(number + 1))


def use_typed_paths() -> None:
    assert_type(ROOT, TypedPath[()])
    assert_type(USER, TypedPath[int])
    assert_type(MIXED, TypedPath[float, UUID, date, str])
    assert_type(ORDERS.url(1, "shoes"), str)
    assert_type(ORDERS.to(Orders), TypedRoute[Database])
    assert_type(USER.to(Number), TypedRoute[object])
    assert_type((USER / "room").to(Room), TypedRoute[Database])


def make_app(database: Database) -> Application[Database]:
    """Every kind of route in one table."""
    register_part("date", DATE)
    app = Application(
        [
            ROOT.to(Names),
            ORDERS.to(Orders, {"limit": 5}, name="orders"),
            MIXED.to(Mixed),
            USER.to(Number),
            (ROOT / "chat" / INT).to(Chat, {"database": database}),
            (ROOT / "clock").to(Clock),
            (USER / "room").to(Room),
            (USER / "feed").to(Feed),
            (USER / "album").to(Album),
            (ROOT / "files" / PATH).to(Files, {"path": "files"}),
            ("/plain", Plain),
            ("/days/{day:date}/{number:int}", Number),
            (r"/upload/(.*)", Upload),
            (ROOT / "photos").to(Photos),
            (r"/static/(.*)", StaticFileHandler, {"path": "static"}),
            URLSpec(r"/old", RedirectHandler, {"url": "/new"}, name="old"),
            (HostMatches("api.example"), make_plain_app()),
            Rule(PathMatches(r"/rules/.*"), RuleRouter([(r"/rules/(.*)", make_plain_app())])),
        ],
        state=database,
        transforms=[Shout],
        cookie_secret={0: "old", 1: "new"},
        key_version=1,
        xsrf_cookies=True,
    )
    app.add_handlers(r".*\.example", [(r"/(.*)", Greeting, {"greeting": "Hello"})])
    assert_type(app.state, Database)
    assert_type(app, Application[Database])
    return app


def make_plain_app() -> Application:
    app = Application([(r"/(.*)", Greeting, {"greeting": "Hello"}), USER.to(Number)], debug=True)
    assert_type(app, Application[None])
    return app


def use_signed_values() -> None:
    signed = create_signed_value("secret", "name", "value")
    assert_type(signed, bytes)
    assert_type(decode_signed_value("secret", "name", signed), bytes | None)


async def use_the_test_client(app: Application[Database]) -> None:
    client = AppClient(app)
    response = await client.post("/users/1/orders/shoes", json={"item": "shoes"})
    assert_type(response, AppResponse)
    assert_type(response.code, int)
    assert_type(response.text, str)
    assert_type(client.cookies, dict[str, str])
    socket = await client.websocket("/chat/1", subprotocols=["chat"])
    assert_type(await socket.read_message(), str | bytes | None)
