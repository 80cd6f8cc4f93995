"""The JSON API, as a program meets it."""

from __future__ import annotations

from datetime import datetime
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import pytest
from visiting import PASSWORD

from board.api import MAX_JSON_BYTES
from board.messages import MAX_BODY
from eyewall.web.testing import AppClient

if TYPE_CHECKING:
    from visiting import Visitor

    from board import Board
    from eyewall.ioloop import IOLoop
    from eyewall.web import Application
    from eyewall.web.testing import AppResponse

MESSAGES = "/api/messages"
LUNCH = {"title": "Lunch", "body": "At noon."}
JSON = {"Content-Type": "application/json"}


class Program:
    """A program that has signed in."""

    def __init__(self, client: AppClient, token: str) -> None:
        self.client = client
        self.headers = {"Authorization": f"Bearer {token}"}

    async def send(self, **fields: object) -> AppResponse:
        return await self.client.post(MESSAGES, json={**LUNCH, **fields}, headers=self.headers)

    async def post(self, **fields: object) -> dict[str, Any]:
        response = await self.send(**fields)
        assert response.code == 201, response.text
        created: dict[str, Any] = response.json()
        return created


async def signed_in(client: AppClient, name: str) -> Program:
    response = await client.post("/api/tokens", json={"name": name, "password": PASSWORD})
    assert response.code == 201, response.text
    return Program(client, response.json()["token"])


@pytest.fixture
def client(io_loop: IOLoop, app: Application[Board]) -> AppClient:
    return AppClient(app, io_loop=io_loop)


@pytest.fixture
def program(io_loop: IOLoop, client: AppClient, ada: Visitor) -> Program:
    return io_loop.run_sync(lambda: signed_in(client, "Ada King"))


@pytest.fixture
def other(io_loop: IOLoop, client: AppClient, jun: Visitor) -> Program:
    return io_loop.run_sync(lambda: signed_in(client, "Jun"))


async def test_an_empty_board_is_an_empty_list(client: AppClient) -> None:
    response = await client.get(MESSAGES)
    assert response.headers["Content-Type"].startswith("application/json")
    assert response.json() == {"messages": [], "next": None}


async def test_a_posted_message_comes_back_with_its_address(program: Program) -> None:
    response = await program.send(pinned=True)
    created = response.json()
    assert response.code == 201
    assert response.headers["Location"] == f"{MESSAGES}/{created['id']}"
    assert datetime.fromisoformat(created.pop("posted")).utcoffset() is not None
    expected = {"author": "Ada King", **LUNCH, "pinned": True, "photo": None, "reply_to": None, "reply_count": 0}
    assert created == {"id": created["id"], **expected}


async def test_who_has_no_token_reads_and_does_not_write(client: AppClient, program: Program) -> None:
    created = await program.post()
    path = f"{MESSAGES}/{created['id']}"
    assert (await client.get(path)).code == 200
    token = program.headers["Authorization"].partition(" ")[2]
    for value in ("", "Bearer", "Bearer x", f"Basic {token}", f"Bearer {token}x", f"Bearer {token[::-1]}"):
        for response in (
            await client.post(MESSAGES, json=LUNCH, headers={"Authorization": value}),
            await client.delete(path, headers={"Authorization": value}),
        ):
            assert response.code == 401
            assert "/api/tokens" in response.json()["error"]


async def test_a_browser_s_cookie_is_no_token(ada: Visitor, jun: Visitor) -> None:
    session = ada.cookies["board_session"]
    assert (await ada.post(MESSAGES, json=LUNCH)).code == 401
    assert (await jun.post(MESSAGES, json=LUNCH, headers={"Authorization": f"Bearer {session}"})).code == 401


@pytest.mark.parametrize(("name", "password"), [("Ada King", "wrong password"), ("Eve", PASSWORD), ("", "")])
async def test_a_wrong_name_or_password_gets_no_token(
    client: AppClient, ada: Visitor, name: str, password: str
) -> None:
    response = await client.post("/api/tokens", json={"name": name, "password": password})
    assert (response.code, list(response.json())) == (403, ["error"])


async def test_a_list_goes_on_at_next_until_that_is_null(client: AppClient, program: Program) -> None:
    for number in range(5):
        await program.post(title=str(number))
    titles: list[str] = []
    path: str | None = f"{MESSAGES}?limit=2"
    while path is not None:
        page = (await client.get(path)).json()
        titles += [message["title"] for message in page["messages"]]
        path = page["next"]
    assert titles == ["4", "3", "2", "1", "0"]


async def test_a_message_comes_with_its_replies(client: AppClient, program: Program, other: Program) -> None:
    notice = (await program.post())["id"]
    reply = await other.post(body="Yes.", reply_to=notice)
    shown = (await client.get(f"{MESSAGES}/{notice}")).json()
    assert shown["message"]["reply_count"] == 1
    assert [(r["id"], r["author"], r["body"]) for r in shown["replies"]] == [(reply["id"], "Jun", "Yes.")]


async def test_who_posted_a_message_deletes_it_and_nobody_else(
    client: AppClient, program: Program, other: Program
) -> None:
    path = f"{MESSAGES}/{(await program.post())['id']}"
    assert (await client.delete(path, headers=other.headers)).code == 403
    response = await client.delete(path, headers=program.headers)
    assert (response.code, response.body) == (204, b"")
    assert (await client.get(path)).code == 404


@pytest.mark.parametrize("body", ["", "{", b"\xff\xfe\xfa"])
async def test_what_is_no_json_is_a_400(client: AppClient, program: Program, body: str | bytes) -> None:
    response = await client.post(MESSAGES, body=body, headers={**JSON, **program.headers})
    assert response.code == 400
    assert response.json()["error"]


@pytest.mark.parametrize(
    "media_type", ["application/x-www-form-urlencoded", "text/plain", "text/plain;application/json"]
)
async def test_another_media_type_is_a_415(client: AppClient, program: Program, media_type: str) -> None:
    response = await client.post(MESSAGES, body="{}", headers={"Content-Type": media_type, **program.headers})
    assert response.code == 415
    assert response.json()["error"]


async def test_a_media_type_may_have_parameters_and_capitals(client: AppClient, program: Program) -> None:
    headers = {"Content-Type": "Application/JSON; charset=utf-8", **program.headers}
    assert (await client.post(MESSAGES, body='{"title": "T", "body": "B"}', headers=headers)).code == 201


async def test_a_body_beyond_the_limit_is_a_413(client: AppClient) -> None:
    response = await client.post(MESSAGES, json={**LUNCH, "body": "x" * MAX_JSON_BYTES})
    assert response.code == 413
    assert str(MAX_JSON_BYTES) in response.json()["error"]


@pytest.mark.parametrize(
    ("fields", "at_fault"),
    [
        ({"title": "  "}, "title"),
        ({"body": "x" * (MAX_BODY + 1)}, "body"),
        ({"title": 3}, "title"),
        ({"body": None}, "body"),
        ({"title": ["x"]}, "title"),
        ({"pinned": "yes"}, "pinned"),
        ({"reply_to": "1"}, "reply_to"),
        ({"reply_to": True}, "reply_to"),
        ({"reply_to": 10**30}, "reply_to"),
        ({"reply_to": 99}, "reply_to"),
    ],
)
async def test_a_field_that_is_not_as_it_should_be_is_a_422_that_names_it(
    client: AppClient, program: Program, fields: dict[str, object], at_fault: str
) -> None:
    response = await program.send(**fields)
    assert response.code == 422
    assert list(response.json()["fields"]) == [at_fault]
    assert (await client.get(MESSAGES)).json()["messages"] == []


@pytest.mark.parametrize("body", ["[1]", "null", '"text"', "{}", "[" * 20_000])
async def test_json_that_is_no_message_is_refused(client: AppClient, program: Program, body: str) -> None:
    response = await client.post(MESSAGES, body=body, headers={**JSON, **program.headers})
    assert response.code == (400 if body.startswith("[[") and not find_spec("msgspec") else 422)
    assert response.json()["error"]


@pytest.mark.parametrize("query", ["limit=0", "limit=101", "limit=x", "limit=-1", "limit=²", "before=x", "before=-1"])
async def test_a_query_that_makes_no_sense_is_a_400(client: AppClient, query: str) -> None:
    response = await client.get(f"{MESSAGES}?{quote(query, safe='=')}")
    assert response.code == 400
    name = query.partition("=")[0]
    assert response.json()["error"].startswith(f"{name} is ")
    assert list(response.json()["fields"]) == [name]


@pytest.mark.parametrize("path", ["/api", "/api/", "/api/nothing", f"{MESSAGES}/7", f"{MESSAGES}/x"])
@pytest.mark.parametrize("method", ["GET", "DELETE"])
async def test_an_address_that_leads_nowhere_is_a_404_in_json(client: AppClient, method: str, path: str) -> None:
    response = await client.request(method, path)
    assert response.code == 404
    assert response.json()["error"]


async def test_a_method_that_is_not_there_is_a_405_in_json(client: AppClient) -> None:
    response = await client.request("PUT", MESSAGES, json=LUNCH)
    assert (response.code, response.json()) == (405, {"error": "Method Not Allowed"})


async def test_half_of_a_surrogate_pair_does_no_harm(client: AppClient, program: Program) -> None:
    response = await client.post(
        MESSAGES, body='{"title": "T", "body": "half \\ud83d"}', headers={**JSON, **program.headers}
    )
    assert response.code in {201, 400}  # msgspec, where it is installed, refuses it
    assert (await client.get("/")).code == 200
