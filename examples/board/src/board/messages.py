"""What a message is, and which drafts of one are refused. Knows neither HTTP nor SQL."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

# Characters. A title has to fit a line of the stream, a body one screen or so.
MAX_TITLE: Final = 120
MAX_BODY: Final = 5000

MAX_NUMBER: Final = 10**18 - 1
"""No message has a higher number: SQLite's integers end a little above."""
NUMBER_PATTERN: Final = "[0-9]{1,18}"
_NUMBER = re.compile(NUMBER_PATTERN)
_CONTROL_CHARACTERS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")


def _clean(text: str) -> str:
    # A JSON string may hold half of a surrogate pair, which no file and no page can.
    text = text.encode("utf-8", "replace").decode("utf-8").replace("\r\n", "\n")
    return _CONTROL_CHARACTERS.sub("", text).strip()


def clean_line(text: str) -> str:
    """The text without control characters, on one line, with single spaces."""
    return " ".join(_clean(text).split())


def parse_number(text: str) -> int:
    """The number of a message, up to :data:`MAX_NUMBER`. Raises ``ValueError`` where it is none."""
    if not _NUMBER.fullmatch(text):
        raise ValueError(text)
    return int(text)


@dataclass(frozen=True, slots=True)
class Draft:
    """A message as somebody wrote it; :meth:`clean` it, then ask for its :meth:`problems`."""

    title: str = ""
    body: str = ""
    pinned: bool = False
    reply_to: int | None = None
    photo: str = ""
    """The name of its photograph, where it has one."""

    def clean(self) -> Draft:
        """The draft without control characters and needless space; a reply has neither title nor pin."""
        is_reply = self.reply_to is not None
        return Draft(
            title="" if is_reply else clean_line(self.title),
            body=_clean(self.body),
            pinned=self.pinned and not is_reply,
            reply_to=self.reply_to,
            photo=self.photo,
        )

    def problems(self) -> dict[str, str]:
        """What keeps it from being posted: a sentence for each field at fault."""
        fields = [("body", "a text", self.body, MAX_BODY)]
        if self.reply_to is None:
            fields.insert(0, ("title", "a title", self.title, MAX_TITLE))
        return {name: found for name, label, text, limit in fields if (found := _problem(label, text, limit))}


def _problem(label: str, text: str, limit: int) -> str | None:
    if not text:
        return f"Please enter {label}."
    if len(text) > limit:
        return f"Please shorten this to {limit} characters; it has {len(text)}."
    return None


@dataclass(frozen=True, slots=True)
class Message:
    """A message as it is kept: a notice with a title, or a reply to one."""

    id: int
    reply_to: int | None
    author: str
    title: str
    body: str
    posted: float
    """Seconds since the epoch."""
    pinned: bool
    account: int | None
    """The number of its author's account; None for one that is older than accounts."""
    photo: str
    """The name of its photograph; empty where it has none."""
    reply_count: int


@dataclass(frozen=True, slots=True)
class Deletion:
    """That a message was deleted, with its replies where it was a notice."""

    id: int
    """Its own place in the order of what happens on the board: messages and deletions share their numbers."""
    message: int
    reply_to: int | None
