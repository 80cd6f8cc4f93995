"""What not every program needs: it is imported when it is first asked for, which makes the start quicker."""

from __future__ import annotations

from typing import Final

MODULES: Final[dict[str, tuple[str, ...]]] = {
    "._conditional": ("ByteRange", "content_range", "etag_matches", "parse_range"),
    "._field_parameters": ("split_parameters",),
    "._past_dates": ("parse_date",),
    "._urls": ("encode_username_password", "qs_to_qsl", "split_host_and_port", "url_concat"),
    "._multipart": ("HTTPFile",),
    "._negotiation": ("Preference", "best_encoding", "best_language", "best_media_type", "parse_preferences"),
}
"""The public names that are taken from each such module; ``__init__`` says the same to a type checker."""
