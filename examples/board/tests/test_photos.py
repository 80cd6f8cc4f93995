"""Photographs: which are taken, how they are served, and that nothing else stays."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from visiting import multipart

from board import photos as photos_module
from board import store as store_module
from board.page import MAX_FORM_BYTES
from eyewall.httpserver import HTTPServer
from eyewall.tcpserver.testing import connect

if TYPE_CHECKING:
    from visiting import Visitor

    from board import Board
    from eyewall.ioloop import IOLoop
    from eyewall.web import Application
    from eyewall.web.testing import AppResponse

LUNCH = {"title": "Lunch", "body": "At noon."}
MULTIPART = "multipart/form-data; boundary=limit"
SCAN = b"\xff\xda\0\2" + bytes(range(256)) * 300
JPEG = b"\xff\xd8" + SCAN + b"\xff\xd9"
PHOTOS = {
    "jpg": JPEG,
    "png": b"\x89PNG\r\n\x1a\n" + b"\0\0\0\3IDATpngcrc!" + b"\0\0\0\0IENDcrc!",
    "gif": b"GIF89a" + b"gif" * 10,
    "webp": b"RIFF\x14\0\0\0WEBPVP8 \7\0\0\0picture\0",
}


def photo_on(page: AppResponse) -> str:
    """Where the photograph of a page is."""
    found = re.search(r'<img src="(/photos/[^"]+)"', page.text)
    assert found
    return found[1]


def problem_of(response: AppResponse) -> str:
    assert response.code == 422
    found = re.search(r'id="photo-problem">(.*?)</p>', response.text)
    assert found
    return found[1]


async def kept(board: Board) -> list[str]:
    """What is in the folder, once what was to be removed is."""
    await board.photos.remove([])
    return [path.name for path in board.photos.folder.iterdir()]


@pytest.mark.parametrize("kind", PHOTOS)
async def test_a_photograph_is_shown_with_its_message_and_served_as_it_came(ada: Visitor, kind: str) -> None:
    posted = await ada.send("/new", LUNCH, PHOTOS[kind])
    assert posted.code == 303
    path = photo_on(await ada.get(posted.headers["Location"].partition("#")[0]))
    assert path == photo_on(await ada.get("/"))
    response = await ada.get(path)
    assert response.body == PHOTOS[kind]
    assert response.headers["Content-Type"] == f"image/{'jpeg' if kind == 'jpg' else kind}"
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    assert response.headers["Content-Security-Policy"] == "default-src 'none'; sandbox"
    assert "immutable" in response.headers["Cache-Control"]


async def test_where_a_photograph_was_taken_is_nobodys_business(ada: Visitor) -> None:
    taken = b"\xff\xe1\0\x15Exif\0\0 GPS: 59.33 N" + SCAN
    posted = await ada.send("/new", LUNCH, b"\xff\xd8" + taken + b"\xff\xd9 and a film")
    path = photo_on(await ada.get(posted.headers["Location"].partition("#")[0]))
    assert (await ada.get(path)).body == JPEG


async def test_a_damaged_photograph_is_refused_with_its_form_and_not_kept(board: Board, ada: Visitor) -> None:
    assert "damaged" in problem_of(await ada.send("/new", LUNCH, b"\xff\xd8\xff\xe0\0\x10JFIF\0"))
    assert await kept(board) == []


async def test_a_program_is_told_where_the_photograph_is(ada: Visitor) -> None:
    await ada.send("/new", LUNCH, JPEG)
    (message,) = (await ada.get("/api/messages")).json()["messages"]
    assert (await ada.get(message["photo"])).body == JPEG


async def test_a_reply_may_have_one_and_both_go_with_the_notice(board: Board, ada: Visitor, jun: Visitor) -> None:
    notice = (await ada.send("/new", LUNCH, JPEG)).headers["Location"].partition("#")[0]
    await jun.send(notice, {"body": "Look."}, PHOTOS["png"])
    assert len(await kept(board)) == 2
    path = photo_on(await ada.get(notice))
    assert (await jun.submit(f"{notice}/delete")).code == 403
    assert len(await kept(board)) == 2
    assert (await ada.submit(f"{notice}/delete")).code == 303
    assert await kept(board) == []
    assert (await ada.get(path)).code == 404


@pytest.mark.parametrize(
    "content", [b"<script>alert(1)</script>", b"\xff\xd8", b"GIF88a" + b"x" * 20, b"%PDF-1.7 x" * 9]
)
async def test_what_is_no_photograph_is_refused_with_its_form_and_not_kept(
    board: Board, ada: Visitor, content: bytes
) -> None:
    response = await ada.send("/new", LUNCH, content)
    assert problem_of(response) == "Please choose a photograph: JPEG, PNG, GIF or WebP."
    assert 'value="Lunch"' in response.text
    assert await kept(board) == []
    assert '<section class="empty">' in (await ada.get("/")).text


async def test_a_photograph_beyond_the_limit_is_refused_with_its_form_and_not_kept(
    board: Board, ada: Visitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(photos_module, "MAX_BYTES", len(JPEG))
    assert "smaller photograph" in problem_of(await ada.send("/new", LUNCH, JPEG + b"x"))
    assert await kept(board) == []
    assert (await ada.send("/new", LUNCH, JPEG)).code == 303


@pytest.mark.parametrize(
    ("path", "fields", "code"),
    [
        ("/new", {"title": "", "body": "x"}, 422),
        ("/new", {**LUNCH, "_xsrf": "made up"}, 403),
        ("/messages/99", {"body": "x"}, 404),
        ("/new", {**LUNCH, "more": "x" * MAX_FORM_BYTES}, 413),
    ],
)
async def test_nothing_is_kept_of_a_form_that_is_refused(
    board: Board, ada: Visitor, path: str, fields: dict[str, str], code: int
) -> None:
    assert (await ada.send(path, fields, JPEG)).code == code
    assert await kept(board) == []


async def test_nothing_is_kept_of_a_photograph_that_comes_to_a_notice_with_too_many_replies(
    board: Board, ada: Visitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store_module, "MAX_REPLIES", 0)
    notice = (await ada.send("/new", LUNCH)).headers["Location"].partition("#")[0]
    response = await ada.send(notice, {"body": "Yes."}, JPEG)
    assert response.code == 422
    assert "Please start a new message." in response.text
    assert await kept(board) == []


async def test_who_is_not_signed_in_sends_nothing(board: Board, visitor: Visitor) -> None:
    assert (await visitor.send("/new", LUNCH, JPEG)).code == 403
    assert await kept(board) == []


@pytest.mark.parametrize(
    ("body", "content_type", "code"),
    [
        (b"title=Lunch", "text/plain", 415),
        (b"x", "multipart/form-data", 400),
        (b"no boundary in sight", MULTIPART, 400),
        (
            b"--limit\r\nContent-Disposition: form-data; name=title\r\n\r\nLun",
            MULTIPART,
            400,
        ),
        (b"--limit\r\n\r\n\r\n" * 30, MULTIPART, 400),
        (b"--limit\r\nContent-Disposition: form-data; name=a\r\n\r\n\r\n" * 30, MULTIPART, 413),
    ],
)
async def test_a_body_that_is_no_such_form_is_refused(ada: Visitor, body: bytes, content_type: str, code: int) -> None:
    assert (await ada.post("/new", body=body, headers={"Content-Type": content_type})).code == code


async def test_a_form_may_come_in_pieces_of_any_size(
    board: Board, app: Application[Board], ada: Visitor, io_loop: IOLoop
) -> None:
    head, body = await request_of(ada, JPEG[:300])
    server = HTTPServer(app, io_loop=io_loop)
    stream = connect(server, io_loop=io_loop)
    for byte in head + body:
        await stream.write(bytes([byte]))
    assert b" 303 " in await stream.read_until(b"\r\n\r\n")
    stream.close()
    await server.close_all_connections()
    (name,) = await kept(board)
    assert (board.photos.folder / name).read_bytes() == JPEG[:300]


async def test_an_upload_that_is_cut_off_leaves_nothing(
    board: Board, app: Application[Board], ada: Visitor, io_loop: IOLoop
) -> None:
    head, body = await request_of(ada, JPEG)
    server = HTTPServer(app, io_loop=io_loop)
    stream = connect(server, io_loop=io_loop)
    await stream.write(head + body[:40_000])
    stream.close()
    await server.close_all_connections()
    assert await kept(board) == []


async def request_of(visitor: Visitor, photo: bytes) -> tuple[bytes, bytes]:
    """A request as it comes over a connection: its head and its body."""
    body, fields = multipart({"_xsrf": await visitor.token(), **LUNCH}, photo)
    cookies = "; ".join(f'{name}="{value}"' for name, value in visitor.cookies.items())
    fields |= {"Host": "testserver", "Cookie": cookies, "Content-Length": str(len(body))}
    lines = ["POST /new HTTP/1.1", *(f"{name}: {value}" for name, value in fields.items()), "", ""]
    return "\r\n".join(lines).encode(), body


async def test_nothing_beside_photographs_is_removed(board: Board) -> None:
    await board.photos.remove(["../board.sqlite3", "", ".", "x" * 22 + ".jpg"])
    assert board.photos.folder.is_dir()
