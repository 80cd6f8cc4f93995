"""FallbackHandler: a part of an application's paths that another application answers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ._handler import RequestHandler

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from eyewall.httpserver import HTTPServerRequest


class FallbackHandler(RequestHandler):
    """Passes its requests to ``fallback``, given in the route's ``kwargs``: a function such as ``HTTPServer`` takes.

    ::

        def old_site(request: HTTPServerRequest) -> None:
            request.connection.write_headers(ResponseStartLine("", 200, "OK"), HTTPHeaders({"Content-Length": "3"}))
            request.connection.write(b"old")
            request.connection.finish()

        Application([("/new", New), ("/.*", FallbackHandler, {"fallback": old_site})])

    The function may be a coroutine, and has to answer the request; ``tornado.wsgi.WSGIContainer(app)`` is one. A
    request from another site that would change something is refused first, as for every handler.
    """

    @classmethod
    def check_route(cls, kwargs: Mapping[str, Any]) -> None:
        """Refuse a ``fallback`` that cannot take requests. Raises ``ValueError``."""
        super().check_route(kwargs)
        fallback = kwargs.get("fallback", cls)
        if cls.initialize is FallbackHandler.initialize and (isinstance(fallback, type) or not callable(fallback)):
            if hasattr(fallback, "start_request"):
                raise ValueError(f"fallback is {fallback!r}: make that the target of the route, as a handler is")
            raise ValueError(f"fallback is {fallback!r}: give a function that takes a request")

    def initialize(self, fallback: Callable[[HTTPServerRequest], Awaitable[object] | None]) -> None:
        """Receive the other application."""
        self._fallback = fallback

    def prepare(self) -> Awaitable[object] | None:
        """Pass the request to the other application."""
        waits = self._fallback(self.request)
        if waits is not None:
            return self._wait(waits)
        self._leave()
        return None

    async def _wait(self, waits: Awaitable[object]) -> None:
        await waits
        self._leave()

    def _leave(self) -> None:
        self._finished = True
        self.on_finish()
