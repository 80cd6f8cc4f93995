"""Field values that have parameters: ``form-data; name="a"; filename*=UTF-8''%C3%A9``."""

from __future__ import annotations

import re
from functools import cache
from typing import Final

from ._headers import TOKEN
from .errors import HTTPInputError

# Possessive throughout: a value costs its length, whatever it holds. Without quotes, more is let through than
# a token: clients send a boundary with "=" or ":", and file names beyond ASCII, bare.
_BARE: Final = r"[!#-:<-~\x80-\U0010ffff]++"
_QUOTED: Final = r'"((?:[^"\\]|\\[\s\S])*+)"'
_PARAMETER: Final = rf"[ \t]*+;[ \t]*+(?:({TOKEN}+)=(?:{_QUOTED}|({_BARE}))[ \t]*+)?+"
_main_value = re.compile(r"[ \t]*+([^;,\s]*+)[ \t]*+").match
_escape = re.compile(r'\\([\\"])')
_EXTENDED: Final = r"(?i:(utf-8)|iso-8859-1)'[A-Za-z0-9\-]*+'((?:%[0-9A-Fa-f]{2}|[^%'\"*()\s])*+)"


@cache
def _compiled(pattern: str) -> re.Pattern[str]:
    """Compile a pattern when it is first needed: these two take 2 ms."""
    return re.compile(pattern)


def split_parameters(value: str) -> tuple[str, dict[str, str]]:
    r"""Split a value like that of Content-Type into its first part, with its case unchanged, and its parameters.

    Parameter names are in lower case. ``name*`` is decoded, and takes precedence over ``name`` (RFC 8187). In quotes,
    only ``\"`` and ``\\`` are unescaped, because other backslashes belong to a Windows path. Raises
    :class:`HTTPInputError` for a malformed value, and for a parameter that occurs twice, because two readers might
    interpret it differently.
    """
    first, parameters, extended = split_extended(value)
    return first, parameters | extended


def split_extended(value: str) -> tuple[str, dict[str, str], dict[str, str]]:
    """Do the same, with those that have a star, without it, on their own."""
    match = _main_value(value)
    position = match.end() if match else 0
    parameters: dict[str, str] = {}
    extended: dict[str, str] = {}
    match_parameter = _compiled(_PARAMETER).match
    while position < len(value):
        found = match_parameter(value, position)
        if found is None:
            raise HTTPInputError(f"malformed parameter {value[position : position + 40]!r} in {value[:80]!r}")
        position = found.end()
        name, quoted, bare = found.groups()
        if name is None:
            continue
        name = name.lower()
        text = bare if quoted is None else _escape.sub(r"\1", quoted)
        group, key = (extended, name[:-1]) if name[-1] == "*" else (parameters, name)
        if key in group:
            raise HTTPInputError(f"the parameter {name} occurs twice in {value[:80]!r}")
        group[key] = _decoded(text) if group is extended else text
    return match[1] if match else "", parameters, extended


def _decoded(text: str) -> str:
    """Decode the value of a ``name*``: RFC 8187 section 3.2."""
    from urllib.parse import unquote

    match = _compiled(_EXTENDED).fullmatch(text)
    if match is None:
        raise HTTPInputError(f"malformed extended parameter {text[:80]!r}: it is to begin with UTF-8''")
    try:
        return unquote(match[2], encoding="utf-8" if match[1] else "latin-1", errors="strict")
    except UnicodeDecodeError as error:
        raise HTTPInputError(f"extended parameter {text[:80]!r} is not UTF-8") from error
