"""Which handler answers which path, and what a wrong route table says."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest

from eyewall.httpserver import HTTPServerRequest
from eyewall.httpserver.testing import RecordingConnection
from eyewall.web import (
    ROOT,
    TEXT,
    AnyMatches,
    Application,
    Handler,
    HostMatches,
    RequestHandler,
    RouteError,
    RuleRouter,
    URLSpec,
    WebError,
    url,
)
from eyewall.web.testing import AppClient

if TYPE_CHECKING:
    from eyewall.ioloop import IOLoop


class Named(RequestHandler):
    def initialize(self, name: str = "?") -> None:
        self.name = name

    def get(self, *args: str | None, **kwargs: str | None) -> None:
        self.write({"name": self.name, "args": list(args), "kwargs": kwargs})


class Plain(RequestHandler):
    def get(self) -> None:
        self.write("plain")


class Typed(Handler[None]):
    def get(self, name: str) -> None:
        self.write(name)

    def put(self, name: str) -> None:
        self.write(name)


async def test_routes_are_tuples_and_urlspecs() -> None:
    client = AppClient(
        Application(
            [
                (r"/two", Named),
                (r"/three", Named, {"name": "3"}),
                (r"/four", Named, {"name": "4"}, "four"),
                url(r"/spec", Named, {"name": "s"}),
                URLSpec(r"/named", Named, name="named"),
            ]
        )
    )
    names = [(await client.get(path)).json()["name"] for path in ("/two", "/three", "/four", "/spec", "/named")]
    assert names == ["?", "3", "4", "s", "?"]


async def test_a_handler_may_be_named_by_its_module() -> None:
    client = AppClient(Application([(r"/", "eyewall.web.ErrorHandler", {"status_code": 418})]))
    assert (await client.get("/")).code == 418


async def test_positional_groups_are_given_by_position_and_decoded() -> None:
    client = AppClient(Application([(r"/a/([^/]*)/([^/]+)", Named)]))
    answer = (await client.get("/a//caf%C3%A9%2Fbar")).json()
    assert (answer["args"], answer["kwargs"]) == (["", "café/bar"], {})


async def test_named_groups_are_given_by_name_and_decoded() -> None:
    client = AppClient(Application([(r"/(?P<year>[0-9]+)/(?P<title>.*)", Named)]))
    answer = (await client.get("/2026/a%20b+c")).json()
    assert (answer["args"], answer["kwargs"]) == ([], {"year": "2026", "title": "a b+c"})


async def test_a_group_that_matched_nothing_is_none() -> None:
    client = AppClient(Application([(r"/a(/[a-z]+)?", Named)]))
    assert (await client.get("/a")).json()["args"] == [None]


async def test_a_path_that_came_as_bare_utf_8_is_read_as_one_that_was_percent_encoded() -> None:
    client = AppClient(Application([(r"/a/(.*)", Named)]))
    assert (await client.get("/a/café-日本")).json()["args"] == ["café-日本"]


async def test_a_path_that_is_no_text_is_a_bad_request() -> None:
    client = AppClient(Application([(r"/a/(.*)", Named)]))
    assert (await client.get("/a/%ff")).code == 400


async def test_a_pattern_is_for_the_whole_path() -> None:
    client = AppClient(Application([(r"/a", Plain)]))
    assert (await client.get("/a?x=1")).code == 200
    assert (await client.get("/ab")).code == 404
    assert (await client.get("/x/a")).code == 404


async def test_the_first_route_that_matches_answers_though_a_later_one_is_plain_text() -> None:
    client = AppClient(
        Application(
            [
                (r"/same", Named, {"name": "first"}),
                (r"/same", Named, {"name": "second"}),
                (r"/.*y", Named, {"name": "pattern"}),
                (r"/by", Named, {"name": "hidden"}),
                (r"/at", Named, {"name": "text"}),
                (r"/.*t", Named, {"name": "later pattern"}),
            ]
        )
    )
    names = [(await client.get(path)).json()["name"] for path in ("/same", "/by", "/at", "/bt")]
    assert names == ["first", "pattern", "text", "later pattern"]


async def test_an_escaped_pattern_is_plain_text_and_a_dot_is_not() -> None:
    assert URLSpec(r"/a\.txt", Plain).path == "/a.txt"
    assert URLSpec(r"^/a\-b$", Plain).path == "/a-b"
    assert URLSpec(r"/a.txt", Plain).path is None
    assert URLSpec(r"/\d", Plain).path is None
    assert URLSpec(re.compile("/a"), Plain).path is None
    client = AppClient(Application([(r"/a\.txt", Plain)]))
    assert (await client.get("/a.txt")).code == 200
    assert (await client.get("/axtxt")).code == 404


async def test_a_compiled_pattern_keeps_its_flags() -> None:
    client = AppClient(Application([(re.compile("/hello$", re.IGNORECASE), Plain)]))
    assert (await client.get("/HeLLo")).code == 200


async def test_a_path_without_a_route_is_not_found() -> None:
    response = await AppClient(Application()).get("/")
    assert (response.code, response.reason) == (404, "Not Found")


async def test_a_default_handler_answers_what_no_route_does() -> None:
    app = Application(default_handler_class=Named, default_handler_args={"name": "default"})
    assert (await AppClient(app).get("/x")).json()["name"] == "default"


def test_a_path_is_made_from_a_name() -> None:
    app = Application(
        [
            URLSpec(r"/", Plain, name="root"),
            URLSpec(r"/user/([0-9]+)/([^/)]+)\.html", Named, name="user"),
            URLSpec(r"/(?P<a>x|y)/end", Named, name="named"),
        ]
    )
    assert app.reverse_url("root") == "/"
    assert app.reverse_url("user", 7, "a b/ü?") == "/user/7/a%20b/%C3%BC%3F.html"
    assert app.reverse_url("named", b"x") == "/x/end"


async def test_a_handler_makes_paths_too() -> None:
    class Linking(RequestHandler):
        def get(self) -> None:
            self.write(self.reverse_url("it"))

    assert (await AppClient(Application([URLSpec("/it", Linking, name="it")])).get("/it")).text == "/it"


def test_a_path_that_cannot_be_made_is_refused() -> None:
    app = Application([URLSpec(r"/(a)", Named, name="one"), URLSpec(r"/x+/(?:y)(z)?", Named, name="odd")])
    with pytest.raises(KeyError, match="no route is named 'two'"):
        app.reverse_url("two")
    with pytest.raises(ValueError, match="takes 1 arguments to reverse, not 0"):
        app.reverse_url("one")
    with pytest.raises(ValueError, match="has no reverse"):
        app.reverse_url("odd", 1)


def test_of_two_routes_of_a_name_the_later_is_used_and_it_is_said(caplog: pytest.LogCaptureFixture) -> None:
    app = Application([URLSpec("/1", Plain, name="n"), URLSpec("/2", Plain, name="n")])
    assert app.reverse_url("n") == "/2"
    assert "two routes are named 'n'" in caplog.text


class NeedsDatabase(RequestHandler):
    def initialize(self, database: str) -> None:
        pass


WRONG_TABLES = {
    "a handler alone": ([Plain], "route 1 of the table is .*make it a tuple"),
    "a tuple too short": ([(r"/ok", Plain), (r"/",)], "route 2 of the table is .*make it a tuple"),
    "a tuple too long": ([("/", Plain, {}, "n", 1)], "route 1 of the table"),
    "no pattern": ([(3, Plain)], "route 3 has no pattern: give a regular expression"),
    "a bad pattern": ([(r"/(x", Plain)], r"route '/\(x' is not a regular expression: .*position 1"),
    "both kinds of groups": ([(r"/(?P<a>.)/(.)", Plain)], "mixes named and positional groups: name all, or none"),
    "an object": ([(r"/x", object())], "route '/x': the handler .* is not a subclass of RequestHandler"),
    "a class of another kind": ([(r"/x", dict)], "route '/x': the handler dict is not a subclass"),
    "a module that is not there": ([(r"/x", "no.such.Handler")], "'no.such.Handler' cannot be imported"),
    "arguments that are no dict": ([(r"/x", Plain, "name")], "arguments are 'name': make them a dict"),
    "arguments for nobody": (
        [(r"/x", Plain, {"db": 1})],
        r"Plain takes no arguments: give it an initialize\(self, db\)",
    ),
    "a missing argument": ([(r"/x", NeedsDatabase)], "do not fit NeedsDatabase.initialize.*'database'"),
    "a wrong argument": ([(r"/x", NeedsDatabase, {"db": 1})], "do not fit NeedsDatabase.initialize"),
    "no table": (7, "the route table is 7: make it a list"),
    "a text": ("/", "the route table is '/': make it a list"),
    "a dict": ({"/": Plain}, "the route table is .*: make it a list"),
}


@pytest.mark.parametrize(("table", "message"), WRONG_TABLES.values(), ids=list(WRONG_TABLES))
def test_a_wrong_route_table_is_refused_when_the_application_is_made(table: Any, message: str) -> None:
    with pytest.raises(RouteError, match=message) as caught:
        Application(table)
    assert isinstance(caught.value, WebError)
    assert isinstance(caught.value, ValueError)


def test_a_wrong_default_handler_is_refused() -> None:
    with pytest.raises(RouteError, match="not a subclass of RequestHandler"):
        Application(default_handler_class=int)


def test_an_object_in_place_of_its_class_is_told_so(io_loop: IOLoop) -> None:
    request = HTTPServerRequest("GET", "/", connection=RecordingConnection(io_loop))
    wrong: Any = Plain(Application(), request)
    with pytest.raises(RouteError, match="write its class, not an object of it"):
        Application([("/", wrong)])


def test_routes_can_be_listed() -> None:
    inside = [(r"/in/([0-9]+)", Named, None, "inside")]
    app = Application(
        [
            ("/users/{number:int}", Named),
            (HostMatches("api"), inside),
            (ROOT / "typed" / TEXT).to(Typed),
            (AnyMatches(), RuleRouter()),
        ],
        state=None,
    )
    app.add_handlers("other", [("/", Plain)])
    routes = app.list_routes()
    assert [(route.where, route.target.rpartition(".")[2], route.name) for route in routes[:3]] == [
        ("other$ → /", "Plain", None),
        ("/users/{number:int}", "Named", None),
        ("HostMatches('api$') → /in/([0-9]+)", "Named", "inside"),
    ]
    assert (routes[3].target, routes[3].methods) == (f"{__name__}.Typed", ("GET", "PUT"))
    assert (routes[4].where, routes[4].methods) == ("AnyMatches()", ())
    assert str(routes[2]).split() == ["GET", *routes[2].where.split(), f"{__name__}.Named", "[inside]"]


def test_a_step_that_nobody_awaits_may_be_no_coroutine() -> None:
    class Open(RequestHandler):
        async def check_xsrf_cookie(self) -> None:  # type: ignore[override] # the mistake
            """Let nobody in."""

    with pytest.raises(RouteError, match=r"'/': Open\.check_xsrf_cookie\(\) is a coroutine .* make it a plain method"):
        Application([("/", Open)])


def test_a_type_is_no_part_of_a_path() -> None:
    with pytest.raises(RouteError, match=r"<class 'int'> is not a part of a path: give a text, or a Part such as INT"):
        ROOT / int  # type: ignore[operator] # the mistake


def test_a_path_that_leads_nowhere_is_told_how_to_lead() -> None:
    with pytest.raises(RouteError, match=r"route 1 .* TypedPath\('/a'\): say where it leads, with \.to\(YourHandler\)"):
        Application([ROOT / "a"])  # type: ignore[list-item] # the mistake


def test_tornados_routers_of_an_application_are_told_what_takes_their_place() -> None:
    app = Application()
    assert not hasattr(app, "wildcard_router")
    with pytest.raises(AttributeError, match=r"no attribute 'wildcard_router': give add_handlers\('\.\*', routes\)"):
        _ = app.wildcard_router  # type: ignore[attr-defined] # that is what is tested
    with pytest.raises(AttributeError, match=r"^'Application' object has no attribute 'db'$"):
        _ = app.db  # type: ignore[attr-defined] # the same
