"""What not every program needs: it is imported when it is first asked for, which makes the start quicker."""

from __future__ import annotations

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
