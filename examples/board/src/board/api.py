"""The JSON API: the same messages for programs. Errors are JSON too: ``{"error": "…"}``."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final, cast

from eyewall.web import HTTPError, RequestHandler

from .messages import Draft, Message
from .pages import parse_before
from .store import MAX_PAGE_SIZE, MAX_REPLIES, PAGE_SIZE, Store, ThreadFullError
from .visitor import new_key, owner_of

if TYPE_CHECKING:
    from .clerk import Clerk

MAX_JSON_BYTES: Final = 64 * 1024

JSON = str | int | float | bool | None | list["JSON"] | dict[str, "JSON"]


class ApiError(HTTPError):
    """An answer with a status, a sentence and, where fields are at fault, a sentence for each."""

    def __init__(self, status: int, sentence: str, fields: dict[str, str] | None = None) -> None:
        super().__init__(status)
        self.sentence: Final = sentence
        self.fields: Final = fields or {}


class ApiHandler(RequestHandler):
    """What the API's addresses share: JSON in, JSON out, JSON for errors."""

    def initialize(self, clerk: Clerk) -> None:
        """Take what the route gives."""
        self.clerk: Clerk = clerk

    def reply(self, value: dict[str, JSON], status: int = 200) -> None:
        """Answer with an object."""
        self.set_status(status)
        self.set_header("Cache-Control", "no-store")
        self.set_header("X-Content-Type-Options", "nosniff")
        self.write(value)

    def write_error(self, status_code: int, **kwargs: Any) -> None:
        """Answer with the sentence of an :class:`ApiError`, or the name of the status."""
        error: object = kwargs.get("exc_info", (None, None))[1]
        if isinstance(error, ApiError):
            fields: dict[str, JSON] = {"fields": {**error.fields}} if error.fields else {}
            self.reply({"error": error.sentence, **fields}, status_code)
        else:
            self.reply({"error": HTTPStatus(status_code).phrase}, status_code)

    def json_body(self) -> dict[str, JSON]:
        """The body's object; 413, 415 or 400 where there is none."""
        media_type = self.request.headers.get("Content-Type", "").partition(";")[0].strip().lower()
        # A page of another site cannot send this type without asking first, which we never allow.
        if media_type != "application/json":
            raise ApiError(415, "Send the message with Content-Type: application/json.")
        if len(self.request.body) > MAX_JSON_BYTES:
            raise ApiError(413, f"Send at most {MAX_JSON_BYTES} bytes.")
        try:
            value = cast("JSON", json.loads(self.request.body))  # what json.loads makes of any text
        except (ValueError, RecursionError):
            raise ApiError(400, "The body is not JSON.") from None
        if not isinstance(value, dict):
            raise ApiError(400, "The body is not a JSON object.")
        return value

    def key(self) -> str:
        """The key in ``Authorization: Bearer KEY``, or an empty one."""
        scheme, _, key = self.request.headers.get("Authorization", "").partition(" ")
        return key.strip() if scheme.lower() == "bearer" else ""

    async def message(self, number: str) -> Message:
        """The message of that number; 404 where there is none."""
        message = await self.clerk.ask(Store.get, int(number))
        if message is None:
            raise ApiError(404, f"There is no message {number}.")
        return message


class ApiMessages(ApiHandler):
    """``/api/messages``: the notices, and where to post."""

    async def get(self) -> None:
        """Give a page of notices, newest first, and in ``next`` the address of the following one."""
        before, limit = self._before(), self._limit()
        found = await self.clerk.ask(Store.latest, before, limit + 1)
        page = found[:limit]
        following = f"/api/messages?before={page[-1].id}&limit={limit}" if len(found) > limit else None
        self.reply({"messages": [_as_json(message) for message in page], "next": following})

    head = get

    def _before(self) -> int | None:
        try:
            return parse_before(self.get_argument("before", ""))
        except ValueError:
            raise ApiError(400, "before is the number of a message.") from None

    def _limit(self) -> int:
        text = self.get_argument("limit", str(PAGE_SIZE))
        limit = int(text) if text.isascii() and text.isdigit() and len(text) <= len(str(MAX_PAGE_SIZE)) else 0
        if not 0 < limit <= MAX_PAGE_SIZE:
            raise ApiError(400, f"limit is a number from 1 to {MAX_PAGE_SIZE}.")
        return limit

    async def post(self) -> None:
        """Post a message; the answer holds the key that deletes it."""
        draft = _draft(self.json_body())
        problems = draft.problems()
        if problems:
            raise ApiError(422, " ".join(problems.values()), problems)
        key = self.key() or new_key()
        try:
            message = await self.clerk.ask(Store.add, draft, owner_of(key))
        except ThreadFullError:
            raise ApiError(422, f"There are {MAX_REPLIES} replies already.", {"reply_to": "full"}) from None
        if message is None:
            raise ApiError(422, f"There is no notice {draft.reply_to} to reply to.", {"reply_to": "unknown"})
        self.set_header("Location", f"/api/messages/{message.id}")
        self.reply({**_as_json(message), "key": key}, 201)


class ApiMessage(ApiHandler):
    """``/api/messages/NUMBER``: one message."""

    async def get(self, number: str) -> None:
        """Give the message, with its replies where it is a notice."""
        message = await self.message(number)
        replies = await self.clerk.ask(Store.replies, message.id)
        self.reply({**_as_json(message), "replies": [_as_json(reply) for reply in replies]})

    head = get

    async def delete(self, number: str) -> None:
        """Delete the message, for whoever shows its key."""
        message = await self.message(number)
        if not await self.clerk.ask(Store.delete, message.id, owner_of(self.key())):
            raise ApiError(403, "Send the key of the message as Authorization: Bearer KEY.")
        self.set_status(204)


class NoSuchAddress(ApiHandler):
    """Every other address below ``/api/``."""

    def prepare(self) -> None:
        """Answer 404, to any method."""
        raise ApiError(404, "There is nothing at this address; the README lists what there is.")


def _as_json(message: Message) -> dict[str, JSON]:
    return {
        "id": message.id,
        "reply_to": message.reply_to,
        "author": message.author,
        "title": message.title,
        "body": message.body,
        "posted": datetime.fromtimestamp(message.posted, UTC).isoformat(timespec="milliseconds"),
        "pinned": message.pinned,
        "reply_count": message.reply_count,
    }


def _draft(value: dict[str, JSON]) -> Draft:
    problems: dict[str, str] = {}

    def text(name: str) -> str:
        found = value.get(name, "")
        if isinstance(found, str):
            return found
        problems[name] = "Please send a string."
        return ""

    draft = Draft(text("author"), text("title"), text("body"), _flag(value, problems), _reply_to(value, problems))
    if problems:
        raise ApiError(422, "Some fields are of the wrong type.", problems)
    return draft.clean()


def _flag(value: dict[str, JSON], problems: dict[str, str]) -> bool:
    found = value.get("pinned", False)
    if not isinstance(found, bool):
        problems["pinned"] = "Please send true or false."
    return found is True


def _reply_to(value: dict[str, JSON], problems: dict[str, str]) -> int | None:
    found = value.get("reply_to")
    if found is None or (isinstance(found, int) and not isinstance(found, bool) and 0 < found < 10**18):
        return found
    problems["reply_to"] = "Please send the number of a notice."
    return None
