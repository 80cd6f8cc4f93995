"""Output transforms: what is done to a response between the handler and the connection, such as compressing it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from .errors import SettingError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from eyewall.httpserver import HTTPHeaders, HTTPServerRequest


class Remembered(Protocol):
    """What a complete response is when it is compressed, as somebody has kept it, by coding."""

    def get(self, coding: str, /) -> bytes | None:
        """Return it; None if it is not known."""
        ...

    def put(self, coding: str, encoded: bytes, /) -> None:
        """Keep it, if there is room."""
        ...


class OutputTransform:
    """Modifies responses on their way out; an application creates one for each request.

    Subclass it and pass the class to ``Application(transforms=[…])`` or ``add_transform``. If there are several, each
    receives the output of the one before it.
    """

    def __init__(self, request: HTTPServerRequest) -> None:
        """Receive the request."""

    def transform_first_chunk(
        self, status_code: int, headers: HTTPHeaders, chunk: bytes, finishing: bool
    ) -> tuple[int, HTTPHeaders, bytes]:
        """Receive status, headers and the first piece; ``finishing`` if that is all. Return what to send instead."""
        return status_code, headers, chunk

    def transform_chunk(self, chunk: bytes, finishing: bool) -> bytes:
        """Receive a further piece; ``finishing`` if it is the last. Return what to send instead."""
        return chunk

    def changes_body(self) -> bool:
        """Say whether pieces may be modified; asked after the first one, which may be empty.

        If not, a large file goes to the client without passing through here.
        """
        return True

    def remember(self, remembered: Remembered) -> None:
        """Hear of who keeps the compressed forms of the whole response that comes next: for who compresses it."""


class _Chain(OutputTransform):
    """Several transforms, each given what the one before it gave."""

    def __init__(self, request: HTTPServerRequest, transforms: Iterable[type[OutputTransform]]) -> None:
        self._transforms = [transform(request) for transform in transforms]

    def transform_first_chunk(
        self, status_code: int, headers: HTTPHeaders, chunk: bytes, finishing: bool
    ) -> tuple[int, HTTPHeaders, bytes]:
        for transform in self._transforms:
            status_code, headers, chunk = transform.transform_first_chunk(status_code, headers, chunk, finishing)
        return status_code, headers, chunk

    def transform_chunk(self, chunk: bytes, finishing: bool) -> bytes:
        for transform in self._transforms:
            chunk = transform.transform_chunk(chunk, finishing)
        return chunk

    def changes_body(self) -> bool:
        return any(transform.changes_body() for transform in self._transforms)

    def remember(self, remembered: Remembered) -> None:
        # What the others are given is what the one before them has made.
        for transform in self._transforms[:1]:
            transform.remember(remembered)


def transform_for(request: HTTPServerRequest, transforms: Sequence[type[OutputTransform]]) -> OutputTransform:
    """Make what one response goes through."""
    return transforms[0](request) if len(transforms) == 1 else _Chain(request, transforms)


def response_transforms(settings: Mapping[str, Any], given: object) -> list[type[OutputTransform]]:
    """The transforms that an application begins with."""
    compress = settings.get("compress_response") or settings.get("gzip")
    if given is None and compress:
        from ._compress import ContentEncoding

        return [ContentEncoding]
    if given is None:
        return []
    if not isinstance(given, (list, tuple)):
        raise SettingError(f"transforms is {given!r}: make it a list of classes, such as [ContentEncoding]")
    return list(given)  # pyright: ignore[reportUnknownArgumentType] - checked where they are made


def add_vary(headers: HTTPHeaders, *names: str) -> None:
    """Say that the answer depends on these header fields of the request, where that is not said yet."""
    vary = headers.get("Vary", "")
    said = {name.strip().lower() for name in vary.split(",")}
    if "*" not in said and (new := [name for name in names if name.lower() not in said]):
        headers["Vary"] = ", ".join([vary, *new] if vary else new)
