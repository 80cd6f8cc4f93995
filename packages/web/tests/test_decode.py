"""Bodies of JSON as values of a type, by each of the libraries that can be there, and without any."""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from enum import Enum
from typing import Annotated, Any, ClassVar, Literal, NotRequired, TypedDict
from uuid import UUID

import pytest

from eyewall.web import Application, BodyError, Handler, RequestHandler
from eyewall.web import _decode as decoding
from eyewall.web._json import encode_result
from eyewall.web.testing import AppClient


class Size(Enum):
    SMALL = "s"
    LARGE = "l"


class Address(TypedDict):
    city: str
    street: NotRequired[str]


@dataclass
class Item:
    name: str
    price: float
    size: Size = Size.SMALL
    tags: list[str] = field(default_factory=list)


@dataclass
class Order:
    items: list[Item]
    address: Address
    due: date | None = None
    key: UUID | None = None
    kind: Literal["gift", "plain"] = "plain"
    counts: dict[str, int] = field(default_factory=dict)
    pair: tuple[int, str] | None = None


GOOD: dict[str, Any] = {
    "items": [{"name": "a", "price": 1, "size": "l", "tags": ["x"]}, {"name": "b", "price": 2.5}],
    "address": {"city": "Bern"},
    "due": "2024-02-29",
    "key": "12345678-1234-5678-1234-567812345678",
    "kind": "gift",
    "counts": {"a": 1},
    "pair": [1, "b"],
    "unknown": "is left out",
}


@pytest.fixture(params=["msgspec", "ourselves"])
def decoder(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    module = pytest.importorskip("msgspec") if request.param == "msgspec" else None
    monkeypatch.setitem(decoding.installed, "msgspec", module)
    return str(request.param)


def changed(**members: object) -> bytes:
    return json.dumps({**GOOD, **members}).encode()


@dataclass
class Envelope:
    content: object


@pytest.mark.usefixtures("decoder")
@pytest.mark.parametrize(
    ("kind", "value"),
    [
        (object, {"a": [1]}),
        (dict[str, object], {"a": 1, "b": {"c": [None, 2.5]}}),
        (list[dict[str, object]], [{}, {"a": "b"}]),
        (tuple[int, object], (1, ["x"])),
    ],
)
def test_an_object_may_be_whatever_json_has(kind: Any, value: object) -> None:
    assert decoding.decode_json(json.dumps(value).encode(), kind) == value
    assert decoding.decode_json(json.dumps({"content": value}).encode(), Envelope) == Envelope(
        json.loads(json.dumps(value))
    )


@pytest.mark.usefixtures("decoder")
def test_a_value_of_many_types_is_read() -> None:
    order = decoding.decode_json(changed(), Order)
    assert order == Order(
        items=[Item("a", 1.0, Size.LARGE, ["x"]), Item("b", 2.5)],
        address={"city": "Bern"},
        due=date(2024, 2, 29),
        key=UUID("12345678123456781234567812345678"),
        kind="gift",
        counts={"a": 1},
        pair=(1, "b"),
    )
    assert isinstance(order.items[0].price, float)


@pytest.mark.usefixtures("decoder")
@pytest.mark.parametrize(
    ("members", "where"),
    [
        ({"items": 1}, "$.items"),
        ({"items": [{"name": "a"}]}, "$.items[0]"),
        ({"items": [{"name": "a", "price": "1"}]}, "$.items[0].price"),
        ({"items": [{"name": "a", "price": 1, "tags": [1]}]}, "$.items[0].tags[0]"),
        ({"items": [{"name": "a", "price": 1, "size": "xl"}]}, "$.items[0].size"),
        ({"address": {}}, "$.address"),
        ({"address": {"city": None}}, "$.address.city"),
        ({"due": "2023-02-29"}, "$.due"),
        ({"key": "x"}, "$.key"),
        ({"kind": "other"}, "$.kind"),
        ({"counts": {"a": "b"}}, "$.counts[...]"),
        ({"pair": [1]}, "$.pair"),
        ({"items": True}, "$.items"),
    ],
)
def test_what_does_not_fit_is_told_with_its_place(members: dict[str, object], where: str) -> None:
    with pytest.raises(BodyError) as caught:
        decoding.decode_json(changed(**members), Order)
    assert (caught.value.status_code, caught.value.where) == (422, where)
    assert caught.value.problem


@pytest.mark.usefixtures("decoder")
@pytest.mark.parametrize(
    "body", [b"", b" ", b"{", b"{'a': 1}", b"\xff", b'{"a": 1} x', b"\f1", b"[" * 100_000, b"[NaN]", b"-Infinity"]
)
def test_what_is_no_json_is_a_bad_request(body: bytes) -> None:
    with pytest.raises(BodyError) as caught:
        decoding.decode_json(body, object)
    assert caught.value.status_code == 400


@pytest.mark.parametrize("text", ["1", ' \t{"é": ["\\n", 2.5]}\r\n', '"\U0001f300"', "[]", "null"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-32-be"])
def test_without_msgspec_a_body_is_read_as_json_loads_reads_it(
    text: str, encoding: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(decoding.installed, "msgspec", None)
    assert decoding.decode_json(text.encode(encoding), object) == json.loads(text)


@pytest.mark.usefixtures("decoder")
def test_a_number_that_is_not_finite_is_returned_as_null() -> None:
    nan, infinity = float("nan"), float("inf")
    assert json.loads(encode_result(Item("é", nan, tags=["NaN"])))["price"] is None
    written = encode_result({"a": [nan, {"b": (0.5, -infinity)}], "c": {date(2024, 2, 29)}})
    assert written == b'{"a":[null,{"b":[0.5,null]}],"c":["2024-02-29"]}'


@pytest.mark.usefixtures("decoder")
@pytest.mark.parametrize(
    ("kind", "body", "wrong"),
    [
        (int, b"1", b"1.5"),
        (int, b"1", b"true"),
        (str, b'"a"', b"1"),
        (bool, b"true", b"1"),
        (type(None), b"null", b"0"),
        (list[int], b"[1]", b'["a"]'),
        (set[int], b"[1]", b"{}"),
        (set, b"[1]", b"[[1]]"),
        (frozenset, b"[1]", b"[{}]"),
        (tuple[int, ...], b"[1, 2]", b'[1, "a"]'),
        (dict[str, int], b'{"a": 1}', b"[]"),
        (int | str, b'"a"', b"[]"),
        (list, b"[1]", b'"abc"'),
        (float, b"1", b"1" + b"0" * 400),
        (bytes, b'"YQ=="', b"1"),
        (bytearray, b'"YQ=="', b'"?"'),
        (Literal[1], b"1", b"true"),
    ],
)
def test_each_type_takes_its_own(kind: Any, body: bytes, wrong: bytes) -> None:
    decoding.decode_json(body, kind)
    with pytest.raises(BodyError):
        decoding.decode_json(wrong, kind)


@dataclass
class Node:
    name: str
    counted: ClassVar[int] = 0
    inside: list[Node] = field(default_factory=list)
    depth: int = field(init=False, default=0)

    def __post_init__(self) -> None:
        if not self.name:
            raise ValueError("a node needs a name")
        self.depth = 1 + max((node.depth for node in self.inside), default=0)


@pytest.mark.usefixtures("decoder")
def test_a_class_may_have_members_of_its_own_kind() -> None:
    node = decoding.decode_json(b'{"name": "a", "inside": [{"name": "b"}, {"name": "c"}], "counted": 7}', Node)
    assert (node.depth, node.counted, node.inside[1]) == (2, 0, Node("c"))
    with pytest.raises(BodyError, match="a node needs a name") as caught:
        decoding.decode_json(b'{"name": "a", "inside": [{"name": "b"}, {"name": ""}]}', Node)
    assert (caught.value.status_code, caught.value.where) == (422, "$.inside[1]")


@pytest.mark.usefixtures("decoder")
@pytest.mark.parametrize(("depth", "outcomes"), [(30, {30}), (300, {300, 400}), (3000, {3000, 400})])
def test_a_body_that_is_too_deep_is_a_bad_request(depth: int, outcomes: set[int]) -> None:
    body = b'{"name": "a", "inside": [' * depth + b"]}" * depth
    try:
        outcome = decoding.decode_json(body, Node).depth
    except BodyError as error:
        outcome = error.status_code
    assert outcome in outcomes


@pytest.mark.usefixtures("decoder")
def test_what_a_class_has_for_all_its_objects_is_not_written() -> None:
    assert json.loads(encode_result(Node("a"))) == {"name": "a", "inside": [], "depth": 1}


class Plain:
    """What no JSON can be read as."""

    name: str


class Holder(TypedDict):
    plain: Plain | None


@pytest.mark.usefixtures("decoder")
@pytest.mark.parametrize("value", [{"name": "a"}, "a", 1])
@pytest.mark.parametrize(("kind", "form"), [(Plain, "%s"), (list[Plain], "[%s]"), (Holder, '{"plain": %s}')])
def test_a_type_that_no_json_can_be_read_as_is_the_program_s_mistake(kind: Any, form: str, value: object) -> None:
    with pytest.raises(TypeError, match="Plain'> cannot be read from JSON: give a dataclass, a TypedDict"):
        decoding.decode_json((form % json.dumps(value)).encode(), kind)


@pytest.mark.usefixtures("decoder")
@pytest.mark.parametrize("kind", [date, UUID, Decimal, Size, list[UUID], Item, Holder])
@pytest.mark.parametrize("body", [b"{}", b"[{}]", b"[1]", b'"x"', b"1", b"true"])
def test_a_client_is_never_taken_for_the_program(kind: Any, body: bytes) -> None:
    with suppress(BodyError):
        decoding.decode_json(body, kind)


class Mixed(Enum):
    TEXT = "a"
    NUMBER = 2


@pytest.mark.usefixtures("decoder")
def test_what_can_be_read_without_msgspec_can_be_with_it() -> None:
    kind: Any = list[Item | Address | Mixed]
    given = decoding.decode_json(b'[{"name": "a", "price": 1}, {"city": "Bern"}, 2]', kind)
    assert given == [Item("a", 1.0), {"city": "Bern"}, Mixed.NUMBER]
    with pytest.raises(BodyError) as caught:
        decoding.decode_json(b'[{"name": "a"}]', kind)
    assert (caught.value.status_code, caught.value.where) == (422, "$[0]")


def test_msgspec_says_why_it_refuses_its_own_types() -> None:
    msgspec = pytest.importorskip("msgspec")
    one, other = msgspec.defstruct("One", ["a"]), msgspec.defstruct("Other", ["b"])
    with pytest.raises(TypeError, match="tagged"):
        decoding.decode_json(b'{"a": 1}', one | other)


def test_an_abstract_type_is_read_by_msgspec() -> None:
    pytest.importorskip("msgspec")
    kind: Any = Mapping
    assert decoding.decode_json(b'{"a": 1}', kind) == {"a": 1}
    with pytest.raises(BodyError):
        decoding.decode_json(b"[]", kind)


def test_a_model_of_pydantic_reads_itself() -> None:
    pydantic = pytest.importorskip("pydantic")
    model: Any = pydantic.create_model("Model", count=(int, ...), inner=(list[int], []))
    assert decoding.decode_json(b'{"count": 1}', model).count == 1
    for body, status, where in (
        (b'{"count": "x"}', 422, "$.count"),
        (b'{"count": 1, "inner": [1, "x"]}', 422, "$.inner[1]"),
        (b"{", 400, "$"),
    ):
        with pytest.raises(BodyError) as caught:
            decoding.decode_json(body, model)
        assert (caught.value.status_code, caught.value.where) == (status, where)


async def test_a_client_is_told_what_is_wrong_and_where() -> None:
    class Take(RequestHandler):
        def post(self) -> None:
            self.write(str(self.json(Item).price))

    client = AppClient(Application([("/", Take)]))
    assert (await client.post("/", json={"name": "a", "price": 1})).text == "1.0"
    wrong = await client.post("/", json={"name": "a", "price": "<b>"})
    assert (wrong.code, wrong.json()["where"]) == (422, "$.price")
    assert wrong.headers["Content-Type"].startswith("application/json")
    assert (await client.post("/", body=b"{")).code == 400
    assert (await client.post("/", data={"name": "a"})).code == 415
    problem = {"Content-Type": "application/vnd.mine+json"}
    assert (await client.post("/", body=b'{"name": "a", "price": 1}', headers=problem)).code == 200


@pytest.mark.usefixtures("decoder")
async def test_what_was_read_can_be_returned() -> None:
    class Echo(Handler[None]):
        def post(self) -> Order:
            return self.json(Order)

    answer = (await AppClient(Application([("/", Echo)])).post("/", body=changed())).json()
    assert answer["items"][0] == {"name": "a", "price": 1.0, "size": "l", "tags": ["x"]}
    assert (answer["due"], answer["key"], answer["pair"]) == ("2024-02-29", GOOD["key"], [1, "b"])


def test_a_type_without_a_hash_is_read_by_msgspec_as_often_as_asked() -> None:
    pytest.importorskip("msgspec")
    kind: Any = Annotated[dict[str, int], ["no", "hash"]]
    assert [decoding.decode_json(b'{"a": %d}' % number, kind) for number in (1, 2)] == [{"a": 1}, {"a": 2}]


def test_types_that_differ_in_order_only_are_told_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(decoding.installed, "msgspec", None)
    kinds: list[Any] = [date | str, str | date]
    read = [decoding.decode_json(b'"2024-02-29"', kind) for kind in kinds]
    assert read == [date(2024, 2, 29), "2024-02-29"]
