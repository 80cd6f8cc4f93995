r"""Formatters for the lines of a log: text for people, JSON for programs; whatever a client sent, each keeps its form.

What clients send reaches logs in messages and in the texts of exceptions. In a line of text, control characters, line
ends and what turns the direction of writing stand as escapes such as ``\n``, and a traceback is indented; in JSON
all of that is escaped anyhow.
"""

from __future__ import annotations

import logging
from typing import Final

from ._log import printable

_OWN_ATTRIBUTES: Final = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}
"""What every record has; the rest is what ``extra`` gave it."""


class TextLogFormatter(logging.Formatter):
    """Formats a record as one line of text, followed by its traceback, if any, indented.

    ::

        handler = logging.StreamHandler()
        handler.setFormatter(TextLogFormatter())
        logging.basicConfig(level=logging.INFO, handlers=[handler])

    ``fmt`` and ``datefmt`` are those of :class:`logging.Formatter`.
    """

    def __init__(self, fmt: str | None = None, datefmt: str | None = None) -> None:
        super().__init__(fmt or "%(asctime)s %(levelname)s %(name)s: %(message)s", datefmt)

    def format(self, record: logging.LogRecord) -> str:
        """Format the record."""
        record.message = record.getMessage()
        if self.usesTime():
            record.asctime = self.formatTime(record, self.datefmt)
        lines = [printable(self.formatMessage(record))]
        lines += ["    " + printable(line) for line in _trace_of(record).split("\n") if line]
        return "\n".join(lines)


class JSONLogFormatter(logging.Formatter):
    """Formats a record as one line of JSON.

    Its members are ``time`` (RFC 3339, UTC), ``level``, ``logger``, ``message``, ``exception`` if there is one, and
    whatever the call passed as ``extra``. A record of ``eyewall.access`` has ``status``, ``method``, ``uri``,
    ``remote_ip`` and ``duration_ms``, and ``disconnected`` if the client left before the response was complete. A
    record of ``eyewall.application`` about a request has ``method``, ``uri`` and ``remote_ip``::

        {"version": 1,
         "formatters": {"json": {"()": "eyewall.web.JSONLogFormatter"}}, ...}
    """

    def format(self, record: logging.LogRecord) -> str:
        """Format the record."""
        from datetime import UTC, datetime

        members: dict[str, object] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
        }
        if trace := _trace_of(record):
            members["exception"] = trace
        for name, value in vars(record).items():
            if name not in _OWN_ATTRIBUTES:
                members.setdefault(name, value)
        return "{" + ", ".join([f"{_written(name)}: {_written(value)}" for name, value in members.items()]) + "}"


def _written(value: object) -> str:
    """Write a value as JSON: what is none of JSON's, as its ``repr``."""
    from json import dumps

    try:
        text = dumps(value, allow_nan=False)
    except (TypeError, ValueError, RecursionError):
        text = dumps(repr(value))
    return text.replace("\x7f", "\\u007f")  # the one control character that JSON lets stand


def _trace_of(record: logging.LogRecord) -> str:
    """The traceback and the stack of a record, if it has them.

    Made here, and not taken from ``record.exc_text``, which another formatter may have left there in its own form.
    """
    from traceback import format_exception

    parts: list[str] = []
    if record.exc_info is not None and record.exc_info[1] is not None:
        parts.append("".join(format_exception(record.exc_info[1])).rstrip("\n"))
    elif record.exc_text:
        parts.append(record.exc_text)  # of a record that came from another process
    if record.stack_info:
        parts.append(record.stack_info)
    return "\n".join(parts)
