"""The secret that signs cookies: given by who runs the board, or a random one that is kept beside the database."""

from __future__ import annotations

import os
import secrets
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from pathlib import Path

VARIABLE: Final = "BOARD_SECRET"
MIN_LENGTH: Final = 32


class SecretError(Exception):
    """There is no secret; the message says why, and what to do."""


def find_secret(path: Path) -> str:
    """Give the secret in the environment, or else that in the file at ``path``, which is made where it is missing.

    Raises :class:`SecretError` where it is too short, or the file can be neither read nor made.
    """
    given = os.environ.get(VARIABLE)
    if given is not None:
        return _checked(given, f"the environment variable {VARIABLE}")
    try:
        if not path.exists():
            _make(path)
        return _checked(path.read_text().strip(), str(path))
    except (OSError, ValueError) as error:
        raise SecretError(f"cannot use the secret in {path}: {error}; set {VARIABLE} in its place") from error


def _make(path: Path) -> None:
    # Written elsewhere first: a board that starts at the same moment sees all of it or nothing.
    draft = path.with_name(f"{path.name}.{os.getpid()}")
    draft.touch(0o600, exist_ok=False)
    draft.write_text(secrets.token_urlsafe(48) + "\n")
    try:
        path.hardlink_to(draft)
    except FileExistsError:
        pass  # that board was quicker
    finally:
        draft.unlink()


def _checked(secret: str, where: str) -> str:
    if len(secret) < MIN_LENGTH:
        raise SecretError(f"the secret in {where} has {len(secret)} characters; use {MIN_LENGTH} or more, by chance")
    return secret
