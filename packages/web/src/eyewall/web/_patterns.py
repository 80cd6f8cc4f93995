"""Patterns of paths: regular expressions, what they take from a path, and the path that they stand for."""

from __future__ import annotations

import re
from re import Pattern
from typing import TYPE_CHECKING, Any, Final, TypeGuard

from ._parts import Part, is_template, read_template
from .errors import RouteError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence


_NONE: Final[Mapping[str, object]] = {}


class PathPattern:
    """A pattern for a whole path: a regular expression, or a template such as ``/users/{user_id:int}``."""

    def __init__(self, pattern: str | Pattern[str], positional: Sequence[Part[Any]] = ()) -> None:
        """Raise :class:`RouteError` if it is neither. ``positional`` is what its groups stand for, if told."""
        self.source: Final = pattern
        self.positional: Final = positional
        self._readers = [_reader(part) for part in positional]
        self.parts: dict[str, Part[Any]] = {}
        """What a template's names stand for; empty for a regular expression."""
        if isinstance(pattern, str) and is_template(pattern):
            pattern, self.parts = read_template(pattern)
        if sum(part.may_hold("/") for part in positional) > 1:
            raise RouteError(
                f"route {pattern!r} has two parts that may hold slashes: where each ends is in doubt, and to find out "
                "could take long; use one"
            )
        self.regex: Final = _compiled(pattern)
        self.texts: Final = _template(self.regex)
        """The texts before, between and behind the groups; None if it is more than texts and plain groups."""
        self.is_steady: Final = all(part.is_steady for part in (*positional, *self.parts.values()))
        """Whether a path gives the same values whenever it is matched, so that they may be remembered."""
        self.only_path: Final = _only_path(self.texts) if isinstance(pattern, str) else None
        """The one path that matches, or None if several do."""

    @property
    def title(self) -> str:
        """The pattern as messages name it."""
        return f"route {self.text!r}"

    @property
    def text(self) -> str:
        """The pattern as it was written."""
        return self.source if isinstance(self.source, str) else self.regex.pattern

    def match(self, path: str) -> tuple[tuple[object, ...], Mapping[str, object]] | None:
        """Take what the groups stand for out of a path that is not percent-decoded; None if it does not match.

        What was not converted by a template's part is percent-decoded bytes.
        """
        match = self.regex.match(path)
        if match is None:
            return None
        try:
            if self.positional:
                return tuple([read(text) for read, text in zip(self._readers, match.groups(), strict=False)]), _NONE
            if self.parts:
                return (), {name: _reader(part)(match[name]) for name, part in self.parts.items()}
        except ValueError:
            return None
        if self.regex.groupindex:
            return (), {name: unquoted(text) for name, text in match.groupdict().items()}
        return tuple(map(unquoted, match.groups())), _NONE

    def reverse(self, *args: object) -> str:
        """Make the path in which the groups are ``args``, percent-encoded.

        Raises ``ValueError`` if their number is wrong, or the pattern is not that simple.
        """
        if self.texts is None:
            raise ValueError(f"{self.title} has no reverse: its pattern is more than text and plain groups")
        from urllib.parse import quote

        first, *rest = self.texts
        if len(args) != len(rest):
            raise ValueError(f"{self.title} takes {len(rest)} arguments to reverse, not {len(args)}")
        return first + "".join([quote(_encoded(arg)) + text for arg, text in zip(args, rest, strict=True)])


def _compiled(pattern: object) -> Pattern[str]:
    if isinstance(pattern, str):
        try:
            regex = re.compile(pattern if pattern.endswith("$") else pattern + "$")
        except re.error as error:
            raise RouteError(f"route {pattern!r} is not a regular expression: {error}") from error
    elif _is_regex(pattern):
        regex = pattern
    else:
        raise RouteError(f"route {pattern!r} has no pattern: give a regular expression as text, or compiled from text")
    if regex.groupindex and len(regex.groupindex) != regex.groups:
        raise RouteError(f"route {regex.pattern!r} mixes named and positional groups: name all, or none")
    return regex


def _is_regex(value: object) -> TypeGuard[Pattern[str]]:
    return isinstance(value, Pattern)


def _reader(part: Part[Any]) -> Callable[[str], object]:
    return unquoted if part.parse is str else part.parse


def unquoted(text: str | None) -> bytes | None:
    if text is None:
        return None
    # What is not ASCII came as bytes, of which a connection makes Latin-1.
    encoded = text.encode("latin-1")
    if b"%" not in encoded:
        return encoded
    from urllib.parse import unquote_to_bytes

    return unquote_to_bytes(encoded)


def _encoded(value: object) -> bytes:
    return value if isinstance(value, bytes) else str(value).encode()


_tokens = re.compile(r"\\.|\[\^?\]?(?:\\.|[^\]\\])*\]|\(\?(?!P<)|.", re.DOTALL).findall
_SPECIAL: Final = frozenset("^$.|?*+{}[]\\")


def _template(regex: Pattern[str]) -> list[str] | None:
    """The texts before, between and behind a pattern's groups; None if it is more than texts and plain groups."""
    texts = [""]
    depth = 0
    for token in _tokens(regex.pattern.removeprefix("^").removesuffix("$")):
        if token == "(":
            depth += 1
            if depth == 1:
                texts.append("")
        elif token == ")":
            depth -= 1
        elif depth == 0:
            text = _plain(token)
            if text is None:
                return None
            texts[-1] += text
        elif token == "(?":
            depth += 1
    return texts if len(texts) - 1 == regex.groups else None


def _plain(token: str) -> str | None:
    """The one character that a token of a pattern matches; None if it is not such a token."""
    if len(token) == 1:
        return None if token in _SPECIAL else token
    return token[1] if token[0] == "\\" and not token[1].isalnum() else None


def _only_path(template: list[str] | None) -> str | None:
    return template[0] if template is not None and len(template) == 1 else None
