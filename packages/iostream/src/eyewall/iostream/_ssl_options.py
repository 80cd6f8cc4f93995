"""What TLS is to be spoken with: a context, or the options to make one."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, TypedDict

from .errors import SSLConfigurationError

if TYPE_CHECKING:
    import ssl


class SSLOptionsDict(TypedDict, total=False):
    """The options that a context is made of; the names are those of :mod:`ssl`."""

    certfile: str | os.PathLike[str]
    """A PEM file with the certificate, and those that lead from it to its authority."""
    keyfile: str | os.PathLike[str] | None
    """A PEM file with the private key; by default it is looked for in ``certfile``."""
    ca_certs: str | os.PathLike[str]
    """A PEM file with the authorities to trust; by default a client trusts the system's."""
    cert_reqs: ssl.VerifyMode
    """Whether the peer has to show a certificate: by default, clients ask for one and servers do not."""
    ssl_version: int
    """A protocol constant of :mod:`ssl`; by default any version that is safe today."""
    ciphers: str
    """Cipher suites of TLS 1.2, in OpenSSL's format."""


if TYPE_CHECKING:
    SSLOptions = ssl.SSLContext | SSLOptionsDict
else:
    SSLOptions = object


def ssl_options_to_context(ssl_options: SSLOptions, server_side: bool = False) -> ssl.SSLContext:
    """Make a context of the options; one that is a context already is given back.

    Raises :class:`SSLConfigurationError`, a ``ValueError``, where a file cannot be read or does not
    hold what it should, and for an option that does not exist.
    """
    import ssl

    if isinstance(ssl_options, ssl.SSLContext):
        return ssl_options
    if unknown := set(ssl_options) - set(SSLOptionsDict.__annotations__):
        known = ", ".join(SSLOptionsDict.__annotations__)
        raise SSLConfigurationError(f"no ssl_options {', '.join(sorted(unknown))!r}: there are {known}")
    context = _bare_context(ssl_options, server_side)
    if "certfile" in ssl_options:
        _load_certificate(context, ssl_options["certfile"], ssl_options.get("keyfile"))
    elif server_side:
        raise SSLConfigurationError("ssl_options of a server need 'certfile': the path of a PEM file")
    if "ca_certs" in ssl_options:
        _load_authorities(context, ssl_options["ca_certs"])
    elif not server_side and context.verify_mode != ssl.CERT_NONE:
        context.load_default_certs()
    if "ciphers" in ssl_options:
        try:
            context.set_ciphers(ssl_options["ciphers"])
        except ssl.SSLError:
            raise SSLConfigurationError(f"no cipher of {ssl_options['ciphers']!r} is known to OpenSSL") from None
    return context


def _bare_context(options: SSLOptionsDict, server_side: bool) -> ssl.SSLContext:
    import ssl

    context = ssl.SSLContext(
        options.get("ssl_version", ssl.PROTOCOL_TLS_SERVER if server_side else ssl.PROTOCOL_TLS_CLIENT)
    )
    if "cert_reqs" in options:
        if options["cert_reqs"] == ssl.CERT_NONE:
            context.check_hostname = False
        context.verify_mode = options["cert_reqs"]
    return context


def _load_certificate(
    context: ssl.SSLContext, certfile: str | os.PathLike[str], keyfile: str | os.PathLike[str] | None
) -> None:
    import ssl

    for option, path in (("certfile", certfile), ("keyfile", keyfile)):
        if path is not None:
            _check_readable(option, path)
    try:
        # A password cannot be asked for: a server has no one to ask.
        context.load_cert_chain(certfile, keyfile, password=lambda: "")
    except (ssl.SSLError, OSError) as error:
        where = f"{str(certfile)!r}" if keyfile is None else f"{str(certfile)!r} with the key {str(keyfile)!r}"
        raise SSLConfigurationError(
            f"cannot load the certificate {where}: {_reason(error)}; it takes a PEM certificate and its "
            "matching private key without a password"
        ) from error


def _load_authorities(context: ssl.SSLContext, path: str | os.PathLike[str]) -> None:
    import ssl

    _check_readable("ca_certs", path)
    try:
        context.load_verify_locations(path)
    except ssl.SSLError as error:
        raise SSLConfigurationError(
            f"cannot load the authorities {str(path)!r}: {_reason(error)}; it takes PEM certificates"
        ) from error


def _check_readable(option: str, path: str | os.PathLike[str]) -> None:
    try:
        os.close(os.open(path, os.O_RDONLY))
    except OSError as error:
        raise SSLConfigurationError(
            f"cannot read {option} {str(path)!r}: {error.strerror}; give a file that this process may read"
        ) from error


def _reason(error: OSError) -> str:
    return str(getattr(error, "reason", None) or error.strerror or error).replace("_", " ").lower()
