"""What a message is, and which drafts of one are refused. Knows neither HTTP nor SQL."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

# Characters. A title has to fit a line of the stream, a body one screen or so.
MAX_AUTHOR: Final = 60
MAX_TITLE: Final = 120
MAX_BODY: Final = 5000

_CONTROL_CHARACTERS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")


def _clean(text: str) -> str:
    # A JSON string may hold half of a surrogate pair, which no file and no page can.
    text = text.encode("utf-8", "replace").decode("utf-8").replace("\r\n", "\n")
    return _CONTROL_CHARACTERS.sub("", text).strip()


def _clean_line(text: str) -> str:
    return " ".join(_clean(text).split())


@dataclass(frozen=True, slots=True)
class Draft:
    """A message as somebody wrote it; :meth:`clean` it, then ask for its :meth:`problems`."""

    author: str = ""
    title: str = ""
    body: str = ""
    pinned: bool = False
    reply_to: int | None = None

    def clean(self) -> Draft:
        """The draft without control characters and needless space; a reply has neither title nor pin."""
        is_reply = self.reply_to is not None
        return Draft(
            author=_clean_line(self.author),
            title="" if is_reply else _clean_line(self.title),
            body=_clean(self.body),
            pinned=self.pinned and not is_reply,
            reply_to=self.reply_to,
        )

    def problems(self) -> dict[str, str]:
        """What keeps it from being posted: a sentence for each field at fault."""
        fields = [("author", "your name", self.author, MAX_AUTHOR)]
        if self.reply_to is None:
            fields.append(("title", "a title", self.title, MAX_TITLE))
        fields.append(("body", "a text", self.body, MAX_BODY))
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
    owner: str
    """A digest of the key of whoever posted it; see :mod:`board.visitor`."""
    reply_count: int
