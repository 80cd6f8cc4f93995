"""Entity tags of what a handler has written, so that a client need not load again what it has."""

from __future__ import annotations

from typing import Any

from ._base import HandlerBase
from ._defaults import entity_tag


class ETagMixin(HandlerBase):
    """The methods of a handler for ``Etag`` and ``If-None-Match`` (RFC 9110 sections 8.8.3 and 13.1.2)."""

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        own = (cls.compute_etag, cls.set_etag_header, cls.check_etag_header)
        cls._has_plain_etag = own == (
            ETagMixin.compute_etag,
            ETagMixin.set_etag_header,
            ETagMixin.check_etag_header,
        )

    def compute_etag(self) -> str | None:
        """Return the entity tag of what was written, including its quotes; None for no tag.

        By default it is a hash. Override this if you know a better tag, or return None to have none.
        """
        return entity_tag(self._write_buffer)

    def set_etag_header(self) -> None:
        """Set ``Etag`` to the result of :meth:`compute_etag`, unless it is already set.

        This happens automatically when a GET or HEAD ends with status 200 and nothing was flushed before. Call it
        yourself to avoid building a response that the client already has.
        """
        if "Etag" not in self._headers and (etag := self.compute_etag()) is not None:
            self.set_header("Etag", etag)

    def check_etag_header(self) -> bool:
        """True if the client already has the version that ``Etag`` names, so that a 304 without a body suffices.

        ::

            self.set_etag_header()
            self.set_status(304) if self.check_etag_header() else self.write(body)
        """
        if_none_match = self.request.headers.get("If-None-Match")
        etag = self._headers.get("Etag")
        if if_none_match is None or etag is None:
            return False
        from eyewall.httpserver import etag_matches

        return etag_matches(if_none_match, etag)

    def _validate(self) -> None:
        if self._has_plain_etag and "If-None-Match" not in self.request.headers:
            # All that the methods would come to.
            if "Etag" not in (headers := self._headers):
                headers["Etag"] = entity_tag(self._write_buffer)
            return
        self.set_etag_header()
        if self.check_etag_header():
            self._write_buffer.clear()
            self.set_status(304)
