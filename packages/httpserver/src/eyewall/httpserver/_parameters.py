"""What a connection is told when it is made."""

from __future__ import annotations

from typing import NamedTuple

MAX_HEADER_SIZE = 64 * 1024
MAX_BODY_SIZE = 100 * 1024 * 1024
IDLE_CONNECTION_TIMEOUT = 75.0
HEADER_TIMEOUT = 30.0


class HTTP1ConnectionParameters(NamedTuple):
    """The limits and habits of HTTP/1.1 connections. Sizes are in bytes, times in seconds."""

    no_keep_alive: bool = False
    """Close the connection after one request."""
    max_header_size: int = MAX_HEADER_SIZE
    """The longest head: a longer one is answered 431, or 414 where its first line alone is longer."""
    max_body_size: int = MAX_BODY_SIZE
    """The longest body of a request: a longer one is answered 413."""
    idle_connection_timeout: float = IDLE_CONNECTION_TIMEOUT
    """How long a connection may be without a request. The default outlasts the balancers in front."""
    header_timeout: float = HEADER_TIMEOUT
    """How long a head may take from its first byte, and a new connection before that: then 408, or just closed."""
    body_timeout: float | None = None
    """How long a body may take, or None for no bound: then 408."""
