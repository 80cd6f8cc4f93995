"""The context of a TLS server: certificates by the name a client asks for, and read anew from disk."""

from __future__ import annotations

import os
import ssl
import time
from typing import TYPE_CHECKING

from ._core import logger
from .errors import SSLConfigurationError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    Load = Callable[[], tuple[ssl.SSLContext | None, Mapping[str, ssl.SSLContext]]]


class NamedSSLObject(ssl.SSLObject):
    """A session that remembers what name its client asked for."""

    asked_name: str | None = None


class ServerContext(ssl.SSLContext):
    """A context that hands each session to one of others, by name; they can be replaced while it serves.

    Sessions that are under way keep what they began with.
    """

    def serve(self, load: Load, files: list[str], reload_seconds: float | None) -> None:
        """Serve what ``load`` gives: the certificate without a name (None: this context's), and those with one."""
        self._load = load
        self._files = files
        self._reload_seconds = reload_seconds
        self._looked_at = time.monotonic()
        self._stamps = self._look()
        self._default: ssl.SSLContext | None = None
        self._named: Mapping[str, ssl.SSLContext] = {}
        self.sslobject_class = NamedSSLObject
        self.sni_callback = self._on_hello

    def set_named(self, named: Mapping[str, ssl.SSLContext]) -> None:
        """Serve these by name, for the first time."""
        self._named = named

    def reload(self) -> None:
        """Read all files anew; where one cannot be used, all stays as it is, and SSLConfigurationError is raised."""
        self._stamps = self._look()
        self._default, self._named = self._load()

    def _on_hello(self, session: ssl.SSLObject, name: str | None, context: object) -> int | None:
        if self._reload_seconds is not None:
            self._reload_if_changed(self._reload_seconds)
        if name is not None and isinstance(session, NamedSSLObject):
            session.asked_name = name
        chosen = self._find(name) or self._default
        if chosen is not None:
            session.context = chosen
        return None

    def _find(self, name: str | None) -> ssl.SSLContext | None:
        if name is None or not self._named:
            return None
        name = name.lower()
        return self._named.get(name) or self._named.get("*." + name.partition(".")[2])

    def _reload_if_changed(self, seconds: float) -> None:
        now = time.monotonic()
        if now - self._looked_at < seconds:
            return
        self._looked_at = now
        if self._look() == self._stamps:
            return
        try:
            self.reload()
        except SSLConfigurationError as error:
            logger.error("the certificates on disk have changed and cannot be used, the old ones stay: %s", error)
        else:
            logger.info("the certificates on disk have changed and are in use from now on")

    def _look(self) -> list[object]:
        stamps: list[object] = []
        for file in self._files:
            try:
                status = os.stat(file)
            except OSError:
                stamps.append(None)
            else:
                stamps.append((status.st_mtime_ns, status.st_size, status.st_ino))
        return stamps
