"""Imports what not every program needs when it is first asked for, as PEP 562 has it: the start is quicker so."""

from __future__ import annotations

import sys
from typing import Final

MODULES: Final[dict[str, tuple[str, ...]]] = {
    "._facts": ("ProxyInfo", "ProxyTLSInfo", "TLSInfo", "UnixCredentials"),
    "._pipe": ("PipeIOStream",),
    "._ssl_options": (
        "SSLOptions",
        "SSLOptionsDict",
        "reload_certificates",
        "ssl_options_to_context",
        "ssl_wrap_socket",
    ),
    "._ssliostream": ("SSLIOStream",),
    "._tlsstream": ("BaseTLSStream", "TLSStream"),
}
"""The public names that are taken from each such module; ``__init__`` says the same to a type checker."""
_homes: Final = {name: module for module, names in MODULES.items() for name in names}


def load(name: str) -> object:
    """Give a name of this package, which from then on has it; ``AttributeError`` for one that it has not."""
    from importlib import import_module

    package = sys.modules[__package__]
    if name not in _homes:
        raise AttributeError(f"module {__package__!r} has no attribute {name!r}", name=name, obj=package)
    value = getattr(import_module(_homes[name], __package__), name)
    setattr(package, name, value)
    return value


def public_names() -> list[str]:
    """Give what the package has, and what it would have when asked."""
    return sorted({*vars(sys.modules[__package__]), *_homes})
