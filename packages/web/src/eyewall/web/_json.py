"""JSON as it goes into a response."""

from __future__ import annotations

from json import dumps


def json_encode(value: object) -> str:
    r"""Write a value as JSON that may stand inside an HTML ``<script>``: ``</`` becomes ``<\/``, the same to JSON."""
    return dumps(value).replace("</", "<\\/")
