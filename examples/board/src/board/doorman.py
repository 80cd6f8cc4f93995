"""The doorman: makes accounts and checks passwords, in a thread of his own, because scrypt takes its time."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from .accounts import DEFAULT_COST, MAX_PASSWORD, Account, Credentials, hash_password, password_matches
from .store import Store

if TYPE_CHECKING:
    from eyewall.ioloop import EventLoop

    from .clerk import Clerk


class Doorman:
    """Lets people in, one at a time: who tries many passwords waits for each, and takes no thread from others."""

    def __init__(self, clerk: Clerk, *, io_loop: EventLoop, cost: int = DEFAULT_COST) -> None:
        self._clerk = clerk
        self._io_loop = io_loop
        self._cost = cost
        self._executor = ThreadPoolExecutor(max_workers=1, thread_name_prefix="board-doorman")
        self._nobody: str | None = None

    async def welcome(self, credentials: Credentials) -> Account | None:
        """Make the account of clean credentials without problems; None where the name is taken."""
        kept = await self._hash(credentials.password)
        return await self._clerk.ask(Store.add_account, credentials.name, kept)

    async def let_in(self, credentials: Credentials) -> Account | None:
        """Give the account of that name, if the password is its own."""
        account = await self._clerk.ask(Store.account_named, credentials.name)
        # To look for a name that is not there takes as long as a wrong password: the answer tells nothing of names.
        kept = await self._password_of_nobody() if account is None else account.password
        if len(credentials.password) > MAX_PASSWORD:
            return None
        matches = await self._io_loop.run_in_executor(self._executor, password_matches, credentials.password, kept)
        return account if matches else None

    async def _password_of_nobody(self) -> str:
        if self._nobody is None:
            self._nobody = await self._hash("")
        return self._nobody

    async def _hash(self, password: str) -> str:
        return await self._io_loop.run_in_executor(self._executor, hash_password, password, self._cost)

    def close(self) -> None:
        """End the thread, when it has checked what it was given."""
        self._executor.shutdown(wait=False)
