"""Jinja2, set up once: every value in a template is escaped unless it is Markup."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from . import text
from .accounts import MAX_NAME, MAX_PASSWORD
from .messages import MAX_BODY, MAX_TITLE

_HERE: Final = Path(__file__).parent
STATIC_FOLDER: Final = _HERE / "static"


def make_environment(title: str) -> Environment:
    """Give the templates, which all know the name of the board."""
    environment = Environment(
        loader=FileSystemLoader(_HERE / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    functions = (text.age, text.full_time, text.hue, text.initials, text.iso_time, text.linkify)
    names: dict[str, object] = {function.__name__: function for function in functions}
    names["limits"] = {"name": MAX_NAME, "password": MAX_PASSWORD, "title": MAX_TITLE, "body": MAX_BODY}
    names["board_title"] = title
    # Jinja annotates nothing here: pyright infers a type that allows only what is there from the beginning.
    environment.globals.update(names)  # pyright: ignore[reportArgumentType, reportCallIssue]
    return environment
