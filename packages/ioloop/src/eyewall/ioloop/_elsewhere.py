"""Where a name is that a program imports from the wrong package: most who do so know it from Tornado."""

from __future__ import annotations

import sys
from importlib import import_module
from importlib.machinery import PathFinder
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

_MODULES: Final = {
    "ioloop": ("ioloop",),
    "iostream": ("iostream",),
    "tcpserver": ("tcpserver", "netutil", "tcpclient", "process"),
    "httpserver": ("httpserver", "http1connection", "httputil"),
    "web": ("web", "routing", "websocket"),
}
"""The packages, and the modules of Tornado whose names each has."""
_TORNADOS_OWN: Final = frozenset(
    (
        *("auth", "autoreload", "concurrent", "curl_httpclient", "escape", "gen", "httpclient", "locale", "locks"),
        *("log", "options", "platform", "queues", "simple_httpclient", "template", "util", "wsgi"),
    )
)


def check_import(package: str, name: str) -> None:
    """Raise ``ImportError`` if what a program imports from a package is elsewhere; its own modules are not."""
    if PathFinder.find_spec(f"{package}.{name}", sys.modules[package].__path__) is None and (place := _place_of(name)):
        raise ImportError(f"cannot import name {name!r} from {package!r}: {place}", name=package)


def _place_of(name: str) -> str | None:
    if name in _TORNADOS_OWN:
        return f"Tornado's own goes on working beside eyewall, from tornado import {name}"
    for layer, modules in _MODULES.items():
        if name in modules:
            return f"what tornado.{name} has is in eyewall.{layer}"
        if name in _names_of(layer):
            return f"it is in eyewall.{layer}"
    return None


def _names_of(layer: str) -> Sequence[str]:
    try:
        names: Sequence[str] = import_module(f"eyewall.{layer}").__all__
    except (ImportError, AttributeError):  # it is not installed, or is being imported
        return ()
    return names
