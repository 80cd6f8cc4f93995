"""The JSON API: the same messages for programs. What goes in and what comes out are dataclasses.

Errors are JSON too: ``{"error": "a sentence", "fields": {"title": "what is wrong with it"}}``.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final, TypeVar

from eyewall.web import BodyError, Handler, HTTPError

from .accounts import Account, Credentials
from .messages import Draft, parse_number
from .state import Board
from .store import MAX_PAGE_SIZE, MAX_REPLIES, PAGE_SIZE, Store, ThreadFullError

if TYPE_CHECKING:
    from collections.abc import Callable

    from . import messages

T = TypeVar("T")
D = TypeVar("D")

MAX_JSON_BYTES: Final = 64 * 1024
_TOKEN: Final = "board_token"
_TOKEN_DAYS: Final = 365


@dataclass(frozen=True, slots=True)
class NewToken:
    """What a program sends for a token."""

    name: str
    password: str


@dataclass(frozen=True, slots=True)
class Token:
    """What it sends from then on, as ``Authorization: Bearer TOKEN``."""

    token: str


@dataclass(frozen=True, slots=True)
class NewMessage:
    """What a program posts: a notice, or with ``reply_to`` a reply."""

    body: str
    title: str = ""
    pinned: bool = False
    reply_to: int | None = None


@dataclass(frozen=True, slots=True)
class MessageData:
    """What it is given of a message."""

    id: int
    reply_to: int | None
    author: str
    title: str
    body: str
    posted: datetime
    pinned: bool
    photo: str | None
    """Where its photograph is."""
    reply_count: int

    @classmethod
    def of(cls, message: messages.Message) -> MessageData:
        """Take what is everybody's business."""
        posted = datetime.fromtimestamp(message.posted, UTC)
        return cls(
            message.id,
            message.reply_to,
            message.author,
            message.title,
            message.body,
            posted,
            message.pinned,
            f"/photos/{message.photo}" if message.photo else None,
            message.reply_count,
        )


@dataclass(frozen=True, slots=True)
class PageData:
    """A page of notices, and the address of the following one."""

    messages: list[MessageData]
    next: str | None


@dataclass(frozen=True, slots=True)
class ThreadData:
    """A message with its replies."""

    message: MessageData
    replies: list[MessageData]


class ApiError(HTTPError):
    """An answer with a status, a sentence and, where fields are at fault, a sentence for each."""

    def __init__(self, status: int, sentence: str, fields: dict[str, str] | None = None) -> None:
        super().__init__(status)
        self.sentence: Final = sentence
        self.fields: Final = fields or {}


class ApiHandler(Handler[Board]):
    """What the API's addresses share: who asks, and JSON for errors."""

    def set_default_headers(self) -> None:
        """Let nobody keep an answer, or take it for something else."""
        self.set_header("Cache-Control", "no-store")
        self.set_header("X-Content-Type-Options", "nosniff")

    def check_xsrf_cookie(self) -> None:
        """Let every request through: no cookie opens anything here, and a browser adds no token by itself."""

    async def prepare(self) -> None:
        """Refuse a body that is longer than any of ours."""
        if len(self.request.body) > MAX_JSON_BYTES:
            raise ApiError(413, f"Send at most {MAX_JSON_BYTES} bytes.")

    def write_error(self, status_code: int, **kwargs: Any) -> None:
        """Answer with what is wrong, and where in the body."""
        error: object = kwargs.get("exc_info", (None, None))[1]
        sentence, fields = HTTPStatus(status_code).phrase, dict[str, str]()
        if isinstance(error, ApiError):
            sentence, fields = error.sentence, error.fields
        elif isinstance(error, BodyError):
            sentence, fields = error.problem, {error.where.removeprefix("$."): error.problem}
        self.finish({"error": sentence, **({"fields": fields} if fields else {})})

    def asked(self, name: str, kind: Callable[[str], T], default: D, meaning: str) -> T | D:
        """An argument of the query, as :meth:`argument` gives it; where it makes no sense, a 400 says its meaning."""
        try:
            return self.argument(name, kind, default)
        except HTTPError as error:
            sentence = f"{name} is {meaning}."
            raise ApiError(400, sentence, {name: sentence}) from error

    async def author(self) -> Account:
        """Who sent the request: 401 where its token is not one of ours."""
        scheme, _, token = self.request.headers.get("Authorization", "").partition(" ")
        number = self.get_signed_cookie(_TOKEN, token.strip(), max_age_days=_TOKEN_DAYS)
        if scheme.lower() == "bearer" and number is not None:
            account = await self.state.clerk.ask(Store.account, int(number))
            if account is not None:
                return account
        raise ApiError(401, "Send a token as Authorization: Bearer TOKEN; POST /api/tokens gives one.")

    async def message(self, number: int) -> messages.Message:
        """The message of that number; 404 where there is none."""
        message = await self.state.clerk.ask(Store.get, number)
        if message is None:
            raise ApiError(404, f"There is no message {number}.")
        return message


class Tokens(ApiHandler):
    """``/api/tokens``: where a program signs in."""

    async def post(self) -> Token:
        """Give a token for a name and a password."""
        given = self.json(NewToken)
        account = await self.state.doorman.let_in(Credentials(given.name, given.password).clean())
        if account is None:
            raise ApiError(403, "There is no such name with this password.")
        self.set_status(201)
        return Token(self.create_signed_value(_TOKEN, str(account.id)).decode())


class Messages(ApiHandler):
    """``/api/messages``: the notices, and where to post."""

    async def get(self) -> PageData:
        """Give a page of notices, newest first, and in ``next`` the address of the following one."""
        before = self.asked("before", parse_number, None, "the number of a message")
        limit = self.asked("limit", _parse_limit, PAGE_SIZE, f"a number from 1 to {MAX_PAGE_SIZE}")
        found = await self.state.clerk.ask(Store.latest, before, limit + 1)
        page = found[:limit]
        following = f"/api/messages?before={page[-1].id}&limit={limit}" if len(found) > limit else None
        return PageData([MessageData.of(message) for message in page], following)

    head = get

    async def post(self) -> MessageData:
        """Post a message."""
        author = await self.author()
        given = self.json(NewMessage)
        draft = Draft(given.title, given.body, given.pinned, given.reply_to).clean()
        if problems := draft.problems():
            raise ApiError(422, " ".join(problems.values()), problems)
        try:
            message = await self.state.post(draft, author)
        except ThreadFullError:
            raise ApiError(422, f"There are {MAX_REPLIES} replies already.", {"reply_to": "full"}) from None
        if message is None:
            raise ApiError(422, f"There is no notice {draft.reply_to} to reply to.", {"reply_to": "unknown"})
        self.set_status(201)
        self.set_header("Location", f"/api/messages/{message.id}")
        return MessageData.of(message)


def _parse_limit(text: str) -> int:
    limit = parse_number(text)
    if not 0 < limit <= MAX_PAGE_SIZE:
        raise ValueError(text)
    return limit


class Message(ApiHandler):
    """``/api/messages/NUMBER``: one message."""

    async def get(self, number: int) -> ThreadData:
        """Give the message, with its replies where it is a notice."""
        message = await self.message(number)
        replies = await self.state.clerk.ask(Store.replies, message.id)
        return ThreadData(MessageData.of(message), [MessageData.of(reply) for reply in replies])

    head = get

    async def delete(self, number: int) -> None:
        """Delete the message, for who posted it."""
        message, author = await self.message(number), await self.author()
        if not await self.state.delete(message.id, author):
            raise ApiError(403, "Only who posted a message can delete it.")
        self.set_status(204)


class NoSuchAddress(ApiHandler):
    """Every other address below ``/api/``."""

    async def prepare(self) -> None:
        """Answer 404, to any method."""
        raise ApiError(404, "There is nothing at this address; the README lists what there is.")
