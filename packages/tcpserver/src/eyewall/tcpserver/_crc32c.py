"""CRC-32C (Castagnoli), which the PROXY protocol uses and the standard library has not."""

from __future__ import annotations

from functools import cache

_POLYNOMIAL = 0x82F63B78


@cache
def _table() -> tuple[int, ...]:
    return tuple(_entry(number) for number in range(256))


def _entry(number: int) -> int:
    for _ in range(8):
        number = number >> 1 ^ (_POLYNOMIAL if number & 1 else 0)
    return number


def crc32c(data: bytes) -> int:
    """Return the checksum as RFC 3720, appendix B.4, has it."""
    table, crc = _table(), 0xFFFFFFFF
    for byte in data:
        crc = crc >> 8 ^ table[(crc ^ byte) & 0xFF]
    return crc ^ 0xFFFFFFFF
