"""A message board for an office: accounts, photographs, pages that are live, a JSON API, SQLite.

``python -m board`` serves it. The rooms, from the bottom up: ``messages`` and ``accounts`` (what they are,
and which are refused), ``store`` (SQLite), ``clerk`` (the thread that SQLite blocks instead of the loop),
``doorman`` (the thread that checks passwords), ``photos`` (a folder of them), ``text``, ``rendering`` and
``templates`` (what a page looks like), ``feed`` (who tells open pages what is new), ``state`` (the board: all of
them), ``page``, ``drafts``, ``pages``, ``sign_in``, ``live`` and ``api`` (the handlers), ``app`` (the route table),
``secret`` (what signs the cookies).
"""

from .accounts import Account, Credentials
from .app import make_app
from .clerk import Clerk
from .messages import Draft, Message
from .state import Board
from .store import Store, StoreError

__all__ = ["Account", "Board", "Clerk", "Credentials", "Draft", "Message", "Store", "StoreError", "make_app"]
