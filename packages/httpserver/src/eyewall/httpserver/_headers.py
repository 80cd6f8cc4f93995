"""HTTPHeaders: the fields of one message, by name and in order."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, MutableMapping
from typing import TYPE_CHECKING, Final, TypeVar, overload

from .errors import HTTPFieldError, HTTPOutputError

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Self

# RFC 9110 section 5.6.2 (token) and section 5.5 (field-content, with obs-text).
TOKEN: Final = r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+"
FIELD_VALUE: Final = r"[\t\x20-\x7e\x80-\xff]*"

REPEATED: Final = "\0"
"""What :func:`fields_of` has for a name that stands more than once: no value that a field can have."""

T = TypeVar("T")

_is_token = re.compile(TOKEN).fullmatch
_is_value = re.compile(FIELD_VALUE).fullmatch


class _Names(dict[str, str]):
    """Normalised field names by the spelling that came in: a cache with a bound, of valid names only."""

    MAX_NAMES = 1024
    MAX_LENGTH = 64

    def __missing__(self, name: str) -> str:
        normal = "-".join([word.capitalize() for word in name.split("-")])
        if len(name) <= self.MAX_LENGTH and _is_token(name):
            # Or a client that makes up names would have filled it for good.
            if len(self) >= self.MAX_NAMES:
                self.clear()
            self[name] = normal
        return normal


_names = _Names()
_normal = _names.__getitem__
_known_name = _names.get
# Looked up once: by way of the class it takes twice as long.
_new: Final = object.__new__


def normal_name(name: str) -> str | None:
    """Normalise a name; None where it cannot be one."""
    return _known_name(name) or (_names[name] if _is_token(name) else None)


def _checked_name(name: str) -> str:
    """Check a name that is not known."""
    if (normal := normal_name(name)) is None:
        raise HTTPFieldError(f"{name!r} cannot be a field name: use letters, digits and any of !#$%&'*+-.^_`|~")
    return normal


def _checked_value(name: str, value: str) -> str:
    try:
        if not (value.isascii() and value.isprintable()) and not _is_value(value):
            raise HTTPFieldError(
                f"{value[:80]!r} cannot be the value of {name}: it holds a control character or one beyond Latin-1; "
                "encode it first"
            )
    except AttributeError:
        raise TypeError(f"{value!r} cannot be the value of {name}: it is not text; convert it first") from None
    return value.strip(" \t")


class Framing:
    """The field lines of an answer, and what they say of its framing; copies of the fields share it.

    Without a constructor, which would cost as much as all that it sets.
    """

    __slots__ = ("connection", "dated", "last_head", "length", "lines")

    lines: str
    length: int | str | None
    """``Content-Length``; as it is, where it is no plain number."""
    dated: bool
    connection: str | None
    last_head: tuple[tuple[object, ...], tuple[bytes, int, bool]] | None
    """What ``answer_head`` gave the last time, behind all that it depends on beside the lines."""


class HTTPHeaders(MutableMapping[str, str]):
    """A mapping of case-insensitive field names to values; a name may occur more than once.

    ::

        headers = HTTPHeaders({"content-type": "text/html"})
        headers.add("Set-Cookie", "A=B")
        headers.add("Set-Cookie", "C=D")
        headers["set-cookie"]              # 'A=B,C=D'
        headers.get_list("set-cookie")     # ['A=B', 'C=D']

    It is created from a mapping, whose values may be lists, or from pairs, of which the last one for a name counts.
    Names and values are checked when they are set: one that could end a line, or that RFC 9110 section 5 does not
    allow in a field, raises :class:`HTTPFieldError`. Iteration yields names in the spelling ``Content-Type``, in the
    order in which they were first set.
    """

    __slots__ = ("_fields", "_framing", "_lines", "_repeated", "_shared")

    @overload
    def __init__(self, fields: Mapping[str, str | list[str]], /) -> None: ...
    @overload
    def __init__(self, fields: Iterable[tuple[str, str]] = (), /, **more: str) -> None: ...
    def __init__(
        self,
        fields: Mapping[str, str | list[str]] | Iterable[tuple[str, str]] = (),
        /,
        **more: str,
    ) -> None:
        self._fields: dict[str, str] = {}
        # True where a copy may have the same dicts: whoever changes them first takes some of its own.
        self._shared: bool = False
        self._repeated: dict[str, list[str]] | None = None
        self._lines: str | None = None
        self._framing: Framing | None = None
        kind: object = type(fields)
        # Of a dict it need not be asked, which costs as much as a field.
        if kind is not dict and isinstance(fields, HTTPHeaders):
            for name, value in fields.get_all():
                self._append(name, value)
            return
        given: Mapping[str, str | list[str]]
        given = fields if kind is dict and not more else dict(fields, **more)  # type: ignore[assignment] # it is a dict
        for name, values in given.items():
            if isinstance(values, list):
                for value in values:
                    self.add(name, value)
            else:
                self[name] = values

    @classmethod
    def _of_valid(cls, fields: list[tuple[str, str]]) -> Self:
        """Make headers of fields that are valid, of normalised names."""
        self = cls.__new__(cls)
        self._shared = False
        self._repeated = None
        self._lines = None
        self._framing = None
        self._fields = dict(fields)
        if len(self._fields) != len(fields):
            self._fields = {}
            for name, value in fields:
                self._append(name, value)
        return self

    def _copy_with(self, more: dict[str, str]) -> Self:
        """A copy with more fields, which are valid, of normalised names that there are not."""
        new = self.copy()
        new._lines = None
        new._take_own()
        new._fields.update(more)
        return new

    @classmethod
    def parse(cls, text: str) -> Self:
        """Create headers from lines ``Name: value``, each ended by CRLF or LF; empty lines are skipped.

        A line that begins with white space is refused (RFC 9112 section 5.2, obs-fold), and so is one without a
        colon: :class:`HTTPFieldError`.
        """
        headers = cls()
        for line in text.split("\n"):
            headers.parse_line(line)
        return headers

    def parse_line(self, line: str) -> None:
        """Add the field of one line ``Name: value``, with or without its line ending; an empty line adds nothing."""
        line = line.removesuffix("\n").removesuffix("\r")
        if not line:
            return
        name, colon, value = line.partition(":")
        if not colon:
            raise HTTPFieldError(f"{line[:80]!r} is not a field line: it has no colon")
        self.add(name, value)

    def add(self, name: str, value: str) -> None:
        """Add a field of this name after the existing ones."""
        name = _known_name(name) or _checked_name(name)
        self._append(name, _checked_value(name, value))

    def get_list(self, name: str) -> list[str]:
        """All values for the name, one for each field; empty if there is none."""
        name = _normal(name)
        if self._repeated is not None and name in self._repeated:
            return list(self._repeated[name])
        return [self._fields[name]] if name in self._fields else []

    def get_all(self) -> Iterator[tuple[str, str]]:
        """All (name, value) pairs: a name that was added twice occurs twice."""
        if self._repeated is None:
            return iter(self._fields.items())
        return ((name, value) for name in self._fields for value in self.get_list(name))

    def copy(self) -> Self:
        """A copy that can be changed independently."""
        new = _new(type(self))
        new._fields = self._fields
        new._repeated = self._repeated
        new._shared = self._shared = True
        new._lines = self._lines
        new._framing = self._framing
        return new

    __copy__ = copy

    def to_lines(self) -> str:
        """The field lines as they are sent, each ended by CRLF; cached until a field changes."""
        if self._lines is None:
            fields = self._fields.items() if self._repeated is None else self.get_all()
            self._lines = "\r\n".join([*map(": ".join, fields), ""])
        return self._lines

    def _frame(self) -> Framing:
        """See what this package asks of every answer's fields; it is known until they change, which ``_lines`` shows.

        Raises :class:`HTTPOutputError` for a ``Transfer-Encoding``.
        """
        fields = self._fields
        if "Transfer-Encoding" in fields:
            raise HTTPOutputError("leave Transfer-Encoding out: a body without Content-Length is sent in chunks anyway")
        length = fields.get("Content-Length")
        framing = self._framing = Framing()
        framing.lines = self.to_lines()
        framing.length = int(length) if length is not None and length.isdigit() and length.isascii() else length
        framing.dated = "Date" in fields
        framing.connection = self["Connection"] if "Connection" in fields else None
        framing.last_head = None
        return framing

    def _take_own(self) -> None:
        self._fields = self._fields.copy()
        if self._repeated is not None:
            self._repeated = {name: values.copy() for name, values in self._repeated.items()}
        self._shared = False

    def _append(self, name: str, value: str) -> None:
        if self._shared:
            self._take_own()
        if (before := self._fields.get(name)) is None:
            self._fields[name] = value
            if self._lines is not None:
                self._lines = f"{self._lines}{name}: {value}\r\n"
            return
        self._lines = None
        if self._repeated is None:
            self._repeated = {}
        self._repeated.setdefault(name, [before]).append(value)
        # Joined when it is asked for, not at every addition: that would cost the square of their number.
        self._fields[name] = REPEATED

    @overload
    def get(self, name: str, default: None = None, /) -> str | None: ...
    @overload
    def get(self, name: str, default: str, /) -> str: ...
    @overload
    def get(self, name: str, default: T, /) -> str | T: ...
    def get(self, name: str, default: T | None = None, /) -> str | T | None:
        """The value for the name, joined by commas if there are several, or the default."""
        # Mapping's own would raise and catch a KeyError for a name that is not there.
        name = _normal(name)
        if name not in self._fields:
            return default
        return self._fields[name] if self._repeated is None else self[name]

    def __getitem__(self, name: str) -> str:
        name = _normal(name)
        if self._repeated is not None and name in self._repeated:
            return ",".join(self._repeated[name])
        return self._fields[name]

    def __setitem__(self, name: str, value: str) -> None:
        name = _known_name(name) or _checked_name(name)
        # Most values are plain: a call would cost as much as to see it.
        plain = type(value) is str and value.isascii() and value.isprintable()
        value = value.strip() if plain else _checked_value(name, value)
        if self._lines is not None:
            # Of a field that comes behind the others, only its own line is new.
            self._lines = None if name in self._fields else f"{self._lines}{name}: {value}\r\n"
        if self._shared:
            self._take_own()
        if self._repeated is not None:
            self._repeated.pop(name, None)
        self._fields[name] = value

    def __delitem__(self, name: str) -> None:
        name = _normal(name)
        self._lines = None
        if self._shared:
            self._take_own()
        del self._fields[name]
        if self._repeated is not None:
            self._repeated.pop(name, None)

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and _normal(name) in self._fields

    def __len__(self) -> int:
        return len(self._fields)

    def __iter__(self) -> Iterator[str]:
        return iter(self._fields)

    def __str__(self) -> str:
        return "".join([f"{name}: {value}\n" for name, value in self.get_all()])

    def __repr__(self) -> str:
        return f"{self.__class__.__name__}({list(self.get_all())!r})"


def fields_of(headers: HTTPHeaders) -> dict[str, str]:
    """The dict inside, for this package's own look-ups on the path of every request; not to be changed.

    Names are normalised; the value of one that stands more than once is :data:`REPEATED`.
    """
    return headers._fields  # pyright: ignore[reportPrivateUsage] - this module's own


def check_headers(headers: object) -> None:
    """Raise ``TypeError`` for a dict, or whatever else is no :class:`HTTPHeaders`."""
    if not isinstance(headers, HTTPHeaders):
        raise TypeError(f"headers are {headers!r}: give HTTPHeaders(…)")


def adopted(headers: object) -> HTTPHeaders:
    """Return fields of another make as ours: Tornado's, as its ``WSGIContainer`` sends them, have ``get_all``, too."""
    if isinstance(headers, HTTPHeaders):
        return headers
    get_all: Callable[[], Iterable[tuple[str, str]]] | None = getattr(headers, "get_all", None)
    if get_all is None:
        raise TypeError(f"headers are {headers!r}: give HTTPHeaders(…)")
    own = HTTPHeaders()
    for name, value in get_all():
        own.add(name, value)
    return own


# What a parser has checked is not checked again. Nobody else may go without: these are no public methods.
headers_of: Final = HTTPHeaders._of_valid  # pyright: ignore[reportPrivateUsage] - this module's own
copy_with: Final = HTTPHeaders._copy_with  # pyright: ignore[reportPrivateUsage] - this module's own
