"""The errors of the application layer.

::

    Exception
     ├─ HTTPError               ends a request with a status
     │   ├─ MissingArgumentError  a required argument was not sent: 400
     │   └─ BodyError             a body of JSON is none, 400, or not of the type that was asked for, 422
     ├─ Finish                  ends a request with what was written so far
     └─ WebError                the application was put together wrongly
         ├─ RouteError            one line of its route table; also a ValueError
         └─ SettingError          one of its settings; also a ValueError
"""

from __future__ import annotations

from typing import Final

from eyewall.httpserver import reason_of


class HTTPError(Exception):
    """Raise it in a handler to end the request with a status and its error page.

    ``log_message``, formatted with ``args`` by ``%``, goes to the log and never to the client. ``reason`` replaces
    the usual reason phrase of the status line::

        raise HTTPError(404, "no message %d", number)
    """

    def __init__(
        self, status_code: int = 500, log_message: str | None = None, *args: object, reason: str | None = None
    ) -> None:
        # Not redundant for those who have no type checker.
        if not isinstance(status_code, int):  # pyright: ignore[reportUnnecessaryIsInstance]
            raise TypeError(f"{status_code!r} is not a status: give the number first, HTTPError(400, {status_code!r})")
        super().__init__(*args)
        self.status_code: Final = status_code
        self.reason: Final = reason
        self._log_message = log_message

    @property
    def log_message(self) -> str | None:
        """The message as a format string: ``error.log_message % error.args`` always works."""
        if self._log_message and not self.args:
            return self._log_message.replace("%", "%%")
        return self._log_message

    @log_message.setter
    def log_message(self, value: str | None) -> None:
        self._log_message = value

    def get_message(self) -> str | None:
        """The formatted message."""
        if self._log_message and self.args:
            return self._log_message % self.args
        return self._log_message

    def __str__(self) -> str:
        status = f"HTTP {self.status_code}: {self.reason or reason_of(self.status_code)}"
        message = self.get_message()
        return f"{status} ({message})" if message else status


class MissingArgumentError(HTTPError):
    """A required argument is missing: the client is answered with 400."""

    def __init__(self, arg_name: str) -> None:
        super().__init__(400, f"Missing argument {arg_name}")
        self.arg_name: Final = arg_name


class BodyError(HTTPError):
    """A body is not valid JSON (400), or not what the handler asked for (422); the client is told what and where."""

    def __init__(self, status_code: int, problem: str, where: str = "$") -> None:
        super().__init__(status_code, "%s at %s", problem, where)
        self.problem: Final = problem
        """What is wrong."""
        self.where: Final = where
        """The place in the JSON, such as ``$.items[2].price``."""


class FormError(HTTPError):
    """A form is malformed (400), exceeds a limit (413), or has another type than requested (415)."""

    def __init__(self, status_code: int, problem: str) -> None:
        super().__init__(status_code, "%s", problem)
        self.problem: Final = problem
        """What is wrong."""


class Finish(Exception):  # noqa: N818 - Tornado's name; nothing went wrong
    """Raise it in a handler to end the request with what has been set and written so far, without an error page.

    Its arguments are passed to ``finish``: ``raise Finish("sorry")``.
    """


class WebError(Exception):
    """The base class of errors in an application that are found before it serves."""


class RouteError(WebError, ValueError):
    """A line of a route table is wrong; the message names the route, the fault and the remedy."""


class SettingError(WebError, ValueError):
    """A setting has an unusable value; the message names the setting and the remedy."""
