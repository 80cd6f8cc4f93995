"""How many bytes a stream holds, unless it is told otherwise."""

from typing import Final

DEFAULT_MAX_BUFFER_SIZE: Final = 100 * 1024 * 1024
"""Bytes that a read may gather: Tornado's default."""
DEFAULT_READ_CHUNK_SIZE: Final = 64 * 1024
"""Bytes asked of the kernel at a time, and the high-water mark of what is read ahead with nobody waiting."""
BULK_CHUNKS: Final = 4
"""So many times as much is asked for while somebody waits for bytes that come faster than they are read."""
HIGH_WATER_MARK: Final = 64 * 1024
"""``drained()`` waits while more unsent bytes than this are waiting."""
LOW_WATER_MARK: Final = 16 * 1024
"""``drained()`` then ends at this number of bytes; a mark close to the other would wake a writer for every few."""
DEFAULT_HANDSHAKE_TIMEOUT: Final = 30.0
"""Seconds that a TLS handshake may take: a peer that begins one and stalls holds its connection for so long only."""
