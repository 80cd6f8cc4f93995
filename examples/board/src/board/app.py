"""The route table: which handler answers at which address."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from eyewall.web import ROOT, Application, Part

from . import api, live, page, pages, sign_in
from .messages import NUMBER_PATTERN, parse_number
from .photos import NAME_PATTERN
from .rendering import STATIC_FOLDER

if TYPE_CHECKING:
    from .state import Board

# A type checker refuses a handler whose methods do not take what is in its path.
NUMBER: Final = Part(NUMBER_PATTERN, parse_number)
MESSAGE: Final = ROOT / "messages" / NUMBER
API: Final = ROOT / "api"


def make_app(board: Board, *, cookie_secret: str) -> Application[Board]:
    """Make the application that serves a board. Who knows the secret can sign in as anybody."""
    return Application(
        [
            ROOT.to(pages.FrontPage),
            (ROOT / "new").to(pages.NewMessage),
            MESSAGE.to(pages.MessagePage),
            (MESSAGE / "delete").to(pages.DeleteMessage),
            (MESSAGE / "pin").to(pages.PinMessage),
            (rf"/photos/({NAME_PATTERN})", pages.PhotoFile, {"path": board.photos.folder}),
            (ROOT / "sign-in").to(sign_in.SignIn),
            (ROOT / "join").to(sign_in.Join),
            (ROOT / "sign-out").to(sign_in.SignOut),
            (ROOT / "live").to(live.LiveSocket, {"feed": board.feed}),
            (ROOT / "live/events").to(live.LiveEvents, {"feed": board.feed}),
            (API / "tokens").to(api.Tokens),
            (API / "messages").to(api.Messages),
            (API / "messages" / NUMBER).to(api.Message),
            (r"/api(?:/.*)?", api.NoSuchAddress),
        ],
        state=board,
        default_handler_class=page.NoSuchPage,
        login_url="/sign-in",
        cookie_secret=cookie_secret,
        xsrf_cookies=True,
        xsrf_cookie_kwargs={"httponly": True, "samesite": "Lax"},
        template_loader=board.templates,
        static_path=STATIC_FOLDER,
        compress_response=True,
        websocket_ping_interval=30,
        websocket_max_message_size=1024,  # a page has nothing to say there
    )
