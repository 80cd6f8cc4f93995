"""A load on a supervised program: clients that connect, ask some lines and leave."""

from __future__ import annotations

import socket
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from eyewall.tcpserver.testing import Load

from ._supervised import PATIENCE, Supervised, ask

if TYPE_CHECKING:
    from collections.abc import Iterator

LINES: Final = [f"line{number}" for number in range(3)]


@contextmanager
def load_on(program: Supervised) -> Iterator[Load]:
    """Load it from before the block begins until after it has ended."""
    port = program.port()

    def visit(load: Load) -> None:
        with socket.create_connection(("127.0.0.1", port), timeout=PATIENCE) as sock:
            answers = [ask(sock, line) for line in LINES]
        [worker] = {worker for worker, _, _ in answers}  # ValueError: an answer is cut short
        assert [line for _, _, line in answers] == LINES
        load.answered(worker)

    with Load(visit) as load:
        load.wait_for_more(50)
        yield load
        load.wait_for_more(50)
