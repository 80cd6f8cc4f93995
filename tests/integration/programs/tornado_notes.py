"""Notes, on Tornado: ``python tornado_notes.py --motto=TEXT PORT``. The tests also run it with other imports."""

from __future__ import annotations

import logging
import os
import signal
from collections.abc import Callable, Generator, Iterable
from datetime import timedelta
from typing import Any

import tornado.ioloop
import tornado.web
from tornado import gen
from tornado.escape import json_decode, json_encode
from tornado.httpclient import AsyncHTTPClient, HTTPClientError
from tornado.httpserver import HTTPServer
from tornado.httputil import HTTPHeaders, HTTPServerRequest
from tornado.ioloop import IOLoop, PeriodicCallback
from tornado.locks import Event
from tornado.options import define, options, parse_command_line
from tornado.queues import Queue
from tornado.template import DictLoader
from tornado.web import (
    Application,
    FallbackHandler,
    Finish,
    HTTPError,
    RequestHandler,
    StaticFileHandler,
    UIModule,
    url,
)
from tornado.wsgi import WSGIContainer

define("motto", default="none", help="what the front page says")
define("pages", type=int, multiple=True, help="numbers, to see that they are parsed")


TEMPLATES = {
    "page.html": """<html><head></head><body>
        {% for note in notes %}{% module Template("note.html", note=note) %}{% end %}
        {% module Count(notes) %} {% module linkify("see http://a.example/?b&c") %} {{ reverse_url("front") }}
        </body></html>""",
    "note.html": "<p>{{ note }}</p>{{ set_resources(html_body='<hr>') }}",
}


class BaseHandler(RequestHandler):
    def initialize(self, notes: list[str]) -> None:
        self.notes = notes

    def set_default_headers(self) -> None:
        self.set_header("X-App", "notes")

    def prepare(self) -> None:
        if self.request.headers.get("X-Blocked"):
            self.set_status(403)
            self.finish("blocked")


class FrontHandler(BaseHandler):
    def get(self) -> None:
        self.write(f"{options.motto} {options.pages} {self.settings['version']}")

    def head(self) -> None:
        self.set_header("Content-Length", 0)


class NotesHandler(BaseHandler):
    def get(self) -> None:
        word = self.get_argument("word", "")
        self.write({"notes": [note for note in self.notes if word in note], "words": self.get_arguments("word")})

    def post(self) -> None:
        self.notes.append(self.get_body_argument("text"))
        self.redirect(self.reverse_url("note", len(self.notes) - 1))


class NoteHandler(BaseHandler):
    def get(self, number: str) -> None:
        if int(number) >= len(self.notes):
            raise HTTPError(404, "there is no note %s", number, reason="No Such Note")
        self.set_header("Content-Type", "text/plain; charset=UTF-8")
        self.write(self.notes[int(number)])

    async def delete(self, number: str) -> None:
        await gen.sleep(0)
        self.notes.pop(int(number))
        self.set_status(204)


class SelfHandler(BaseHandler):
    """Asks its own server."""

    @gen.coroutine
    def get(self, path: str) -> Generator[Any, Any, None]:
        client = AsyncHTTPClient()
        address = f"{self.request.protocol}://{self.request.host}/{path}"
        try:
            answers = yield [client.fetch(address), client.fetch(address, method="GET", headers={"X-Blocked": ""})]
        except HTTPClientError as error:
            self.set_status(502)
            self.write({"it said": error.code, "message": error.message})
            raise Finish from None
        self.write({"bodies": [answer.body.decode() for answer in answers], "codes": [a.code for a in answers]})


class WaitHandler(BaseHandler):
    """Waits by everything that a Tornado program may wait by."""

    async def get(self) -> None:
        io_loop = IOLoop.current()
        event, queue = Event(), Queue[int]()
        io_loop.add_callback(event.set)
        io_loop.call_later(0.001, queue.put_nowait, 1)
        io_loop.add_timeout(timedelta(milliseconds=1), queue.put_nowait, 1)
        await event.wait(timeout=timedelta(seconds=30))
        numbers = [await queue.get(), await queue.get()]
        numbers.append(await io_loop.run_in_executor(None, max, 1, 2))
        numbers.append(await gen.with_timeout(timedelta(seconds=30), gen.maybe_future(3)))
        self.write({"numbers": numbers})


class PiecesHandler(BaseHandler):
    @gen.coroutine
    def get(self) -> Generator[Any, Any, None]:
        for number in range(3):
            self.write(f"piece {number}\n")
            yield self.flush()
            yield gen.moment


class EchoHandler(BaseHandler):
    def put(self) -> None:
        request: HTTPServerRequest = self.request
        headers: HTTPHeaders = request.headers
        self.set_header("Content-Type", headers.get("Content-Type", "none"))
        self.set_status(201, "Echoed")
        self.write(json_encode(json_decode(request.body)))


class BrokenHandler(BaseHandler):
    @gen.coroutine
    def get(self) -> Generator[Any, Any, None]:
        yield gen.sleep(0)
        raise ZeroDivisionError("inside")

    def write_error(self, status_code: int, **kwargs: Any) -> None:
        self.write(f"{status_code} {self._reason} {kwargs['exc_info'][0].__name__}")


class Count(UIModule):
    def render(self, notes: list[str]) -> str:
        return f"<b>{len(notes)} for {self.request.path}</b>"


class PageHandler(BaseHandler):
    def get(self) -> None:
        self.render("page.html", notes=["<a>", "b"])


def legacy(environ: dict[str, Any], start_response: Callable[..., object]) -> Iterable[bytes]:
    body = environ["wsgi.input"].read()
    fields = [("Content-Type", "text/plain"), ("Set-Cookie", "a=1")]
    start_response("203 Legacy", fields)
    return [environ["REQUEST_METHOD"].encode(), b" ", environ["PATH_INFO"].encode("latin-1"), b" ", body]


def make_app() -> Application:
    notes = {"notes": ["buy milk", "feed the cat"]}
    return Application(
        [
            url(r"/", FrontHandler, notes, name="front"),
            url(r"/notes", NotesHandler, notes),
            url(r"/notes/([0-9]+)", NoteHandler, notes, name="note"),
            (r"/self/(.*)", SelfHandler, notes),
            (r"/wait", WaitHandler, notes),
            (r"/pieces", PiecesHandler, notes),
            (r"/echo", EchoHandler, notes),
            (r"/broken", BrokenHandler, notes),
            (r"/page", PageHandler, notes),
            (r"/legacy/.*", FallbackHandler, {"fallback": WSGIContainer(legacy)}),
            (r"/files/(.*)", StaticFileHandler, {"path": os.path.join(os.path.dirname(__file__), "static")}),
            (r"/old", tornado.web.RedirectHandler, {"url": "/notes", "permanent": False}),
        ],
        static_path=os.path.join(os.path.dirname(__file__), "static"),
        template_loader=DictLoader(TEMPLATES),
        ui_modules={"Count": Count},
        version=7,
    )


async def check_itself(port: int) -> None:
    answer = await AsyncHTTPClient().fetch(f"http://127.0.0.1:{port}/notes/0")
    logging.getLogger("notes").info("ready: %s", answer.body.decode())


def main() -> None:
    (port,) = parse_command_line()
    server = HTTPServer(make_app())
    server.listen(int(port), "127.0.0.1")
    IOLoop.current().run_sync(lambda: check_itself(int(port)))
    ticker = PeriodicCallback(lambda: None, 10)
    ticker.start()
    io_loop = tornado.ioloop.IOLoop.instance()
    signal.signal(signal.SIGTERM, lambda *_: io_loop.add_callback_from_signal(io_loop.stop))
    io_loop.start()
    ticker.stop()
    server.stop()
    io_loop.run_sync(server.close_all_connections)
    logging.getLogger("notes").info("over")


if __name__ == "__main__":
    main()
