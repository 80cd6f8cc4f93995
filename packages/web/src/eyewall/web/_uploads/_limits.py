"""How much there may be in a form."""

from __future__ import annotations

from typing import NamedTuple

KIB = 1024
MIB = 1024 * KIB


class FormLimits(NamedTuple):
    """Limits of a form that is read while it arrives. Sizes are in bytes; exceeding a limit is a 413."""

    max_size: int | None = None
    """The whole body; None: the server's ``max_body_size``."""
    max_parts: int = 100
    """The number of fields and files together."""
    max_part_header_size: int = 8 * KIB
    """One line of the head of a part; there may be at most eight of them."""
    max_name_size: int = 1 * KIB
    """The name of a field, and the name of a file."""
    max_field_size: int = 1 * MIB
    """The value of a field."""
    max_fields_size: int = 1 * MIB
    """The values of all fields together; they are kept in memory."""
    max_file_size: int | None = None
    """One file; None: limited only by the body."""
    memory_size: int = 1 * MIB
    """What all files of a form together may take in memory; a file that does not fit goes to the disk."""
