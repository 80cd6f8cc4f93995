"""The route table: which handler answers at which address."""

from __future__ import annotations

from typing import TYPE_CHECKING

from eyewall.web import Application, StaticFileHandler

from . import api, pages
from .rendering import STATIC_FOLDER, Templates

if TYPE_CHECKING:
    from .clerk import Clerk


def make_app(clerk: Clerk, *, title: str = "Office board") -> Application:
    """Make the board: an application whose messages the clerk keeps."""
    page = {"clerk": clerk, "templates": Templates(title)}
    data = {"clerk": clerk}
    return Application(
        [
            (r"/", pages.FrontPage, page),
            (r"/new", pages.NewMessage, page),
            # 18 digits fit SQLite's integers, whatever they are.
            (r"/messages/([0-9]{1,18})", pages.MessagePage, page),
            (r"/messages/([0-9]{1,18})/delete", pages.DeleteMessage, page),
            (r"/messages/([0-9]{1,18})/pin", pages.PinMessage, page),
            (r"/api/messages", api.ApiMessages, data),
            (r"/api/messages/([0-9]{1,18})", api.ApiMessage, data),
            (r"/api(?:/.*)?", api.NoSuchAddress, data),
            (r"/static/(.*)", StaticFileHandler, {"path": str(STATIC_FOLDER)}),
            (r".*", pages.NoSuchPage, page),
        ]
    )
