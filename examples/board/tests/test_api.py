"""The JSON API, as a program meets it."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import pytest

from board.api import MAX_JSON_BYTES
from board.messages import MAX_BODY

if TYPE_CHECKING:
    from eyewall.web.testing import AppClient

MESSAGES = "/api/messages"
LUNCH = {"author": "Ada King", "title": "Lunch", "body": "At noon."}


async def post(client: AppClient, **fields: object) -> dict[str, Any]:
    response = await client.post(MESSAGES, json={**LUNCH, **fields})
    assert response.code == 201, response.text
    created: dict[str, Any] = response.json()
    return created


async def test_an_empty_board_is_an_empty_list(client: AppClient) -> None:
    response = await client.get(MESSAGES)
    assert response.headers["Content-Type"].startswith("application/json")
    assert response.json() == {"messages": [], "next": None}


async def test_a_posted_message_comes_back_with_its_address_and_its_key(client: AppClient) -> None:
    response = await client.post(MESSAGES, json={**LUNCH, "pinned": True})
    created = response.json()
    assert response.code == 201
    assert response.headers["Location"] == f"{MESSAGES}/{created['id']}"
    key = created.pop("key")
    assert len(key) == 22
    assert datetime.fromisoformat(created.pop("posted")).utcoffset() is not None
    assert created == {"id": created["id"], **LUNCH, "pinned": True, "reply_to": None, "reply_count": 0}


async def test_nobody_is_told_the_key_or_the_owner_again(client: AppClient) -> None:
    created = await post(client)
    for path in (MESSAGES, f"{MESSAGES}/{created['id']}"):
        text = (await client.get(path)).text
        assert "key" not in text
        assert "owner" not in text


async def test_a_list_goes_on_at_next_until_that_is_null(client: AppClient) -> None:
    for number in range(5):
        await post(client, title=str(number))
    titles: list[str] = []
    path: str | None = f"{MESSAGES}?limit=2"
    while path is not None:
        page = (await client.get(path)).json()
        titles += [message["title"] for message in page["messages"]]
        path = page["next"]
    assert titles == ["4", "3", "2", "1", "0"]


async def test_a_message_comes_with_its_replies(client: AppClient) -> None:
    notice = (await post(client))["id"]
    reply = await post(client, author="Jun", body="Yes.", reply_to=notice)
    shown = (await client.get(f"{MESSAGES}/{notice}")).json()
    assert shown["reply_count"] == 1
    assert [(r["id"], r["author"], r["body"]) for r in shown["replies"]] == [(reply["id"], "Jun", "Yes.")]


async def test_the_key_deletes_the_message_and_no_other_does(client: AppClient) -> None:
    created, other = await post(client), await post(client)
    path = f"{MESSAGES}/{created['id']}"
    for headers in ({}, {"Authorization": f"Bearer {other['key']}"}, {"Authorization": created["key"]}):
        assert (await client.delete(path, headers=headers)).code == 403
    response = await client.delete(path, headers={"Authorization": f"Bearer {created['key']}"})
    assert (response.code, response.body) == (204, b"")
    assert (await client.get(path)).code == 404


async def test_a_program_may_use_one_key_for_all_its_messages(client: AppClient) -> None:
    headers = {"Authorization": "Bearer my-own-key"}
    created = (await client.post(MESSAGES, json=LUNCH, headers=headers)).json()
    assert created["key"] == "my-own-key"
    assert (await client.delete(f"{MESSAGES}/{created['id']}", headers=headers)).code == 204


@pytest.mark.parametrize("body", ["", "{", "[1]", "null", '"text"', "[" * 20_000, b"\xff\xfe\xfa"])
async def test_what_is_no_json_object_is_a_400(client: AppClient, body: str | bytes) -> None:
    response = await client.post(MESSAGES, body=body, headers={"Content-Type": "application/json"})
    assert response.code == 400
    assert list(response.json()) == ["error"]


@pytest.mark.parametrize(
    "media_type", ["application/x-www-form-urlencoded", "text/plain", "text/plain;application/json"]
)
async def test_another_media_type_is_a_415(client: AppClient, media_type: str) -> None:
    response = await client.post(MESSAGES, body="{}", headers={"Content-Type": media_type})
    assert response.code == 415
    assert "application/json" in response.json()["error"]


async def test_a_media_type_may_have_parameters_and_capitals(client: AppClient) -> None:
    headers = {"Content-Type": "Application/JSON; charset=utf-8"}
    assert (await client.post(MESSAGES, body='{"author": "A", "title": "T", "body": "B"}', headers=headers)).code == 201


async def test_a_body_beyond_the_limit_is_a_413(client: AppClient) -> None:
    response = await client.post(MESSAGES, json={**LUNCH, "body": "x" * MAX_JSON_BYTES})
    assert response.code == 413
    assert str(MAX_JSON_BYTES) in response.json()["error"]


@pytest.mark.parametrize(
    ("fields", "at_fault"),
    [
        ({"author": ""}, "author"),
        ({"title": "  "}, "title"),
        ({"body": "x" * (MAX_BODY + 1)}, "body"),
        ({"author": 3}, "author"),
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
    client: AppClient, fields: dict[str, object], at_fault: str
) -> None:
    response = await client.post(MESSAGES, json={**LUNCH, **fields})
    assert response.code == 422
    assert list(response.json()["fields"]) == [at_fault]
    assert (await client.get(MESSAGES)).json()["messages"] == []


@pytest.mark.parametrize("query", ["limit=0", "limit=101", "limit=x", "limit=-1", "limit=²", "before=x", "before=-1"])
async def test_a_query_that_makes_no_sense_is_a_400(client: AppClient, query: str) -> None:
    response = await client.get(f"{MESSAGES}?{quote(query, safe='=')}")
    assert response.code == 400
    assert query.partition("=")[0] in response.json()["error"]


@pytest.mark.parametrize("path", ["/api", "/api/", "/api/nothing", f"{MESSAGES}/7", f"{MESSAGES}/x"])
@pytest.mark.parametrize("method", ["GET", "DELETE"])
async def test_an_address_that_leads_nowhere_is_a_404_in_json(client: AppClient, method: str, path: str) -> None:
    response = await client.request(method, path)
    assert response.code == 404
    assert response.json()["error"]


async def test_a_method_that_is_not_there_is_a_405_in_json(client: AppClient) -> None:
    response = await client.request("PUT", MESSAGES, json=LUNCH)
    assert (response.code, response.json()) == (405, {"error": "Method Not Allowed"})


async def test_half_of_a_surrogate_pair_does_no_harm(client: AppClient) -> None:
    assert (await post(client, body="half \ud83d"))["body"] == "half ?"
    assert (await client.get("/")).code == 200
