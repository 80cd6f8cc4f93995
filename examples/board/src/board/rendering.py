"""Jinja2, set up once: every value in a template is escaped unless it is Markup."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from . import text

_HERE = Path(__file__).parent
STATIC_FOLDER: Final = _HERE / "static"


def _style_address() -> str:
    # The address changes with the file, so that a browser may keep it for as long as it likes.
    digest = hashlib.sha256((STATIC_FOLDER / "board.css").read_bytes()).hexdigest()
    return f"/static/board.css?v={digest[:12]}"


class Templates:
    """The folder ``templates``, with the name of the board in each of them."""

    def __init__(self, title: str) -> None:
        self._environment = Environment(
            loader=FileSystemLoader(_HERE / "templates"),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            auto_reload=False,
        )
        functions = (text.age, text.full_time, text.hue, text.initials, text.iso_time, text.linkify)
        self._globals: dict[str, object] = {function.__name__: function for function in functions}
        self._globals.update(board_title=title, style_address=_style_address())

    def render(self, template: str, **values: object) -> str:
        """Give the page; a value that the template asks for and that is missing is an error."""
        return self._environment.get_template(template, globals=self._globals).render(**values)
