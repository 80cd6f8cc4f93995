"""What TLS is to be spoken with: a context, or the options to make one."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, TypedDict

from .errors import SSLConfigurationError

if TYPE_CHECKING:
    import socket as sockets
    import ssl
    from collections.abc import Iterator


class SSLOptionsDict(TypedDict, total=False):
    """The options from which a context is made; the names are those of :mod:`ssl`."""

    certfile: str | os.PathLike[str]
    """A PEM file with the certificate, followed by those that lead from it to its authority."""
    keyfile: str | os.PathLike[str] | None
    """A PEM file with the private key; by default the key is in ``certfile``."""
    ca_certs: str | os.PathLike[str]
    """A PEM file with the authorities to trust; by default a client trusts the system's."""
    cert_reqs: ssl.VerifyMode
    """Whether the peer has to present a certificate: by default, clients require one and servers do not."""
    ssl_version: int
    """A protocol constant of :mod:`ssl`; by default any version that is considered safe."""
    ciphers: str
    """Cipher suites of TLS 1.2, in OpenSSL's format."""
    minimum_version: ssl.TLSVersion
    """The oldest version to speak; by default TLS 1.2."""
    alpn_protocols: Sequence[str]
    """Application protocols to offer, in order of preference, such as ``["http/1.1"]``."""
    server_names: Mapping[str, SSLOptions]
    """Certificates of a server by the name that a client asks for (SNI): ``{"a.example": {"certfile": …}}``.

    ``"*.a.example"`` stands for names with one more label. Options that an entry leaves out are those of the whole;
    clients that ask for another name, or for none, get the certificate of the whole.
    """
    reload_seconds: float
    """How often, at most, a server checks its files again when a client connects; by default, only when
    :func:`reload_certificates` is called. If the files are unusable, that is logged and the old certificates stay.
    """


if TYPE_CHECKING:
    SSLOptions = ssl.SSLContext | SSLOptionsDict
else:
    SSLOptions = object


def ssl_options_to_context(ssl_options: SSLOptions, server_side: bool | None = False) -> ssl.SSLContext:
    """Make a context from the options; an existing context is returned as it is.

    Raises :class:`SSLConfigurationError`, a ``ValueError``, if a file cannot be read or does not contain what it
    should, for an unknown option, and if a server is given a client's context.
    """
    import ssl

    if isinstance(ssl_options, ssl.SSLContext):
        if server_side and ssl_options.protocol == ssl.PROTOCOL_TLS_CLIENT:
            raise SSLConfigurationError(
                "this context is a client's: make a server's by ssl.create_default_context(ssl.Purpose.CLIENT_AUTH) "
                "and load_cert_chain(), or give {'certfile': …}"
            )
        return ssl_options
    # Not redundant for those who have no type checker.
    if not isinstance(ssl_options, dict):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise SSLConfigurationError(f"ssl_options are {ssl_options!r}: give {{'certfile': …}} or an ssl.SSLContext")
    _check_known(ssl_options)
    if not server_side:
        return _context(ssl_options, server_side=False)
    return _server_context(ssl_options)


def reload_certificates(context: ssl.SSLContext) -> None:
    """Read the files of a server's context again: new connections use them, existing ones continue.

    The context must have been made by :func:`ssl_options_to_context` for a server; ``ValueError`` otherwise. If a
    file is unusable, nothing changes, and :class:`SSLConfigurationError` is raised.
    """
    from ._server_context import ServerContext

    if not isinstance(context, ServerContext):
        raise ValueError(f"{context!r} was not made of a server's ssl_options: load_cert_chain() is for such a one")  # noqa: TRY004 - its type is right
    context.reload()


def ssl_wrap_socket(
    socket: sockets.socket,
    ssl_options: SSLOptions,
    server_hostname: str | None = None,
    server_side: bool | None = None,
    *,
    do_handshake_on_connect: bool = True,
    suppress_ragged_eofs: bool = True,
    session: ssl.SSLSession | None = None,
) -> ssl.SSLSocket:
    """Return an ``ssl.SSLSocket``, as Tornado's function does; pass it to :class:`SSLIOStream` before its handshake.

    The keywords are those of ``ssl.SSLContext.wrap_socket``. Streams do not need this, as they take the options
    themselves.
    """
    return ssl_options_to_context(ssl_options, bool(server_side)).wrap_socket(
        socket,
        server_side=bool(server_side),
        server_hostname=server_hostname,
        do_handshake_on_connect=do_handshake_on_connect,
        suppress_ragged_eofs=suppress_ragged_eofs,
        session=session,
    )


def _check_known(options: SSLOptionsDict) -> None:
    if unknown := set(options) - set(SSLOptionsDict.__annotations__):
        known = ", ".join(SSLOptionsDict.__annotations__)
        raise SSLConfigurationError(f"unknown ssl_options {', '.join(sorted(unknown))!r}: there are {known}")


def _server_context(options: SSLOptionsDict) -> ssl.SSLContext:
    from ._server_context import ServerContext

    context = ServerContext(_protocol(options, server_side=True))
    _fill(context, options, server_side=True)

    def load() -> tuple[ssl.SSLContext, Mapping[str, ssl.SSLContext]]:
        return _context(options, server_side=True), _named_contexts(options)

    context.serve(load, list(_files(options)), options.get("reload_seconds"))
    context.set_named(_named_contexts(options))
    return context


def _named_contexts(options: SSLOptionsDict) -> dict[str, ssl.SSLContext]:
    import ssl

    contexts: dict[str, ssl.SSLContext] = {}
    for name, entry in options.get("server_names", {}).items():
        if not name.isascii() or not name or "*" in name.removeprefix("*."):
            raise SSLConfigurationError(
                f"invalid name in server_names {name!r}: give a host name in ASCII (xn--…), or one behind '*.'"
            )
        if isinstance(entry, ssl.SSLContext):
            contexts[name.lower()] = entry
            continue
        _check_known(entry)
        merged: SSLOptionsDict = {**options, **entry}
        if "certfile" in entry and "keyfile" not in entry:
            merged["keyfile"] = None
        contexts[name.lower()] = _context(merged, server_side=True)
    return contexts


def _files(options: SSLOptionsDict) -> Iterator[str]:
    for path in (options.get("certfile"), options.get("keyfile"), options.get("ca_certs")):
        if path is not None:
            yield os.fspath(path)
    for entry in options.get("server_names", {}).values():
        if isinstance(entry, dict):
            yield from _files(entry)


def _context(options: SSLOptionsDict, *, server_side: bool) -> ssl.SSLContext:
    import ssl

    context = ssl.SSLContext(_protocol(options, server_side=server_side))
    _fill(context, options, server_side=server_side)
    return context


def _fill(context: ssl.SSLContext, ssl_options: SSLOptionsDict, *, server_side: bool) -> None:
    import ssl

    if server_side:
        # Each would cost much more here than there. Before OpenSSL 3, a client of TLS 1.2 was let do it by default.
        context.options |= ssl.OP_NO_RENEGOTIATION
    if "cert_reqs" in ssl_options:
        if ssl_options["cert_reqs"] == ssl.CERT_NONE:
            context.check_hostname = False
        context.verify_mode = ssl_options["cert_reqs"]
    if "minimum_version" in ssl_options:
        context.minimum_version = ssl_options["minimum_version"]
    if "alpn_protocols" in ssl_options:
        _set_alpn(context, ssl_options["alpn_protocols"])
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


def _protocol(options: SSLOptionsDict, *, server_side: bool) -> int:
    import ssl

    return options.get("ssl_version", ssl.PROTOCOL_TLS_SERVER if server_side else ssl.PROTOCOL_TLS_CLIENT)


def _set_alpn(context: ssl.SSLContext, protocols: Sequence[str]) -> None:
    import ssl

    try:
        context.set_alpn_protocols(protocols)
    except (ssl.SSLError, ValueError, TypeError):
        raise SSLConfigurationError(
            f"invalid alpn_protocols {protocols!r}: give a list of names of 1 to 255 bytes, such as ['http/1.1']"
        ) from None


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
