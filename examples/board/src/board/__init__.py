"""A message board for an office: pages with forms, a JSON API, messages kept in SQLite.

``python -m board`` serves it. The rooms, from the bottom up: ``messages`` (what a message is, and
which drafts are refused), ``store`` (SQLite), ``clerk`` (the thread that SQLite blocks instead of
the loop), ``text`` and ``templates`` (what a page looks like), ``pages`` and ``api`` (the handlers),
``app`` (the route table).
"""

from .app import make_app
from .clerk import Clerk
from .messages import Draft, Message
from .store import Store, StoreError

__all__ = ["Clerk", "Draft", "Message", "Store", "StoreError", "make_app"]
