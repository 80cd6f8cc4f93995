"""The pages, as a browser meets them: forms in, HTML and redirects out."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from board import Clerk, make_app
from board.messages import MAX_TITLE
from board.pages import MAX_FORM_BYTES
from board.store import PAGE_SIZE
from eyewall.web.testing import AppClient, AppResponse

if TYPE_CHECKING:
    from pathlib import Path

    from eyewall.ioloop import IOLoop

LUNCH = {"author": "Ada King", "title": "Lunch", "body": "At noon."}


def cookie_of(response: AppResponse) -> dict[str, str]:
    """The request header of the browser that got this response."""
    return {"Cookie": response.headers["Set-Cookie"].partition(";")[0]}


def page_of(response: AppResponse) -> str:
    """Where a response sends the browser, without the place on the page."""
    assert response.code == 303
    return response.headers["Location"].partition("#")[0]


def titles(response: AppResponse) -> list[str]:
    return re.findall(r'<h2><a href="/messages/\d+">(.*?)</a></h2>', response.text)


async def test_an_empty_board_invites_to_write(client: AppClient) -> None:
    response = await client.get("/")
    assert response.code == 200
    assert response.headers["Content-Type"] == "text/html; charset=utf-8"
    assert "Nothing here yet" in response.text
    assert '<form class="post" action="/new" method="post"' in response.text


async def test_a_posted_notice_is_on_its_page_and_on_the_front_page(client: AppClient) -> None:
    posted = await client.post("/new", data=LUNCH)
    page = await client.get(page_of(posted))
    assert "<h1>Lunch</h1>" in page.text
    assert "At noon." in page.text
    assert titles(await client.get("/")) == ["Lunch"]


async def test_the_form_remembers_the_name_and_only_for_that_browser(client: AppClient) -> None:
    posted = await client.post("/new", data={**LUNCH, "author": 'Zoë "Z" <Brandt>'})
    assert 'value="Zoë &#34;Z&#34; &lt;Brandt&gt;"' in (await client.get("/new", headers=cookie_of(posted))).text
    assert 'name="author" value=""' in (await AppClient(client.app).get("/new")).text


async def test_everything_that_people_write_is_escaped(client: AppClient) -> None:
    evil = "<script>alert(1)</script>"
    posted = await client.post("/new", data={"author": evil, "title": evil, "body": evil})
    reply = await client.post(page_of(posted), data={"author": evil, "body": evil})
    for path in ("/", page_of(reply), "/?q=%3Cscript%3E"):
        page = await client.get(path)
        assert "&lt;script&gt;" in page.text
        assert "<script" not in page.text
    assert "The &lt;Third&gt; Floor" in (await client.get("/")).text


@pytest.mark.parametrize("path", ["/", "/new", "/nothing"])
async def test_every_page_forbids_scripts_and_frames(client: AppClient, path: str) -> None:
    headers = (await client.get(path)).headers
    assert "default-src 'none'" in headers["Content-Security-Policy"]
    assert "frame-ancestors 'none'" in headers["Content-Security-Policy"]
    assert headers["X-Content-Type-Options"] == "nosniff"


async def test_a_draft_with_problems_comes_back_with_what_was_entered(client: AppClient) -> None:
    response = await client.post(
        "/new", data={"author": "Ada", "title": "x" * (MAX_TITLE + 1), "body": "", "pinned": "1"}
    )
    assert response.code == 422
    assert 'value="Ada"' in response.text
    assert "x" * (MAX_TITLE + 1) in response.text
    assert 'value="1" checked' in response.text
    assert '<p class="problem" id="title-problem">Please shorten this' in response.text
    assert '<p class="problem" id="body-problem">Please enter a text.</p>' in response.text
    assert "author-problem" not in response.text
    assert titles(await client.get("/")) == []


async def test_a_text_that_begins_with_a_line_break_comes_back_whole_in_the_form(client: AppClient) -> None:
    response = await client.post("/new", data={"author": "Ada", "body": "one\r\n\r\n</textarea>two"})
    assert "\none\n\n&lt;/textarea&gt;two</textarea>" in response.text


async def test_a_reply_is_on_the_notice_s_page_and_counted_on_the_front_page(client: AppClient) -> None:
    notice = page_of(await client.post("/new", data=LUNCH))
    replied = await client.post(notice, data={"author": "Jun", "body": "Count me in."})
    assert page_of(replied) == notice
    page = await client.get(notice)
    assert "Count me in." in page.text
    assert "1 reply</h2>" in page.text
    assert re.search(r">1 reply\s*<", (await client.get("/")).text)


async def test_a_reply_with_problems_comes_back_beside_its_notice(client: AppClient) -> None:
    notice = page_of(await client.post("/new", data=LUNCH))
    response = await client.post(notice, data={"author": "Jun", "body": " "})
    assert response.code == 422
    assert "<h1>Lunch</h1>" in response.text
    assert "Please enter a text." in response.text
    assert 'value="Jun"' in response.text


async def test_the_address_of_a_reply_leads_to_its_notice(client: AppClient) -> None:
    notice = page_of(await client.post("/new", data=LUNCH))
    replied = await client.post(notice, data={"author": "Jun", "body": "Yes."})
    number = replied.headers["Location"].rpartition("-")[2]
    assert (await client.get(f"/messages/{number}")).headers["Location"] == replied.headers["Location"]


async def test_pinned_notices_come_first_and_on_the_first_page_only(client: AppClient) -> None:
    await client.post("/new", data={**LUNCH, "title": "Fire drill", "pinned": "1"})
    for number in range(PAGE_SIZE + 1):
        await client.post("/new", data={**LUNCH, "title": str(number)})
    front = await client.get("/")
    assert titles(front) == ["Fire drill", *map(str, range(PAGE_SIZE, 0, -1))]
    older = re.search(r'href="(/\?before=\d+)"', front.text)
    assert older
    last = await client.get(older[1])
    assert titles(last) == ["0"]
    assert "Older messages</a>" not in last.text


async def test_a_search_shows_what_it_found_and_keeps_its_words(client: AppClient) -> None:
    await client.post("/new", data=LUNCH)
    await client.post("/new", data={**LUNCH, "title": "Printer", "body": "Broken."})
    found = await client.get("/?q=+BROKEN+")
    assert titles(found) == ["Printer"]
    assert 'name="q" value="BROKEN"' in found.text
    assert "Nothing found for “umbrella”" in (await client.get("/?q=umbrella")).text


async def test_a_search_has_further_pages(client: AppClient) -> None:
    for number in range(PAGE_SIZE + 1):
        await client.post("/new", data={**LUNCH, "title": f"Lunch & {number}"})
    older = re.search(r'href="(/\?q=[^"]*)"', (await client.get("/?q=lunch+%26")).text)
    assert older
    assert titles(await client.get(older[1].replace("&amp;", "&"))) == ["Lunch &amp; 0"]


async def test_whoever_posted_a_message_deletes_it_and_nobody_else(client: AppClient) -> None:
    posted = await client.post("/new", data=LUNCH)
    notice, ada = page_of(posted), cookie_of(posted)
    bob = cookie_of(await AppClient(client.app).post("/new", data=LUNCH))
    client.cookies.clear()
    assert "/delete" in (await client.get(notice, headers=ada)).text
    for other in ({}, bob):
        assert "/delete" not in (await client.get(notice, headers=other)).text
        assert (await client.post(f"{notice}/delete", headers=other)).code == 403
    assert page_of(await client.post(f"{notice}/delete", headers=ada)) == "/"
    assert (await client.get(notice)).code == 404


async def test_after_deleting_a_reply_the_browser_is_back_at_its_notice(client: AppClient) -> None:
    notice = page_of(await client.post("/new", data=LUNCH))
    replied = await client.post(notice, data={"author": "Jun", "body": "Yes."})
    number = replied.headers["Location"].rpartition("-")[2]
    assert page_of(await client.post(f"/messages/{number}/delete", headers=cookie_of(replied))) == notice


async def test_whoever_posted_a_notice_pins_and_unpins_it_and_nobody_else(client: AppClient) -> None:
    posted = await client.post("/new", data=LUNCH)
    notice, ada = page_of(posted), cookie_of(posted)
    client.cookies.clear()
    assert (await client.post(f"{notice}/pin", data={"pinned": "1"})).code == 403
    assert page_of(await client.post(f"{notice}/pin", data={"pinned": "1"}, headers=ada)) == notice
    assert "Pinned" in (await client.get("/")).text
    await client.post(f"{notice}/pin", data={"pinned": ""}, headers=ada)
    assert "Pinned" not in (await client.get("/")).text


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "http://elsewhere.example"},
        {"Origin": "null"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site", "Origin": "http://testserver"},
    ],
)
async def test_a_form_from_another_site_is_refused(client: AppClient, headers: dict[str, str]) -> None:
    assert (await client.post("/new", data=LUNCH, headers=headers)).code == 403
    assert titles(await client.get("/")) == []


@pytest.mark.parametrize(
    "headers", [{"Origin": "http://testserver"}, {"Sec-Fetch-Site": "same-origin", "Origin": "https://outside.example"}]
)
async def test_a_form_from_this_site_is_taken_also_behind_a_proxy(client: AppClient, headers: dict[str, str]) -> None:
    assert (await client.post("/new", data=LUNCH, headers=headers)).code == 303


async def test_a_form_beyond_the_limit_is_refused(client: AppClient) -> None:
    assert (await client.post("/new", data={**LUNCH, "body": "x" * MAX_FORM_BYTES})).code == 413


@pytest.mark.parametrize(
    ("path", "code"),
    [
        ("/nothing", 404),
        ("/messages/1", 404),
        ("/messages/" + "9" * 18, 404),
        ("/messages/" + "9" * 40, 404),
        ("/messages/x", 404),
        ("/?before=x", 400),
        ("/?before=" + "9" * 40, 400),
        ("/messages/1/delete", 405),
    ],
)
async def test_an_address_that_leads_nowhere_gets_a_page_that_says_so(client: AppClient, path: str, code: int) -> None:
    response = await client.get(path)
    assert response.code == code
    assert f'<p class="status">{code}</p>' in response.text
    assert "All messages" in response.text


async def test_a_page_cannot_be_posted_to_where_it_has_no_form(client: AppClient) -> None:
    assert (await client.post("/", data=LUNCH)).code == 405
    assert (await client.post("/nothing", data=LUNCH)).code == 404
    assert (await client.post("/messages/1", data=LUNCH)).code == 404


@pytest.mark.parametrize("path", ["/", "/new"])
async def test_head_is_answered_like_get_without_a_body(client: AppClient, path: str) -> None:
    response = await client.head(path)
    assert (response.code, response.body) == (200, b"")


async def test_a_failing_store_is_a_500_page_without_a_trace(
    io_loop: IOLoop, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    clerk = Clerk(tmp_path / "missing" / "board.sqlite3", io_loop=io_loop)
    response = await AppClient(make_app(clerk)).get("/")
    await clerk.close()
    assert response.code == 500
    assert "The board could not do that." in response.text
    assert "missing" not in response.text
    assert "cannot use the database" in caplog.text


async def test_the_style_sheet_is_there_at_the_address_of_the_page(client: AppClient) -> None:
    style = re.search(r'<link rel="stylesheet" href="([^"]+)"', (await client.get("/")).text)
    assert style
    response = await client.get(style[1])
    assert response.code == 200
    assert response.headers["Content-Type"].startswith("text/css")
    assert ":focus-visible" in response.text
