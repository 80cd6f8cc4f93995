"""Pages of other origins that read what is answered."""

from __future__ import annotations

from typing import Any

import pytest

from eyewall.web import CORS, Application, HTTPError, RequestHandler, RouteError, SettingError
from eyewall.web.testing import AppClient, AppResponse

APP, EVIL = "https://app.example", "https://evil.example"


class Plain(RequestHandler):
    def prepare(self) -> None:
        if self.get_argument("key", None) is None:
            raise HTTPError(401)

    def get(self) -> None:
        self.set_header("Vary", "Accept-Language")
        self.write("secret " * 1000)

    def post(self) -> None:
        self.write("changed")


class Own(Plain):
    cors = CORS([APP, "http://localhost:3000"], credentials=True, response_headers=["X-Total"], max_age=60)


class Child(Own):
    cors = CORS("*")


def client(**settings: Any) -> AppClient:
    return AppClient(Application([("/plain", Plain), ("/own", Own), ("/child", Child)], **settings), host="api.example")


async def ask(app: AppClient, path: str, origin: str, method: str = "POST", **headers: str) -> AppResponse:
    fields = {"Origin": origin, "Access-Control-Request-Method": method, "Sec-Fetch-Site": "cross-site"}
    return await app.options(path, headers=fields | headers)


def fields_of(response: AppResponse) -> dict[str, str]:
    return {name: value for name, value in response.headers.items() if name.startswith("Access-Control-")}


async def test_without_a_policy_nothing_is_said() -> None:
    app = client()
    assert fields_of(await app.get("/plain?key=1", headers={"Origin": APP})) == {}
    assert (await ask(app, "/plain", APP)).code == 401


async def test_an_origin_that_is_listed_may_read_and_another_may_not() -> None:
    app = client()
    answer = await app.get("/own?key=1", headers={"Origin": APP})
    assert fields_of(answer) == {
        "Access-Control-Allow-Origin": APP,
        "Access-Control-Allow-Credentials": "true",
        "Access-Control-Expose-Headers": "X-Total",
    }
    assert answer.headers["Vary"] == "Accept-Language, Origin"
    for origin in (EVIL, "null", APP + ".evil.example", APP.upper(), f"{APP}, {EVIL}", ""):
        refused = await app.get("/own?key=1", headers={"Origin": origin})
        assert refused.code == 200
        assert fields_of(refused) == {}
        assert refused.headers["Vary"] == "Accept-Language, Origin"


async def test_who_asks_without_an_origin_gets_an_answer_that_no_cache_gives_to_a_page() -> None:
    answer = await client().get("/own?key=1")
    assert fields_of(answer) == {}
    assert answer.headers["Vary"] == "Accept-Language, Origin"


async def test_a_preflight_is_answered_before_the_handler_asks_who_it_is() -> None:
    answer = await ask(client(), "/own", APP)
    assert (answer.code, answer.body) == (204, b"")
    assert fields_of(answer) == {
        "Access-Control-Allow-Methods": "GET, POST",
        "Access-Control-Allow-Headers": "Content-Type",
        "Access-Control-Max-Age": "60",
        "Access-Control-Allow-Origin": APP,
        "Access-Control-Allow-Credentials": "true",
        "Access-Control-Expose-Headers": "X-Total",
    }
    assert answer.headers["Vary"] == "Access-Control-Request-Method, Access-Control-Request-Headers, Origin"


async def test_a_preflight_of_another_origin_is_refused() -> None:
    answer = await ask(client(), "/own", EVIL)
    assert answer.code == 403
    assert fields_of(answer) == {}


async def test_an_options_that_is_no_preflight_is_any_request() -> None:
    assert (await client().options("/own", headers={"Origin": APP})).code == 401
    assert (await client(automatic_options=True).options("/own?key=1", headers={"Origin": APP})).headers["Allow"]


async def test_error_pages_say_it_too() -> None:
    app = client(cors=CORS([APP]))
    for path, code in (("/own", 401), ("/plain", 401), ("/nowhere", 404)):
        answer = await app.get(path, headers={"Origin": APP})
        assert (answer.code, answer.headers["Access-Control-Allow-Origin"]) == (code, APP)
        assert "Origin" in answer.headers["Vary"]


async def test_the_setting_is_for_handlers_without_a_policy() -> None:
    app = client(cors=CORS("*", request_headers=["X-Key"], methods=["PUT"]), compress_response=True)
    answer = await app.get("/plain?key=1", headers={"Origin": EVIL, "Accept-Encoding": "gzip"})
    assert fields_of(answer) == {"Access-Control-Allow-Origin": "*"}
    assert (answer.headers["Content-Encoding"], answer.headers["Vary"]) == ("gzip", "Accept-Language, Accept-Encoding")
    asked = await ask(app, "/plain", EVIL)
    assert asked.headers["Access-Control-Allow-Methods"] == "PUT"
    assert asked.headers["Access-Control-Allow-Headers"] == "X-Key"
    assert fields_of(await app.get("/own?key=1", headers={"Origin": EVIL})) == {}
    own = await app.get("/own?key=1", headers={"Origin": APP, "Accept-Encoding": "gzip"})
    assert own.headers["Vary"] == "Accept-Language, Accept-Encoding, Origin"
    assert fields_of(await app.get("/child?key=1", headers={"Origin": EVIL})) == {"Access-Control-Allow-Origin": "*"}


async def test_an_origin_may_change_things_where_it_is_named_and_not_where_all_are_let_in() -> None:
    app = client()
    for path, origin, code in (("/own", APP, 200), ("/own", EVIL, 403), ("/child", APP, 403)):
        headers = {"Origin": origin, "Sec-Fetch-Site": "cross-site"}
        assert (await app.post(f"{path}?key=1", headers=headers)).code == code


async def test_a_policy_may_have_rules_of_its_own() -> None:
    class Subdomains(CORS):
        def allows(self, origin: str) -> bool:
            return origin.startswith("https://") and origin.endswith(".shop.example")

    app = client(cors=Subdomains([]))
    answer = await app.get("/plain?key=1", headers={"Origin": "https://a.shop.example"})
    assert answer.headers["Access-Control-Allow-Origin"] == "https://a.shop.example"
    assert fields_of(await app.get("/plain?key=1", headers={"Origin": "https://shop.example.evil"})) == {}


@pytest.mark.parametrize(
    ("problem", "arguments"),
    [
        ("with credentials for '\\*' would let every site", {"origins": "*", "credentials": True}),
        ("'\\*' is not an origin", {"origins": ["*"]}),
        ("'null' is not an origin", {"origins": ["null"]}),
        ("'https://a.example/' is not an origin", {"origins": ["https://a.example/"]}),
        ("'HTTPS://A.example' is not an origin", {"origins": ["HTTPS://A.example"]}),
        ("'https://a\\\\r\\\\nb' is not an origin", {"origins": ["https://a\r\nb"]}),
        ("'a.example' is not an origin", {"origins": ["a.example"]}),
        ("max_age is -1", {"origins": [], "max_age": -1}),
        ("request_headers has '\\*': write out each", {"origins": [], "request_headers": ["*"]}),
        ("methods has 'G\\\\nET'", {"origins": [], "methods": ["G\nET"]}),
    ],
)
def test_a_policy_that_makes_no_sense_is_refused(problem: str, arguments: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=problem):
        CORS(**arguments)


def test_a_text_is_no_list() -> None:
    with pytest.raises(TypeError, match=r"the origins are 'https://a.example': make them a list"):
        CORS("https://a.example")
    with pytest.raises(TypeError, match="methods is 'PUT': make it a list"):
        CORS([], methods="PUT")


def test_what_is_no_policy_is_told_when_the_application_is_made() -> None:
    class Wrong(RequestHandler):
        cors = "*"  # type: ignore[assignment] # what the check is for

    with pytest.raises(RouteError, match=r"Wrong.cors is '\*': make it CORS"):
        Application([("/", Wrong)])
    with pytest.raises(SettingError, match="the setting cors is True: make it CORS"):
        Application(cors=True)
