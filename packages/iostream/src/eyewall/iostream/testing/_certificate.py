"""A certificate for tests of TLS on this machine, so that they need no program that makes one."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from .._ssl_options import SSLOptionsDict


class CertificateFiles(NamedTuple):
    """The paths of a certificate's PEM files."""

    certfile: str
    """The certificate; a client that has it as ``ca_certs`` trusts it."""
    keyfile: str
    """Its private key."""

    @property
    def server_options(self) -> SSLOptionsDict:
        """The ``ssl_options`` of a server that presents this certificate."""
        return {"certfile": self.certfile, "keyfile": self.keyfile}

    @property
    def client_options(self) -> SSLOptionsDict:
        """The ``ssl_options`` of a client that trusts only this certificate."""
        return {"ca_certs": self.certfile}


def self_signed_certificate() -> CertificateFiles:
    """Return a certificate for ``localhost``, ``127.0.0.1`` and ``::1``, valid until 2120.

    Its private key comes with this package and so is known to everyone: never trust it outside a test.

    ::

        certificate = self_signed_certificate()
        server = TCPServer(ssl_options=certificate.server_options)
        client = SSLIOStream(socket.socket(), ssl_options=certificate.client_options)
    """
    stem = os.path.join(os.path.dirname(__file__), "test_only_localhost")
    return CertificateFiles(f"{stem}.crt", f"{stem}.key")
