"""The page that a developer sees where something was raised: traceback, request, handler; only with ``debug``."""

from __future__ import annotations

import linecache
from html import escape
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from types import TracebackType

    from ._base import HandlerBase

_STYLE: Final = (
    "body{font:15px/1.5 system-ui,sans-serif;margin:2rem;max-width:70rem;color:#222;background:#fff}"
    "pre{background:#f4f4f2;padding:.5rem .8rem;overflow:auto;margin:.2rem 0 1rem}"
    "b.at{background:#ffe2a8}td{padding:.1rem 1rem .1rem 0;vertical-align:top}"
    "@media(prefers-color-scheme:dark){body{color:#ddd;background:#1c1c1c}pre{background:#2a2a2a}b.at{background:#6b4e00}}"
)
_AROUND: Final = 3
"""How many lines of code are shown on each side of the one that raised."""


def debug_page(handler: HandlerBase, status_code: int, error: BaseException) -> str:
    """Write the page. All that came from a client or from the error is escaped."""
    title = escape(f"{status_code}: {type(error).__name__}: {error}")
    parts = [
        f"<!DOCTYPE html><html><head><title>{title}</title><style>{_STYLE}</style></head><body><h1>{title}</h1>",
        *_traces(error),
        f"<h2>Request</h2>{_table(_request(handler))}",
        f"<h2>Handler</h2>{_table(_handler(handler))}",
        "<p>This page is here because the application was made with <code>debug=True</code>.</p></body></html>",
    ]
    return "".join(parts)


def _traces(error: BaseException) -> Iterator[str]:
    """The tracebacks of an error and of what it came from, the newest first."""
    seen: set[int] = set()
    following: BaseException | None = error
    while following is not None and id(following) not in seen:
        seen.add(id(following))
        heading = "Traceback" if following is error else f"From {type(following).__name__}: {following}"
        notes = "".join(f"<p>{escape(note)}</p>" for note in getattr(following, "__notes__", ()))
        yield f"<h2>{escape(heading)}</h2>{notes}{''.join(_frames(following.__traceback__))}"
        following = following.__cause__ or (None if following.__suppress_context__ else following.__context__)


def _frames(trace: TracebackType | None) -> Iterator[str]:
    while trace is not None:
        code = trace.tb_frame.f_code
        yield f"<div>{escape(code.co_filename)}:{trace.tb_lineno} in <b>{escape(code.co_qualname)}</b></div>"
        yield f"<pre>{_source(code.co_filename, trace.tb_lineno)}</pre>"
        trace = trace.tb_next


def _source(filename: str, line: int) -> str:
    numbers = range(max(1, line - _AROUND), line + _AROUND + 1)
    lines = [(number, linecache.getline(filename, number).rstrip()) for number in numbers]
    shown = [(number, f"{number:5} {escape(text)}") for number, text in lines if text or number == line]
    return "\n".join(f'<b class="at">{text}</b>' if number == line else text for number, text in shown)


def _request(handler: HandlerBase) -> Iterator[tuple[str, str]]:
    request = handler.request
    yield request.method, f"{request.uri} {request.version}"
    yield "from", request.remote_ip
    yield from request.headers.get_all()
    if request.body:
        yield "body", f"{len(request.body)} bytes"


def _handler(handler: HandlerBase) -> Iterator[tuple[str, str]]:
    kind = type(handler)
    yield "class", f"{kind.__module__}.{kind.__qualname__}"
    yield "path_args", repr(handler.path_args)
    yield "path_kwargs", repr(handler.path_kwargs)


def _table(rows: Iterable[tuple[str, str]]) -> str:
    cells = "".join(f"<tr><td>{escape(name)}</td><td>{escape(text)}</td></tr>" for name, text in rows)
    return f"<table>{cells}</table>"
