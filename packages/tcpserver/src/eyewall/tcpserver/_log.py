"""This layer's logger, and how an address reads in a message."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from eyewall.iostream import Address

logger: Final = logging.getLogger("eyewall.tcpserver")


def readable(address: Address) -> str:
    """Write an address as an operator would: ``192.0.2.1:80``, ``[::1]:80``, or a path."""
    if not isinstance(address, tuple):
        return str(address) or "an unnamed Unix socket"
    host, port = address[:2]
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
