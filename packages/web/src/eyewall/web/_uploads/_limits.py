"""How much there may be in a form."""

from __future__ import annotations

from typing import NamedTuple

KIB = 1024
MIB = 1024 * KIB


class FormLimits(NamedTuple):
    """How much there may be in a form that is taken in while it comes. Sizes are in bytes; beyond one it is a 413."""

    max_size: int | None = None
    """The whole body; None for the server's ``max_body_size``."""
    max_parts: int = 100
    """Its fields and files together."""
    max_part_header_size: int = 8 * KIB
    """A line of the head of a part; there are eight of them at most."""
    max_name_size: int = 1 * KIB
    """The name of a field, and that of a file."""
    max_field_size: int = 1 * MIB
    """The value of a field."""
    max_fields_size: int = 1 * MIB
    """The values of all fields together: they are kept in memory."""
    max_file_size: int | None = None
    """A file; None for no bound but that of the body."""
    memory_size: int = 1 * MIB
    """What all files of a form may take in memory: one that does not fit goes to the disk."""
