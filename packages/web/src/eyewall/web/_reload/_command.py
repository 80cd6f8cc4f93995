"""How a process is started anew: by its own command, run by this package, so that it can fail and try again."""

from __future__ import annotations

import logging
import os
import re
import sys
from typing import TYPE_CHECKING, Final, NoReturn

if TYPE_CHECKING:
    from collections.abc import Sequence

RUNNER: Final = "eyewall.web._reload"
"""The module that runs a program, and waits for a change where it fails."""

_WITH_VALUE: Final = frozenset(("-W", "-X", "--check-hash-based-pycs"))
_what_to_run: Final = re.compile("-([bBdEhiIOPqsSuvVx]*)([mc])(.*)").fullmatch
"""-m MODULE and -c PROGRAM, also with flags in front and with what belongs to them behind: -umMODULE."""


def command_again(original: Sequence[str]) -> list[str] | None:
    """Return the command that starts a program anew, of ``sys.orig_argv``; None if it was read from a terminal."""
    python, *rest = original
    flags: list[str] = []
    while rest and rest[0] != "-":
        word = rest.pop(0)
        if (found := _what_to_run(word)) is not None:
            letters, kind, joined = found.groups()
            module = joined or rest.pop(0)
            if kind == "c" or module == RUNNER:
                return list(original)
            flags += [f"-{letters}"] if letters else []
            return [python, *flags, "-m", RUNNER, "-m", module, *rest]
        if not word.startswith("-"):
            return [python, *flags, "-m", RUNNER, word, *rest]
        flags += [word, rest.pop(0)] if word in _WITH_VALUE else [word]
    return None


def restart() -> NoReturn:
    """Become a new process of the same number, with the same command."""
    command = command_again(sys.orig_argv)
    if command is None:
        raise RuntimeError("a program that is typed in cannot be restarted: put it into a file")
    logging.shutdown()
    sys.stdout.flush()
    sys.stderr.flush()
    os.execv(sys.executable, [sys.executable, *command[1:]])  # noqa: S606 - the very command that we are
