"""The part of a path that is a UUID: in a module of its own, since to import uuid takes as long as ten of ours."""

from __future__ import annotations

from typing import Final
from uuid import UUID

from ._parts import Part

UUID_PART: Final = Part("[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}", UUID)
"""A UUID in its usual form."""
