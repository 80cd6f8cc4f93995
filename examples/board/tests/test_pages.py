"""The pages, as a browser meets them: forms in, HTML and redirects out."""

from __future__ import annotations

import gzip
import re
from typing import TYPE_CHECKING

import pytest

from board import Board, make_app
from board.messages import MAX_TITLE
from board.page import MAX_FORM_BYTES
from board.rendering import Templates
from board.store import PAGE_SIZE
from eyewall.web.testing import AppClient

if TYPE_CHECKING:
    from pathlib import Path

    from visiting import Visitor

    from eyewall.ioloop import IOLoop
    from eyewall.web.testing import AppResponse

LUNCH = {"title": "Lunch", "body": "At noon."}


def page_of(response: AppResponse) -> str:
    """Where a response sends the browser, without the place on the page."""
    assert response.code == 303
    return response.headers["Location"].partition("#")[0]


def titles(response: AppResponse) -> list[str]:
    return re.findall(r'<h2><a href="/messages/\d+">(.*?)</a></h2>', response.text)


async def test_an_empty_board_invites_to_write(ada: Visitor) -> None:
    response = await ada.get("/")
    assert response.code == 200
    assert response.headers["Content-Type"] == "text/html; charset=UTF-8"
    assert '<section class="empty">' in response.text
    assert '<form class="post" action="/new" method="post"' in response.text


async def test_a_posted_notice_is_on_its_page_and_on_the_front_page(ada: Visitor) -> None:
    posted = await ada.send("/new", LUNCH)
    page = await ada.get(page_of(posted))
    assert "<h1>Lunch</h1>" in page.text
    assert "At noon." in page.text
    assert titles(await ada.get("/")) == ["Lunch"]


async def test_everything_that_people_write_is_escaped(visitor: Visitor) -> None:
    evil = "<script>alert(1)</script>"
    await visitor.submit("/join", name=evil, password=evil)
    posted = await visitor.send("/new", {"title": evil, "body": evil})
    reply = await visitor.send(page_of(posted), {"body": evil})
    for path in ("/", page_of(reply), "/?q=%3Cscript%3E"):
        page = await visitor.get(path)
        assert "&lt;script&gt;" in page.text
        assert "<script>" not in page.text
    assert "The &lt;Third&gt; Floor" in (await visitor.get("/")).text


@pytest.mark.parametrize("path", ["/", "/new", "/nothing"])
async def test_every_page_forbids_what_is_not_the_board_s_own_and_frames(ada: Visitor, path: str) -> None:
    headers = (await ada.get(path)).headers
    assert "default-src 'none'" in headers["Content-Security-Policy"]
    assert "script-src 'self'" in headers["Content-Security-Policy"]
    assert "frame-ancestors 'none'" in headers["Content-Security-Policy"]
    assert headers["X-Content-Type-Options"] == "nosniff"


async def test_a_draft_with_problems_comes_back_with_what_was_entered(ada: Visitor) -> None:
    response = await ada.send("/new", {"title": "x" * (MAX_TITLE + 1), "body": "", "pinned": "1"})
    assert response.code == 422
    assert "x" * (MAX_TITLE + 1) in response.text
    assert 'value="1" checked' in response.text
    assert '<p class="problem" id="title-problem">Please shorten this' in response.text
    assert '<p class="problem" id="body-problem">Please enter a text.</p>' in response.text
    assert titles(await ada.get("/")) == []


async def test_a_text_that_begins_with_a_line_break_comes_back_whole_in_the_form(ada: Visitor) -> None:
    response = await ada.send("/new", {"body": "one\r\n\r\n</textarea>two"})
    assert "\none\n\n&lt;/textarea&gt;two</textarea>" in response.text


async def test_a_reply_is_on_the_notice_s_page_and_counted_on_the_front_page(ada: Visitor, jun: Visitor) -> None:
    notice = page_of(await ada.send("/new", LUNCH))
    replied = await jun.send(notice, {"body": "Count me in."})
    assert page_of(replied) == notice
    page = await ada.get(notice)
    assert "Count me in." in page.text
    assert "1 reply</h2>" in page.text
    assert re.search(r">1 reply\s*<", (await ada.get("/")).text)


async def test_a_reply_with_problems_comes_back_beside_its_notice(ada: Visitor, jun: Visitor) -> None:
    notice = page_of(await ada.send("/new", LUNCH))
    response = await jun.send(notice, {"body": " "})
    assert response.code == 422
    assert "<h1>Lunch</h1>" in response.text
    assert "Please enter a text." in response.text


async def test_the_address_of_a_reply_leads_to_its_notice(ada: Visitor, jun: Visitor) -> None:
    notice = page_of(await ada.send("/new", LUNCH))
    replied = await jun.send(notice, {"body": "Yes."})
    number = replied.headers["Location"].rpartition("-")[2]
    assert (await ada.get(f"/messages/{number}")).headers["Location"] == replied.headers["Location"]


async def test_pinned_notices_come_first_and_on_the_first_page_only(ada: Visitor) -> None:
    await ada.send("/new", LUNCH | {"title": "Fire drill", "pinned": "1"})
    for number in range(PAGE_SIZE + 1):
        await ada.send("/new", LUNCH | {"title": str(number)})
    front = await ada.get("/")
    assert titles(front) == ["Fire drill", *map(str, range(PAGE_SIZE, 0, -1))]
    older = re.search(r'href="(/\?before=\d+)"', front.text)
    assert older
    last = await ada.get(older[1])
    assert titles(last) == ["0"]
    assert "Older messages</a>" not in last.text


async def test_a_search_shows_what_it_found_and_keeps_its_words(ada: Visitor) -> None:
    await ada.send("/new", LUNCH)
    await ada.send("/new", LUNCH | {"title": "Printer", "body": "Broken."})
    found = await ada.get("/?q=+BROKEN+")
    assert titles(found) == ["Printer"]
    assert 'name="q" value="BROKEN"' in found.text
    assert "Nothing found for “umbrella”" in (await ada.get("/?q=umbrella")).text


async def test_a_search_has_further_pages(ada: Visitor) -> None:
    for number in range(PAGE_SIZE + 1):
        await ada.send("/new", {"title": f"Lunch & {number}", "body": "At noon."})
    older = re.search(r'href="(/\?q=[^"]*)"', (await ada.get("/?q=lunch+%26")).text)
    assert older
    assert titles(await ada.get(older[1].replace("&amp;", "&"))) == ["Lunch &amp; 0"]


async def test_who_posted_a_message_deletes_it_and_nobody_else(ada: Visitor, jun: Visitor, visitor: Visitor) -> None:
    notice = page_of(await ada.send("/new", LUNCH))
    assert "/delete" in (await ada.get(notice)).text
    for other in (jun, visitor):
        assert "/delete" not in (await other.get(notice)).text
        assert (await other.submit(f"{notice}/delete")).code == 403
    assert page_of(await ada.submit(f"{notice}/delete")) == "/"
    assert (await ada.get(notice)).code == 404


async def test_after_deleting_a_reply_the_browser_is_back_at_its_notice(ada: Visitor, jun: Visitor) -> None:
    notice = page_of(await ada.send("/new", LUNCH))
    replied = await jun.send(notice, {"body": "Yes."})
    number = replied.headers["Location"].rpartition("-")[2]
    assert page_of(await jun.submit(f"/messages/{number}/delete")) == notice


async def test_who_posted_a_notice_pins_and_unpins_it_and_nobody_else(ada: Visitor, jun: Visitor) -> None:
    notice = page_of(await ada.send("/new", LUNCH))
    assert (await jun.submit(f"{notice}/pin", pinned="1")).code == 403
    assert page_of(await ada.submit(f"{notice}/pin", pinned="1")) == notice
    assert "Pinned" in (await ada.get("/")).text
    await ada.submit(f"{notice}/pin", pinned="0")
    assert "Pinned" not in (await ada.get("/")).text


async def test_a_form_without_its_token_is_refused(ada: Visitor) -> None:
    for token in ("", "made up"):
        assert (await ada.send("/new", {**LUNCH, "_xsrf": token})).code == 403
    assert titles(await ada.get("/")) == []


async def test_each_form_of_a_page_has_its_token(ada: Visitor) -> None:
    notice = page_of(await ada.send("/new", LUNCH))
    for path in ("/", "/new", notice, "/sign-in", "/join"):
        page = (await ada.get(path)).text
        assert page.count('method="post"') == page.count('name="_xsrf"') > 0


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "http://elsewhere.example"},
        {"Origin": "null"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site", "Origin": "http://testserver"},
    ],
)
async def test_a_form_from_another_site_is_refused(ada: Visitor, headers: dict[str, str]) -> None:
    assert (await ada.send("/new", LUNCH, headers=headers)).code == 403
    assert titles(await ada.get("/")) == []


@pytest.mark.parametrize(
    "headers", [{"Origin": "http://testserver"}, {"Sec-Fetch-Site": "same-origin", "Origin": "https://outside.example"}]
)
async def test_a_form_from_this_site_is_taken_also_behind_a_proxy(ada: Visitor, headers: dict[str, str]) -> None:
    assert (await ada.send("/new", LUNCH, headers=headers)).code == 303


async def test_a_form_beyond_the_limit_is_refused(ada: Visitor) -> None:
    assert (await ada.send("/new", LUNCH | {"body": "x" * MAX_FORM_BYTES})).code == 413


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
async def test_an_address_that_leads_nowhere_gets_a_page_that_says_so(ada: Visitor, path: str, code: int) -> None:
    response = await ada.get(path)
    assert response.code == code
    assert f'<p class="status">{code}</p>' in response.text
    assert "All messages" in response.text


async def test_a_page_cannot_be_posted_to_where_it_has_no_form(ada: Visitor) -> None:
    assert (await ada.submit("/", **LUNCH)).code == 405
    assert (await ada.submit("/nothing", **LUNCH)).code == 404
    assert (await ada.send("/messages/1", LUNCH)).code == 404


@pytest.mark.parametrize("path", ["/", "/sign-in"])
async def test_head_is_answered_like_get_without_a_body(ada: Visitor, path: str) -> None:
    response = await ada.head(path)
    assert (response.code, response.body) == (200, b"")


async def test_a_failing_store_is_a_500_page_without_a_trace(
    io_loop: IOLoop, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    database = tmp_path / "notes.txt"
    database.write_text("no database, " * 100)
    board = Board.at(database, Templates("Office board"), io_loop=io_loop)
    response = await AppClient(make_app(board, cookie_secret="for tests only")).get("/")
    await board.close()
    assert response.code == 500
    assert "The board could not do that." in response.text
    assert "notes.txt" not in response.text
    assert "cannot use the database" in caplog.text


async def test_what_a_page_is_made_of_may_be_kept_for_ever(visitor: Visitor) -> None:
    page = (await visitor.get("/")).text
    static = re.findall(r'(?:href|src)="(/static/[^"]+)"', page)
    assert {path.partition("?")[0] for path in static} >= {"/static/board.css", "/static/icon.svg"}
    for path in static:
        response = await visitor.get(path)
        assert response.code == 200
        assert "immutable" in response.headers["Cache-Control"]


async def test_a_page_is_compressed_for_who_can_read_it(visitor: Visitor) -> None:
    response = await visitor.get("/", headers={"Accept-Encoding": "gzip"})
    assert response.headers["Content-Encoding"] == "gzip"
    assert '<section class="empty">' in gzip.decompress(response.body).decode()
