"""Rules that lead requests to handlers, applications, routers and functions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from eyewall.httpserver import HTTPHeaders, HTTPServerRequest, ResponseStartLine
from eyewall.web import (
    AnyMatches,
    Application,
    HostMatches,
    Matcher,
    PathMatches,
    RequestHandler,
    ReversibleRuleRouter,
    RouteError,
    Router,
    Rule,
    RuleRouter,
    stream_request_body,
)
from eyewall.web.testing import AppClient

if TYPE_CHECKING:
    from eyewall.httpserver import HTTPMessageDelegate


class Say(RequestHandler):
    def initialize(self, word: str = "plain") -> None:
        self.word = word

    def get(self, *args: str, **kwargs: str) -> None:
        self.write({"word": self.word, "args": list(args), "kwargs": kwargs})


def app(word: str, pattern: str = "/.*", name: str | None = None) -> Application:
    return Application([(pattern, Say, {"word": word}, name)])


async def said(router: Any, path: str, **headers: str) -> Any:
    response = await AppClient(router).get(
        path, headers={name.replace("_", "-"): value for name, value in headers.items()}
    )
    return response.json()["word"] if response.code == 200 else response.code


def answer(request: HTTPServerRequest) -> None:
    body = b'{"word": "function"}'
    headers = HTTPHeaders({"Content-Length": str(len(body))})
    request.connection.write_headers(ResponseStartLine("HTTP/1.1", 200, "OK"), headers, body)
    request.connection.finish()


async def test_the_first_rule_that_matches_decides() -> None:
    router = RuleRouter(
        [
            (HostMatches(r".*\.example"), app("host")),
            (PathMatches("/function"), answer),
            ("/nested/.*", [("/nested/a", app("a")), ("/nested/(.*)", app("rest"))]),
            Rule(PathMatches("/rule"), app("rule")),
        ]
    )
    assert await said(router, "/", Host="www.EXAMPLE:8080") == "host"
    assert await said(router, "/function") == "function"
    assert await said(router, "/nested/a") == "a"
    assert await said(router, "/nested/b") == "rest"
    assert await said(router, "/rule") == "rule"
    assert await said(router, "/nothing") == 404


async def test_a_rule_may_lead_to_a_handler_in_an_application() -> None:
    class Odd(Matcher):
        def match(self, request: HTTPServerRequest) -> dict[str, Any] | None:
            return {"path_args": [b"odd"]} if len(request.path) % 2 else None

    application = Application(
        [
            (HostMatches("api.example"), [("/a", Say, {"word": "nested"}, "a"), ("/b/(.*)", Say)]),
            (Odd(), Say, {"word": "odd"}),
            (PathMatches("/even"), answer),
            Rule(AnyMatches(), Say, {"word": "any"}),
        ]
    )
    assert await said(application, "/a", Host="api.example") == "nested"
    assert await said(application, "/abcdef") == "odd"
    assert (await AppClient(application).get("/abcdef")).json()["args"] == ["odd"]
    assert await said(application, "/a") == "any"
    assert application.reverse_url("a") == "/a"


async def test_an_application_inside_an_application_answers_with_its_own_settings() -> None:
    inner = Application([("/inner/(.*)", Say, {"word": "inner"}, "inside")])
    outer = Application([(PathMatches("/inner/.*"), inner), ("/outer", Say, {"word": "outer"})])
    assert await said(outer, "/inner/x") == "inner"
    assert await said(outer, "/outer") == "outer"
    assert outer.reverse_url("inside", "x") == "/inner/x"
    with pytest.raises(KeyError, match="no route is named 'nothing'"):
        outer.reverse_url("nothing")


async def test_what_is_handed_on_streams() -> None:
    seen: list[bytes] = []

    @stream_request_body
    class Take(RequestHandler):
        def data_received(self, chunk: bytes) -> None:
            seen.append(chunk)

        def post(self) -> None:
            self.write("done")

    outer = Application([(PathMatches("/.*"), Application([("/up", Take)]))])
    assert (await AppClient(outer).post("/up", body=b"body")).text == "done"
    assert seen == [b"body"]


async def test_hosts_have_routes_of_their_own_before_the_common_ones() -> None:
    application = Application([("/", Say, {"word": "common"})])
    application.add_handlers(r"www\.example", [("/", Say, {"word": "www"}), ("/only", Say, {"word": "only"})])
    assert await said(application, "/", Host="www.example") == "www"
    assert await said(application, "/", Host="www.example.evil") == "common"
    assert await said(application, "/") == "common"
    assert await said(application, "/only") == 404


async def test_a_host_that_nobody_knows_gets_the_default_hosts_routes() -> None:
    application = Application(default_host="www.example")
    application.add_handlers(r"www\.example", [("/", Say, {"word": "www"})])
    assert await said(application, "/", Host="10.0.0.1") == "www"
    assert await said(application, "/", Host="10.0.0.1", X_Real_Ip="10.0.0.2") == 404


async def test_a_router_of_ones_own_may_choose_a_handler() -> None:
    class ByQuery(Router):
        def __init__(self, application: Application) -> None:
            self.application = application

        def find_handler(self, request: HTTPServerRequest, **kwargs: Any) -> HTTPMessageDelegate | None:
            if request.query != "known":
                return None
            return self.application.get_handler_delegate(request, Say, {"word": "chosen"}, path_args=[b"x"])

    router = ByQuery(Application())
    assert (await AppClient(router).get("/?known")).json() == {"word": "chosen", "args": ["x"], "kwargs": {}}
    assert await said(router, "/?unknown") == 404
    inside = Application([(PathMatches("/.*"), router), ("/other", Say, {"word": "next"})])
    assert await said(inside, "/other") == "next"


def test_rules_with_names_can_be_had_back() -> None:
    inner = Application([("/inner/([a-z]+)", Say, None, "inner")])
    router = ReversibleRuleRouter([("/named/(.*)", answer, None, "named"), (PathMatches("/inner/.*"), inner)])
    assert router.reverse_url("named", "a b") == "/named/a%20b"
    with pytest.raises(KeyError):
        router.reverse_url("nothing")
    assert ReversibleRuleRouter([("/x", answer)]).reverse_url("nothing") is None


@pytest.mark.parametrize("rules", [["/x"], [("/x",)], [("/x", answer, None, "name", "more")]])
def test_a_rule_that_is_none_is_refused(rules: Any) -> None:
    with pytest.raises(RouteError, match="is none: make it a tuple"):
        RuleRouter(rules)


async def test_a_target_that_cannot_answer_is_told() -> None:
    wrong: Any = 7
    with pytest.raises(RouteError, match="the target 7 cannot answer requests"):
        await said(RuleRouter([("/x", wrong)]), "/x")
    with pytest.raises(RouteError, match="host '\\(' is not a regular expression"):
        HostMatches("(")
