"""Certificates by name, read anew while a server runs, of clients; protocols agreed on; openssl as the other end."""

from __future__ import annotations

import shutil
import socket
import ssl
import subprocess
from typing import TYPE_CHECKING

import pytest

from eyewall.iostream import (
    SSLConfigurationError,
    SSLIOStream,
    SSLOptionsDict,
    reload_certificates,
    ssl_options_to_context,
    ssl_wrap_socket,
)
from eyewall.iostream.testing import CertificateFiles, self_signed_certificate

if TYPE_CHECKING:
    from pathlib import Path

    from eyewall.ioloop import IOLoop
    from eyewall.iostream import SSLOptions, TLSInfo

pytestmark = pytest.mark.needs("sockets")

CERTIFICATE = self_signed_certificate()


def make_certificate(folder: Path, name: str) -> CertificateFiles:
    files = CertificateFiles(str(folder / f"{name}.crt"), str(folder / f"{name}.key"))
    key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-keyout", files.keyfile]
    about = ["-subj", f"/CN={name}", "-addext", f"subjectAltName=DNS:{name}", "-days", "2", "-out", files.certfile]
    subprocess.run(["openssl", "req", "-x509", *key, *about], check=True, capture_output=True)
    return files


async def meet(
    serving: SSLOptions, name: str | None = "localhost", asking: SSLOptions | None = None
) -> tuple[TLSInfo, TLSInfo, str]:
    """Shake hands; give what each end is told of the other, and the name in the certificate that the client got."""
    near, far = socket.socketpair()
    server = SSLIOStream(far, ssl_options=serving, server_side=True)
    client = SSLIOStream(near, ssl_options=asking or {"cert_reqs": ssl.CERT_NONE}, server_hostname=name)
    server.write_nowait(b"ready")
    assert await client.read_bytes(5) == b"ready"
    assert client.info.tls is not None
    assert server.info.tls is not None
    told = client.info.tls, server.info.tls
    shown = client.socket.getpeercert(binary_form=True)  # type: ignore[attr-defined] # Tornado's way to ask
    client.close()
    server.close()
    return *told, common_name(shown)


def common_name(der: bytes) -> str:
    command = ["openssl", "x509", "-inform", "DER", "-noout", "-subject"]
    subject = subprocess.run(command, input=der, check=True, capture_output=True).stdout.decode()
    return subject.rpartition("=")[2].strip()


@pytest.mark.openssl
async def test_a_server_shows_the_certificate_of_the_name_that_is_asked_for(io_loop: IOLoop, tmp_path: Path) -> None:
    options: SSLOptionsDict = {
        **make_certificate(tmp_path, "else.test").server_options,
        "server_names": {
            "A.test": make_certificate(tmp_path, "a.test").server_options,
            "*.b.test": ssl_options_to_context(make_certificate(tmp_path, "b.test").server_options, True),
        },
    }
    context = ssl_options_to_context(options, server_side=True)
    asked = ["a.test", "A.TEST", "x.b.test", "b.test", "x.y.b.test", "other.test", None]
    shown = [(await meet(context, name))[2] for name in asked]
    assert shown == ["a.test", "a.test", "b.test", *["else.test"] * 4]
    assert (await meet(context, "a.test"))[1].server_name == "a.test"


@pytest.mark.openssl
async def test_certificates_are_read_anew_and_connections_go_on(io_loop: IOLoop, tmp_path: Path) -> None:
    files = make_certificate(tmp_path, "old.test")
    context = ssl_options_to_context(files.server_options, server_side=True)
    near, far = socket.socketpair()
    server = SSLIOStream(far, ssl_options=context, server_side=True)
    client = SSLIOStream(near, ssl_options=files.client_options, server_hostname="old.test")
    await client.wait_for_handshake()
    replace(files, make_certificate(tmp_path, "new.test"))
    assert (await meet(context))[2] == "old.test"
    reload_certificates(context)
    assert (await meet(context))[2] == "new.test"
    await client.write(b"still here")
    assert await server.read_bytes(10) == b"still here"
    client.close()
    server.close()


@pytest.mark.openssl
async def test_a_server_that_is_to_look_finds_new_certificates_by_itself(
    io_loop: IOLoop, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    files = make_certificate(tmp_path, "old.test")
    context = ssl_options_to_context({**files.server_options, "reload_seconds": 0}, server_side=True)
    (tmp_path / "old.test.crt").write_text("half of a certif")
    assert (await meet(context))[2] == "old.test"
    assert (await meet(context))[2] == "old.test"
    [message] = [record.getMessage() for record in caplog.records]
    assert message.startswith(
        "the certificates on disk have changed and cannot be used, the old ones stay: cannot load"
    )
    replace(files, make_certificate(tmp_path, "new.test"))
    assert (await meet(context))[2] == "new.test"


@pytest.mark.openssl
def test_files_that_cannot_be_used_are_told_and_change_nothing(tmp_path: Path) -> None:
    files = make_certificate(tmp_path, "a.test")
    context = ssl_options_to_context(files.server_options, server_side=True)
    (tmp_path / "a.test.key").unlink()
    with pytest.raises(SSLConfigurationError, match="cannot read keyfile"):
        reload_certificates(context)


def replace(old: CertificateFiles, new: CertificateFiles) -> None:
    shutil.move(new.certfile, old.certfile)
    shutil.move(new.keyfile, old.keyfile)


def test_only_a_context_made_of_options_can_be_reloaded() -> None:
    with pytest.raises(ValueError, match="was not made of a server's ssl_options"):
        reload_certificates(ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER))


@pytest.mark.parametrize("name", ["", "a.*.test", "bücher.test"])
def test_a_name_that_is_none_is_told(name: str) -> None:
    options: SSLOptionsDict = {**CERTIFICATE.server_options, "server_names": {name: CERTIFICATE.server_options}}
    with pytest.raises(SSLConfigurationError, match="invalid name in server_names"):
        ssl_options_to_context(options, server_side=True)


def test_protocols_that_are_none_are_told() -> None:
    with pytest.raises(SSLConfigurationError, match="invalid alpn_protocols"):
        ssl_options_to_context({"alpn_protocols": [""]})


async def test_both_ends_are_told_the_protocol_that_they_agreed_on(io_loop: IOLoop) -> None:
    serving: SSLOptionsDict = {**CERTIFICATE.server_options, "alpn_protocols": ["h2", "http/1.1"]}
    asking: SSLOptionsDict = {**CERTIFICATE.client_options, "alpn_protocols": ["http/1.1"]}
    near, far, _ = await meet(serving, asking=asking)
    assert (near.alpn, far.alpn) == ("http/1.1", "http/1.1")


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
async def test_a_client_with_a_certificate_is_verified_and_told(io_loop: IOLoop, version: ssl.TLSVersion) -> None:
    trusting: SSLOptionsDict = {"ca_certs": CERTIFICATE.certfile, "cert_reqs": ssl.CERT_REQUIRED}
    asking = ssl_options_to_context({**CERTIFICATE.server_options, **CERTIFICATE.client_options})
    asking.maximum_version = version
    near, far, _ = await meet({**CERTIFICATE.server_options, **trusting}, asking=asking)
    assert near.version == version.name.replace("_", ".")
    for told in (near, far):
        assert told.peer_certificate is not None
        assert told.verified_chain == (told.peer_certificate_der,)


async def test_a_client_without_the_certificate_that_is_asked_for_is_refused(io_loop: IOLoop) -> None:
    serving: SSLOptionsDict = {**CERTIFICATE.server_options, "ca_certs": CERTIFICATE.certfile}
    serving["cert_reqs"] = ssl.CERT_REQUIRED
    near, far = socket.socketpair()
    server = SSLIOStream(far, ssl_options=serving, server_side=True)
    client = SSLIOStream(near, ssl_options=CERTIFICATE.client_options, server_hostname="localhost")
    with pytest.raises(ssl.SSLError, match=r"(?i)peer did not return a certificate"):
        await server.wait_for_handshake()
    client.close()


async def test_a_socket_wrapped_tornados_way_is_spoken_tls_on(io_loop: IOLoop) -> None:
    near, far = socket.socketpair()
    wrapped = ssl_wrap_socket(far, CERTIFICATE.server_options, server_side=True, do_handshake_on_connect=False)
    server = SSLIOStream(wrapped)
    client = SSLIOStream(near, ssl_options=CERTIFICATE.client_options, server_hostname="localhost")
    assert await client.wait_for_handshake() is client
    client.close()
    server.close()
