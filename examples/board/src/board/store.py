"""The messages in SQLite. Every call blocks: it belongs into the thread of a :class:`~board.clerk.Clerk`."""

from __future__ import annotations

import sqlite3
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from .accounts import Account
from .messages import MAX_NUMBER, Deletion, Draft, Message

if TYPE_CHECKING:
    from collections.abc import Callable, Generator
    from pathlib import Path

PAGE_SIZE: Final = 20
MAX_PAGE_SIZE: Final = 100
MAX_PINNED: Final = 10
"""A page shows no more pinned notices than this, the newest; the others stay in the stream's order."""
MAX_REPLIES: Final = 500

# Seconds to wait for another process that writes. Writes take milliseconds; a backup may take longer.
_BUSY_SECONDS: Final = 5.0
# What makes a database of one version into one of the next. A new version adds to them, and changes none.
_STEPS: Final = (
    """
    CREATE TABLE message (
        id INTEGER PRIMARY KEY AUTOINCREMENT,  -- a deleted message's address is never given to another
        reply_to INTEGER REFERENCES message (id) ON DELETE CASCADE,
        author TEXT NOT NULL,
        title TEXT NOT NULL,
        body TEXT NOT NULL,
        posted REAL NOT NULL,
        pinned INTEGER NOT NULL,
        owner TEXT NOT NULL  -- meant something before there were accounts
    );
    CREATE INDEX message_reply_to ON message (reply_to);
    """,
    """
    CREATE TABLE account (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        name TEXT NOT NULL,
        folded_name TEXT NOT NULL UNIQUE,
        password TEXT NOT NULL
    );
    ALTER TABLE message ADD COLUMN account INTEGER REFERENCES account (id);
    """,
    "ALTER TABLE message ADD COLUMN photo TEXT NOT NULL DEFAULT ''",
    "CREATE TABLE deletion (id INTEGER PRIMARY KEY, message INTEGER NOT NULL, reply_to INTEGER)",
)
_COLUMNS: Final = """
    m.id, m.reply_to, m.author, m.title, m.body, m.posted, m.pinned, m.account, m.photo,
    (SELECT count(*) FROM message AS r WHERE r.reply_to = m.id)
"""
_Row = tuple[int, int | None, str, str, str, float, int, int | None, str, int]


class StoreError(Exception):
    """The database cannot be used; the message says which, why, and what to do."""


class ThreadFullError(Exception):
    """A notice has :data:`MAX_REPLIES` replies already."""


def _message(row: _Row) -> Message:
    number, reply_to, author, title, body, posted, pinned, account, photo, reply_count = row
    return Message(number, reply_to, author, title, body, posted, bool(pinned), account, photo, reply_count)


class Store:
    """One connection to the file at ``path``, which is made where it is missing.

    Use it in the thread that made it. Any number of stores, in any number of processes, may share a file.
    Raises :class:`StoreError` where the file cannot be opened, or is no board's.
    """

    def __init__(self, path: Path, *, now: Callable[[], float] = time.time) -> None:
        self._now = now
        try:
            self._sql = sqlite3.connect(path, timeout=_BUSY_SECONDS, isolation_level=None)
            try:
                self._prepare()
            except BaseException:
                self._sql.close()
                raise
        except sqlite3.Error as error:
            raise StoreError(
                f"cannot use the database {path}: {error}; give --database a file in a folder that you may write to."
            ) from error

    def _prepare(self) -> None:
        self._sql.execute("PRAGMA journal_mode = WAL")  # a reader does not wait for a writer
        self._sql.execute("PRAGMA foreign_keys = ON")
        # SQLite's own LIKE and lower() know ASCII only.
        self._sql.create_function("casefold", 1, str.casefold, deterministic=True)
        with self._transaction():
            (version,) = self._sql.execute("PRAGMA user_version").fetchone()
            if version > len(_STEPS):
                raise sqlite3.DatabaseError(f"it was made by a newer board (version {version}, known {len(_STEPS)})")
            for number, step in enumerate(_STEPS[version:], version + 1):
                for statement in step.split(";"):  # executescript() would commit
                    self._sql.execute(statement)
                self._sql.execute(f"PRAGMA user_version = {number}")

    def close(self) -> None:
        """Let go of the file. Idempotent."""
        self._sql.close()

    def _select(self, conditions: str, *values: str | int) -> list[Message]:
        # The conditions are this file's own; whatever came from outside is a value.
        found = self._sql.execute(f"SELECT {_COLUMNS} FROM message AS m WHERE {conditions}", values)
        return [_message(row) for row in found.fetchall()]

    def get(self, number: int) -> Message | None:
        """The message with this number, or None."""
        if number > MAX_NUMBER:
            return None
        found = self._select("m.id = ?", number)
        return found[0] if found else None

    def latest(self, before: int | None = None, limit: int = PAGE_SIZE) -> list[Message]:
        """Notices, newest first; with ``before``, those older than the notice of that number."""
        return self._notices("1", before, limit)

    def unpinned(self, before: int | None = None, limit: int = PAGE_SIZE) -> list[Message]:
        """As :meth:`latest`, without those that :meth:`pinned` gives."""
        return self._notices(
            "m.id NOT IN (SELECT id FROM message WHERE pinned ORDER BY id DESC LIMIT ?)", before, limit, MAX_PINNED
        )

    def search(self, text: str, before: int | None = None, limit: int = PAGE_SIZE) -> list[Message]:
        """As :meth:`latest`, of the notices that hold ``text`` in title, body, author or a reply, in any case."""
        return self._notices(
            """EXISTS (SELECT 1 FROM message AS t WHERE (t.id = m.id OR t.reply_to = m.id)
                       AND instr(casefold(t.title || char(10) || t.body || char(10) || t.author), ?))""",
            before,
            limit,
            text.casefold(),
        )

    def _notices(self, condition: str, before: int | None, limit: int, *values: str | int) -> list[Message]:
        older = "1" if before is None else "m.id < ?"
        bounds = () if before is None else (before,)
        return self._select(
            f"m.reply_to IS NULL AND {condition} AND {older} ORDER BY m.id DESC LIMIT ?",
            *values,
            *bounds,
            min(limit, MAX_PAGE_SIZE + 1),  # one more than a page tells whether there is a next
        )

    def pinned(self) -> list[Message]:
        """The pinned notices, newest first, at most :data:`MAX_PINNED`."""
        return self._select("m.pinned ORDER BY m.id DESC LIMIT ?", MAX_PINNED)

    def replies(self, number: int) -> list[Message]:
        """The replies to a notice, oldest first."""
        return self._select("m.reply_to = ? ORDER BY m.id LIMIT ?", number, MAX_REPLIES)

    def newest(self) -> int:
        """The number of the newest message or deletion; 0 where there was none."""
        (number,) = self._sql.execute(
            "SELECT coalesce(max(seq), 0) FROM sqlite_sequence WHERE name = 'message'"
        ).fetchone()
        return int(number)

    def since(self, number: int) -> list[Message | Deletion]:
        """Messages and deletions with higher numbers, the lowest first, :data:`MAX_PAGE_SIZE` of them at most."""
        condition, values = "id > ? ORDER BY id LIMIT ?", (number, MAX_PAGE_SIZE)
        with self._transaction("DEFERRED"):  # both as of one moment: else one could hide behind another's number
            messages = self._select(f"m.{condition}", *values)
            deletions = self._sql.execute(f"SELECT id, message, reply_to FROM deletion WHERE {condition}", values)
            changes: list[Message | Deletion] = [*messages, *[Deletion(*row) for row in deletions]]
        return sorted(changes, key=lambda change: change.id)[:MAX_PAGE_SIZE]

    def add(self, draft: Draft, author: Account) -> Message | None:
        """Keep a clean draft; None where it replies to what is not, or is no longer, a notice.

        Raises :class:`ThreadFullError`.
        """
        texts = (draft.title, draft.body, draft.photo)
        with self._transaction():
            if draft.reply_to is not None:
                notice = self.get(draft.reply_to)
                if notice is None or notice.reply_to is not None:
                    return None
                if notice.reply_count >= MAX_REPLIES:
                    raise ThreadFullError
            number = self._sql.execute(
                """INSERT INTO message (reply_to, author, title, body, photo, posted, pinned, account, owner)
                   VALUES (?, ?, ?, ?, ?, ?, ?, ?, '')""",
                (draft.reply_to, author.name, *texts, self._now(), draft.pinned, author.id),
            ).lastrowid
            return None if number is None else self.get(number)

    @contextmanager
    def _transaction(self, kind: str = "IMMEDIATE") -> Generator[None]:
        self._sql.execute(f"BEGIN {kind}")
        try:
            yield
        except BaseException:
            self._sql.execute("ROLLBACK")
            raise
        self._sql.execute("COMMIT")

    def pin(self, number: int, author: Account, pinned: bool) -> bool:
        """Pin or unpin a notice of this author; False where there is none."""
        return self._change(
            "UPDATE message SET pinned = ? WHERE id = ? AND account = ? AND reply_to IS NULL", pinned, number, author.id
        )

    def delete(self, number: int, author: Account) -> list[str] | None:
        """Delete a message of this author, with its replies; None where there is none.

        Gives the names of the photographs that they had.
        """
        with self._transaction():
            message = self.get(number)
            if message is None or message.account != author.id:
                return None
            photos = self._sql.execute(
                "SELECT photo FROM message WHERE photo != '' AND (id = ? OR reply_to = ?)", (number, number)
            ).fetchall()
            self._sql.execute("DELETE FROM message WHERE id = ?", (number,))
            # The next of the numbers that messages are given.
            self._sql.execute("UPDATE sqlite_sequence SET seq = seq + 1 WHERE name = 'message'")
            self._sql.execute(
                "INSERT INTO deletion (id, message, reply_to) VALUES (?, ?, ?)",
                (self.newest(), number, message.reply_to),
            )
            return [photo for (photo,) in photos]

    def add_account(self, name: str, password: str) -> Account | None:
        """Keep an account; None where one has that name already, in any case."""
        try:
            number = self._sql.execute(
                "INSERT INTO account (name, folded_name, password) VALUES (?, ?, ?)", (name, name.casefold(), password)
            ).lastrowid
        except sqlite3.IntegrityError:
            return None
        return None if number is None else self.account(number)

    def account(self, number: int) -> Account | None:
        """The account of that number, or None."""
        return self._account("id = ?", number)

    def account_named(self, name: str) -> Account | None:
        """The account of that name in any case, or None."""
        return self._account("folded_name = ?", name.casefold())

    def _account(self, condition: str, value: str | int) -> Account | None:
        row = self._sql.execute(f"SELECT id, name, password FROM account WHERE {condition}", (value,)).fetchone()
        return None if row is None else Account(*row)

    def _change(self, sql: str, *values: str | int) -> bool:
        return self._sql.execute(sql, values).rowcount > 0
