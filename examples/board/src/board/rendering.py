"""Jinja2, set up once: every value in a template is escaped unless it is Markup."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from eyewall.web import JinjaLoader

from . import text
from .accounts import MAX_NAME, MAX_PASSWORD
from .messages import MAX_BODY, MAX_TITLE
from .photos import MAX_BYTES

if TYPE_CHECKING:
    from collections.abc import Iterable

    from .messages import Deletion, Message

_HERE: Final = Path(__file__).parent
STATIC_FOLDER: Final = _HERE / "static"


class Templates(JinjaLoader):
    """The folder ``templates``, with the name of the board in each of them."""

    def __init__(self, title: str) -> None:
        environment = Environment(
            loader=FileSystemLoader(_HERE / "templates"),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            auto_reload=False,
        )
        functions = (text.age, text.full_time, text.hue, text.initials, text.iso_time, text.linkify)
        names: dict[str, object] = {function.__name__: function for function in functions}
        names["limits"] = {
            "name": MAX_NAME,
            "password": MAX_PASSWORD,
            "title": MAX_TITLE,
            "body": MAX_BODY,
            "photo": MAX_BYTES >> 20,
        }
        names["board_title"] = title
        # Jinja annotates nothing here: pyright infers a type that allows only what is there from the beginning.
        environment.globals.update(names)  # pyright: ignore[reportArgumentType, reportCallIssue]
        super().__init__(environment=environment)
        self._article = environment.get_template("article.html")

    def news(self, message: Message, shown: Iterable[Message]) -> str:
        """What ``board.js`` is told of a new message: what is shown of it, by the place where that belongs."""
        return json.dumps({"number": message.id, "author": message.author, "places": self._places(shown)})

    def gone(self, deletion: Deletion, shown: Iterable[Message]) -> str:
        """What it is told of a deleted one: the number of that, and what is shown otherwise from now on."""
        return json.dumps({"number": deletion.id, "deleted": deletion.message, "places": self._places(shown)})

    def _places(self, shown: Iterable[Message]) -> dict[str, str]:
        return {_place_of(each): self._article.render(message=each) for each in shown}


def _place_of(message: Message) -> str:
    return "notices" if message.reply_to is None else f"replies-{message.reply_to}"
