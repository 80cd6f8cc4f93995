"""A message board for an office: accounts, pages with forms, a JSON API, all kept in SQLite.

``python -m board`` serves it. The rooms, from the bottom up: ``messages`` and ``accounts`` (what they are,
and which are refused), ``store`` (SQLite), ``clerk`` (the thread that SQLite blocks instead of the loop),
``doorman`` (the thread that checks passwords), ``state`` (the board: all of them), ``text``, ``rendering`` and
``templates`` (what a page looks like), ``page``, ``pages``, ``sign_in`` and ``api`` (the handlers), ``app`` (the
route table), ``secret`` (what signs the cookies).
"""

from .accounts import Account, Credentials
from .app import make_app
from .clerk import Clerk
from .messages import Draft, Message
from .state import Board
from .store import Store, StoreError

__all__ = ["Account", "Board", "Clerk", "Credentials", "Draft", "Message", "Store", "StoreError", "make_app"]
