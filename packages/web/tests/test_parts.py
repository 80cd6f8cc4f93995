"""Paths with places for values of a type."""

from __future__ import annotations

from datetime import date
from typing import Any
from uuid import UUID

import pytest

from eyewall.web import PATH, ROOT, Application, Part, RequestHandler, RouteError, URLSpec, register_part
from eyewall.web.testing import AppClient

DATE = Part("[0-9]{4}-[0-9]{2}-[0-9]{2}", date.fromisoformat)
register_part("date", DATE)


class Echo(RequestHandler):
    def get(self, **places: Any) -> None:
        self.write({name: repr(value) for name, value in places.items()})


async def places(template: str, path: str) -> dict[str, str] | int:
    response = await AppClient(Application([(template, Echo)])).get(path)
    found: dict[str, str] = response.json() if response.code == 200 else {}
    return found if response.code == 200 else response.code


@pytest.mark.parametrize(
    ("template", "path", "expected"),
    [
        ("/{a}", "/x%20y", {"a": "'x y'"}),
        ("/{a}", "/x/y", 404),
        ("/{a}", "/", 404),
        ("/{a}", "/%ff", 400),
        ("/{a}/{b:int}", "/x/007", {"a": "'x'", "b": "7"}),
        ("/{b:int}", "/x", 404),
        ("/{b:int}", "/-1", 404),
        ("/{b:int}", "/\uff11", 404),
        ("/{c:float}.json", "/1.5.json", {"c": "1.5"}),
        ("/{c:float}", "/nan", 404),
        ("/files/{d:path}", "/files/a/b", {"d": "'a/b'"}),
        ("/{e:uuid}", "/12345678-1234-5678-1234-567812345678", {"e": repr(UUID("12345678123456781234567812345678"))}),
        ("/{e:uuid}", "/12345678", 404),
        ("/{f:date}", "/2024-02-29", {"f": "datetime.date(2024, 2, 29)"}),
        ("/{f:date}", "/2023-02-29", 404),
        ("/a.b/{a}", "/axb/c", 404),
        ("/{a}-{b}", "/x-y", {"a": "'x'", "b": "'y'"}),
    ],
)
async def test_a_place_takes_what_is_of_its_type(template: str, path: str, expected: object) -> None:
    assert await places(template, path) == expected


async def test_an_integer_of_many_digits_is_no_error_of_ours() -> None:
    assert await places("/{a:int}", "/" + "9" * 5000) == 404


def test_the_path_of_a_template_can_be_had_back() -> None:
    app = Application([("/users/{user_id:int}/{slug}", Echo, None, "user")])
    assert app.reverse_url("user", 7, "a b") == "/users/7/a%20b"


class Typed(RequestHandler):
    def get(self, user_id: int, slug: str) -> None:
        self.write(f"{user_id + 1} {slug}")

    def post(self, user_id: int | None, slug: object) -> None: ...

    async def put(self, user_id: float, slug: Any) -> None: ...


class NoSlug(RequestHandler):
    def get(self, user_id: int) -> None: ...


class WrongType(RequestHandler):
    def get(self, user_id: int, slug: str) -> None: ...

    def post(self, user_id: str, slug: str) -> None: ...


async def test_a_handler_whose_annotations_fit_is_taken() -> None:
    client = AppClient(Application([("/users/{user_id:int}/{slug}", Typed)]))
    assert (await client.get("/users/41/x")).text == "42 x"


@pytest.mark.parametrize(
    ("handler", "message"),
    [
        (NoSlug, r"route '/users/\{user_id:int\}/\{slug\}': NoSlug.get\(\) does not take what the route gives.*slug"),
        (WrongType, r"route .*: WrongType.post\(\) wants user_id as str, and the route gives int"),
    ],
)
def test_one_whose_do_not_is_refused_at_the_start(handler: type[RequestHandler], message: str) -> None:
    with pytest.raises(RouteError, match=message):
        Application([("/users/{user_id:int}/{slug}", handler)])


@pytest.mark.parametrize(
    ("template", "message"),
    [
        ("/{a:nothing}", "there is no part 'nothing'; there are str, int, float, path, uuid"),
        ("/{a}/{a}", "two places named 'a'"),
        (r"/{a}/(\d+)", "mixes {places} with a regular expression"),
    ],
)
def test_a_template_that_cannot_be_is_refused(template: str, message: str) -> None:
    with pytest.raises(RouteError, match=message):
        URLSpec(template, Echo)


async def test_the_braces_of_a_regular_expression_stay_what_they_are() -> None:
    class Year(RequestHandler):
        def get(self, year: str) -> None:
            self.write(year)

    client = AppClient(Application([(r"/(\d{4})", Year)]))
    assert ((await client.get("/2024")).text, (await client.get("/20")).code) == ("2024", 404)


def test_parts_that_cannot_be_are_refused() -> None:
    with pytest.raises(RouteError, match="has groups"):
        Part("(a)", str)
    with pytest.raises(RouteError, match="is not a regular expression"):
        Part("(", str)
    with pytest.raises(RouteError, match="there is a part 'int' already"):
        register_part("int", DATE)
    with pytest.raises(RouteError, match="'a b' is not a name"):
        register_part("a b", DATE)


def test_a_part_knows_its_type() -> None:
    def shout(text: str) -> bytes:
        return text.upper().encode()

    assert (Part("a", int).type, DATE.type, Part("a", shout).type, Part("a", lambda text: text).type) == (
        int,
        date,
        bytes,
        object,
    )


async def test_a_thousand_routes_are_searched_in_their_order() -> None:
    class Number(RequestHandler):
        def initialize(self, number: int) -> None:
            self.number = number

        def get(self, *args: str, **kwargs: str) -> None:
            self.write({"number": self.number})

    routes: list[tuple[str, type[RequestHandler], dict[str, int]]] = [
        (f"/section{number}/{{name}}", Number, {"number": number}) for number in range(1000)
    ]
    routes.insert(500, (r"/(?:section7|section700)/.*", Number, {"number": -1}))
    client = AppClient(Application(routes))
    answers = [(await client.get(f"/section{number}/x")).json()["number"] for number in (0, 7, 499, 500, 700, 999)]
    assert answers == [0, 7, 499, 500, -1, 999]
    assert (await client.get("/section1000/x")).code == 404


@pytest.mark.parametrize(
    ("template", "path", "expected"),
    [
        ("/{a}.{b}", "/x.tar.gz", {"a": "'x.tar'", "b": "'gz'"}),
        ("/{a}.{b}", "/x.", 404),
        ("/{a}.{b}/{c}", "/x.y.z/u.v", {"a": "'x.y'", "b": "'z'", "c": "'u.v'"}),
        ("/{a:int}-{b}", "/42-a-b-c", {"a": "42", "b": "'a-b-c'"}),
        ("/{a:path}/{b}.{c}", "/x/y/z.t.u", {"a": "'x/y'", "b": "'z.t'", "c": "'u'"}),
        ("/{a}-{e:uuid}", "/x-12345678-1234-5678-1234-567812345678", 200),
    ],
)
async def test_of_two_places_the_first_takes_all_up_to_the_last_text_between(
    template: str, path: str, expected: object
) -> None:
    found = await places(template, path)
    assert (200 if expected == 200 and isinstance(found, dict) else found) == expected


@pytest.mark.parametrize(
    ("template", "problem"),
    [
        ("/{a}{b}", "two places with nothing between"),
        ("/{a:path}/x/{b:path}", "the place 'b' may hold '/', and so may one before it"),
        ("/{a}.{b:float}", "the place 'b' may hold '.'"),
        ("/{a}.{b:path}", "the place 'b' may hold '.'"),
    ],
)
def test_places_whose_ends_are_in_doubt_are_refused(template: str, problem: str) -> None:
    with pytest.raises(RouteError, match=problem):
        URLSpec(template, Echo)


def test_so_are_parts_of_a_typed_path() -> None:
    with pytest.raises(RouteError, match="two parts that may hold slashes"):
        _ = ROOT / PATH / "x" / PATH
