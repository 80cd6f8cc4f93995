"""What a page that is open is told: over a WebSocket, and as server-sent events."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from board import Draft
from board import feed as feed_module
from board.store import MAX_PAGE_SIZE, Store
from eyewall.httpserver import HTTPServer
from eyewall.tcpserver.testing import connect
from eyewall.web import HTTPClientError

if TYPE_CHECKING:
    from visiting import Visitor

    from board import Board
    from eyewall.ioloop import IOLoop
    from eyewall.iostream import Stream
    from eyewall.web import Application, WebSocketClientConnection


async def told(socket: WebSocketClientConnection) -> dict[str, Any]:
    """The next that a page is told."""
    message = await socket.read_message()
    assert isinstance(message, str)
    news: dict[str, Any] = json.loads(message)
    return news


async def hang_up(socket: WebSocketClientConnection) -> None:
    socket.close()
    while await socket.read_message() is not None:
        pass


async def post(visitor: Visitor, title: str = "Lunch") -> int:
    response = await visitor.send("/new", {"title": title, "body": "At noon."})
    assert response.code == 303
    return int(response.headers["Location"].rpartition("-")[2])


async def test_a_page_is_told_of_a_notice_as_html_for_its_place(ada: Visitor, visitor: Visitor) -> None:
    socket = await visitor.websocket("/live?after=0")
    number = await post(ada, "<b>Lunch</b>")
    news = await told(socket)
    assert (news["number"], news["author"], list(news["places"])) == (number, "Ada King", ["notices"])
    assert f'<article class="card" id="message-{number}">' in news["places"]["notices"]
    assert "&lt;b&gt;Lunch&lt;/b&gt;" in news["places"]["notices"]
    await hang_up(socket)


async def test_a_page_is_told_of_a_reply_and_of_the_notice_that_has_one_more(ada: Visitor, jun: Visitor) -> None:
    number = await post(ada)
    socket = await ada.websocket(f"/live?after={number}")
    await jun.send(f"/messages/{number}", {"body": "Count me in."})
    places = (await told(socket))["places"]
    assert "Count me in." in places[f"replies-{number}"]
    assert "1 reply" in places["notices"]
    await hang_up(socket)


async def test_a_page_is_told_of_what_is_deleted_and_of_the_notice_that_has_one_less(ada: Visitor) -> None:
    number = await post(ada)
    await ada.send(f"/messages/{number}", {"body": "Count me in."})
    socket = await ada.websocket(f"/live?after={number + 1}")
    assert (await ada.submit(f"/messages/{number + 1}/delete")).code == 303
    news = await told(socket)
    assert (news["number"], news["deleted"], list(news["places"])) == (number + 2, number + 1, ["notices"])
    assert ">Reply<" in news["places"]["notices"]
    assert (await ada.submit(f"/messages/{number}/delete")).code == 303
    assert await told(socket) == {"number": number + 3, "deleted": number, "places": {}}
    await hang_up(socket)


async def test_a_page_that_slept_is_told_of_what_was_deleted_meanwhile(ada: Visitor, visitor: Visitor) -> None:
    number = await post(ada)
    await ada.submit(f"/messages/{number}/delete")
    socket = await visitor.websocket(f"/live?after={number}")
    assert (await told(socket))["deleted"] == number
    await hang_up(socket)


async def test_nobody_is_told_by_whom_a_message_can_be_deleted(ada: Visitor) -> None:
    socket = await ada.websocket("/live?after=0")
    await ada.send(f"/messages/{await post(ada)}", {"body": "More."})
    assert "form" not in json.dumps([(await told(socket))["places"], (await told(socket))["places"]])
    await hang_up(socket)


async def test_a_page_is_told_what_came_between_its_making_and_its_listening(ada: Visitor) -> None:
    numbers = [await post(ada), await post(ada), await post(ada)]
    socket = await ada.websocket(f"/live?after={numbers[0]}")
    assert [(await told(socket))["number"] for _ in range(2)] == numbers[1:]
    await hang_up(socket)


async def test_a_page_that_slept_for_long_is_told_everything(board: Board, ada: Visitor) -> None:
    account = await board.clerk.ask(Store.account_named, "Ada King")
    assert account is not None
    for number in range(2 * MAX_PAGE_SIZE + 1):
        await board.clerk.ask(Store.add, Draft(str(number), "At noon."), account)
    listener = board.feed.listen(0)
    numbers = [(await anext(listener)).number for _ in range(2 * MAX_PAGE_SIZE + 1)]
    assert numbers == sorted(set(numbers))
    await listener.aclose()


async def test_a_message_that_another_process_took_in_is_told_at_the_next_look(board: Board, ada: Visitor) -> None:
    first, second = await ada.websocket("/live?after=0"), await ada.websocket("/live?after=0")
    account = await board.clerk.ask(Store.account_named, "Ada King")
    assert account is not None
    for title in ("Lunch", "Dinner"):
        # As the store of another process does, with no word to the feed.
        await board.clerk.ask(Store.add, Draft(title, "At noon."), account)
        await board.feed.look()
    for listener in (first, second):
        assert ["Lunch" in (await told(listener))["places"]["notices"] for _ in range(2)] == [True, False]
        await hang_up(listener)


async def test_a_page_that_has_what_the_feed_has_not_seen_yet_is_not_told_of_it(board: Board, ada: Visitor) -> None:
    other = await ada.websocket("/live?after=0")
    account = await board.clerk.ask(Store.account_named, "Ada King")
    assert account is not None
    added = await board.clerk.ask(Store.add, Draft("Lunch", "At noon."), account)  # as another process does
    assert added is not None
    socket = await ada.websocket(f"/live?after={added.id}")
    await board.feed.look()
    number = await post(ada)
    assert (await told(socket))["number"] == number
    await hang_up(socket)
    await hang_up(other)


async def test_two_looks_at_once_tell_each_message_once(board: Board, ada: Visitor, io_loop: IOLoop) -> None:
    socket = await ada.websocket("/live?after=0")
    numbers = [await post(ada)]
    looks = [io_loop.spawn(board.feed.look()) for _ in range(3)]
    for look in looks:
        await look
    numbers.append(await post(ada))
    assert [(await told(socket))["number"] for _ in range(2)] == numbers
    await hang_up(socket)


@pytest.mark.parametrize("query", ["", "?after=", "?after=x", "?after=-1"])
async def test_who_does_not_say_where_to_begin_is_refused(visitor: Visitor, query: str) -> None:
    with pytest.raises(HTTPClientError) as refused:
        await visitor.websocket(f"/live{query}")
    assert refused.value.code == 400
    assert (await visitor.get(f"/live/events{query}")).code == 400


async def test_a_page_of_another_site_may_not_listen_over_a_socket(visitor: Visitor) -> None:
    with pytest.raises(HTTPClientError) as refused:
        await visitor.websocket("/live?after=0", headers={"Origin": "https://elsewhere.example"})
    assert refused.value.code == 403


async def listening(server: HTTPServer, io_loop: IOLoop, *fields: str) -> Stream:
    stream = connect(server, io_loop=io_loop)
    head = ["GET /live/events?after=0 HTTP/1.1", "Host: testserver", *fields, "", ""]
    await stream.write("\r\n".join(head).encode())
    assert b"text/event-stream" in await stream.read_until(b"\r\n\r\n")
    return stream


async def test_events_tell_the_same_with_ids_to_resume_from(
    app: Application[Board], ada: Visitor, io_loop: IOLoop
) -> None:
    server = HTTPServer(app, io_loop=io_loop)
    first = await post(ada)
    stream = await listening(server, io_loop)
    assert f"id: {first}\ndata: ".encode() in await stream.read_until(b"\n\n")
    second = await post(ada)
    assert f"id: {second}\ndata: ".encode() in await stream.read_until(b"\n\n")
    stream.close()
    stream = await listening(server, io_loop, f"Last-Event-ID: {first}")
    assert f"id: {second}\ndata: ".encode() in await stream.read_until(b"\n\n")
    stream.close()
    await server.close_all_connections()


async def test_a_listener_that_falls_behind_is_let_go(
    board: Board, ada: Visitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(feed_module, "MAX_WAITING", 2)
    listener = board.feed.listen(0)
    numbers = [await post(ada)]
    assert (await anext(listener)).number == numbers[0]
    numbers += [await post(ada) for _ in range(3)]
    # What it was behind by then it gets elsewhere, with the number of what it saw last.
    assert [news.number async for news in listener] == []
    resumed = board.feed.listen(numbers[0])
    assert [(await anext(resumed)).number for _ in range(3)] == numbers[1:]
    await resumed.aclose()
