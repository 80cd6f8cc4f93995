"""Parts of a path that stand for a value of a type: in templates by name, in typed routes as they are."""

from __future__ import annotations

import re
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Final, Generic, TypeVar, get_type_hints

from .errors import RouteError

T = TypeVar("T")

# By their names: to import uuid takes long, and few need it.
_STEADY: Final = frozenset({"builtins.str", "builtins.int", "builtins.float", "uuid.UUID"})


class Part(Generic[T]):
    """A variable part of a path: the text that matches ``pattern``, converted to a ``T``.

    ``pattern`` is a regular expression without numbered or named groups. ``parse`` is a class, or a function whose
    annotation gives its return type; if it raises ``ValueError``, the path does not match::

        DATE = Part("[0-9]{4}-[0-9]{2}-[0-9]{2}", date.fromisoformat)
        register_part("date", DATE)  # and a route may be "/diary/{day:date}"
    """

    def __init__(self, pattern: str, parse: Callable[[str], T]) -> None:
        """Raise :class:`RouteError` for a pattern that is not a regular expression, or that has groups."""
        try:
            groups = re.compile(pattern).groups
        except re.error as error:
            raise RouteError(f"part {pattern!r} is not a regular expression: {error}") from error
        if groups:
            raise RouteError(f"part {pattern!r} has groups: write (?:…) where you write (…)")
        self.pattern: Final = pattern
        self.parse: Final = parse
        self.type: Final = _type_of(parse)
        """The type that ``parse`` returns; ``object`` if that is not known."""
        self.is_steady: Final = isinstance(parse, type) and f"{parse.__module__}.{parse.__qualname__}" in _STEADY
        """Whether it gives the same for the same text at any time, and nothing that could be changed."""

    def may_hold(self, character: str) -> bool:
        """True if the part may have that character in it, as far as some examples tell."""
        texts = (form.format(character) for form in ("{}", "a{}a", "1{}1"))
        return any(re.fullmatch(self.pattern, text) for text in texts)

    def __repr__(self) -> str:
        return f"Part({self.pattern!r}, {getattr(self.parse, '__qualname__', self.parse)})"


def _type_of(parse: Callable[[str], object]) -> type:
    if isinstance(parse, type):
        return parse
    # Without a word on it, a class method makes an object of its class.
    found: Any = getattr(parse, "__self__", object)
    with suppress(NameError, TypeError):
        found = get_type_hints(parse).get("return", found)
    return found if isinstance(found, type) else object


INT: Final = Part("[0-9]+", int)
"""Digits."""
FLOAT: Final = Part(r"[0-9]+(?:\.[0-9]+)?", float)
"""Digits, optionally with a fraction."""
TEXT: Final = Part("[^/]+", str)
"""Anything up to the next slash."""
PATH: Final = Part(".*", str)
"""Anything, including slashes."""

_registered: Final[dict[str, Part[Any] | None]] = {
    "str": TEXT,
    "int": INT,
    "float": FLOAT,
    "path": PATH,
    "uuid": None,  # imported when asked for
}


def _part_named(name: str) -> Part[Any] | None:
    if name != "uuid":
        return _registered.get(name)
    from ._uuid_part import UUID_PART

    return UUID_PART


def register_part(name: str, part: Part[Any]) -> None:
    """Name a part of your own, for use in route templates. Raises :class:`RouteError` for a name that is taken."""
    if not name.isidentifier():
        raise RouteError(f"{name!r} is not a name for a part: use letters, digits and underscores")
    taken = _part_named(name)
    if taken is not None and taken is not part:
        raise RouteError(f"there is a part {name!r} already: {taken!r}")
    _registered[name] = part


_place: Final = re.compile(r"\{([A-Za-z_]\w*)(?::([A-Za-z_]\w*))?\}")
_specials: Final = frozenset("()[]*+?|^$\\")


def is_template(pattern: str) -> bool:
    """True for a path with places such as ``{user_id}`` or ``{user_id:int}``, which no regular expression has."""
    return _place.search(pattern) is not None


def read_template(template: str) -> tuple[str, dict[str, Part[Any]]]:
    """Return the regular expression of a template, and what its names stand for.

    Where a place ends must never be in doubt in more than one way, or a path made for it could keep the search busy
    for seconds: of two places with a ``.`` between, the first takes all up to the last one.
    """
    regex, parts, end = "", dict[str, Part[Any]](), 0
    ends = _Ends(template)
    for place in _place.finditer(template):
        name, kind = place[1], place[2] or "str"
        if name in parts:
            raise RouteError(f"route {template!r} has two places named {name!r}")
        part = _part_named(kind)
        if part is None:
            kinds = ", ".join(_registered)
            raise RouteError(f"route {template!r}: there is no part {kind!r}; there are {kinds}, and register_part")
        parts[name] = part
        text = template[end : place.start()]
        regex += _literal(template, text) + f"(?P<{name}>{ends.pattern_behind(text, name, parts[name])})"
        end = place.end()
    return regex + _literal(template, template[end:]), parts


class _Ends:
    """What may be mistaken for the end of a place that has been read."""

    def __init__(self, template: str) -> None:
        self._template = template
        self._before: Part[Any] | None = None
        self._doubtful: set[str] = set()
        """The first characters of the texts that a place before may hold, too."""

    def pattern_behind(self, text: str, name: str, part: Part[Any]) -> str:
        """Return the pattern of a place behind a text. Raises :class:`RouteError` if its end would be in doubt."""
        before, self._before = self._before, part
        if before is not None:
            self._look_at(before, text)
        if part is TEXT:
            return f"[^/{re.escape(''.join(sorted(self._doubtful - {'/'})))}]+"
        for character in self._doubtful:
            if part.may_hold(character):
                raise RouteError(
                    f"route {self._template!r}: the place {name!r} may hold {character!r}, and so may one before it: "
                    "where each ends is in doubt, and to find out could take long; make one of them another part"
                )
        return part.pattern

    def _look_at(self, before: Part[Any], text: str) -> None:
        if not text:
            raise RouteError(f"route {self._template!r} has two places with nothing between: put a text there")
        if before.may_hold(text[0]):
            self._doubtful.add(text[0])
        if before.may_hold("/"):
            self._doubtful.add("/")
        if "/" in text:
            self._doubtful &= {"/"}


def _literal(template: str, text: str) -> str:
    if not _specials.isdisjoint(text):
        raise RouteError(
            f"route {template!r} mixes {{places}} with a regular expression: write all of it as one of them"
        )
    return re.escape(text)
