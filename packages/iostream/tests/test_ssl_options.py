"""Every mistake in ssl_options is told at once, with the value and what to do."""

from __future__ import annotations

import ssl
import subprocess
from pathlib import Path
from typing import cast

import pytest

from eyewall.iostream import SSLConfigurationError, SSLOptionsDict, ssl_options_to_context
from eyewall.iostream.testing import self_signed_certificate

CERTIFICATE = self_signed_certificate()


def complaint(options: SSLOptionsDict, server_side: bool = True) -> str:
    with pytest.raises(SSLConfigurationError) as caught:
        ssl_options_to_context(options, server_side)
    return str(caught.value)


def test_a_context_is_given_back_as_it_is() -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    assert ssl_options_to_context(context) is context


@pytest.mark.parametrize("options", ["cert.pem", True])
def test_what_are_no_options_is_told_what_are(options: object) -> None:
    assert complaint(cast("SSLOptionsDict", options)).startswith(
        f"ssl_options are {options!r}: give {{'certfile': …}} or"
    )


def test_a_server_refuses_the_context_of_a_client() -> None:
    with pytest.raises(SSLConfigurationError, match="this context is a client's: make a server's by"):
        ssl_options_to_context(ssl.create_default_context(), server_side=True)


def test_a_server_shows_its_certificate_and_asks_for_none() -> None:
    context = ssl_options_to_context(CERTIFICATE.server_options, server_side=True)
    assert (context.protocol, context.verify_mode) == (ssl.PROTOCOL_TLS_SERVER, ssl.CERT_NONE)


def test_a_client_verifies_certificate_and_name_by_default() -> None:
    context = ssl_options_to_context({})
    assert (context.verify_mode, context.check_hostname) == (ssl.CERT_REQUIRED, True)


def test_a_client_trusts_the_given_authorities_and_no_others() -> None:
    context = ssl_options_to_context(CERTIFICATE.client_options)
    [trusted] = context.get_ca_certs()
    assert trusted["serialNumber"] == "01"


def test_a_client_can_do_without_verification() -> None:
    context = ssl_options_to_context({"cert_reqs": ssl.CERT_NONE})
    assert (context.verify_mode, context.check_hostname) == (ssl.CERT_NONE, False)


def test_a_server_can_ask_for_certificates() -> None:
    options: SSLOptionsDict = {
        "certfile": CERTIFICATE.certfile,
        "keyfile": CERTIFICATE.keyfile,
        "ca_certs": CERTIFICATE.certfile,
        "cert_reqs": ssl.CERT_REQUIRED,
        "ciphers": "ECDHE+AESGCM",
        "ssl_version": ssl.PROTOCOL_TLS_SERVER,
    }
    context = ssl_options_to_context(options, server_side=True)
    assert context.verify_mode == ssl.CERT_REQUIRED
    assert {cipher["name"] for cipher in context.get_ciphers() if cipher["protocol"] == "TLSv1.2"} == {
        "ECDHE-ECDSA-AES256-GCM-SHA384",
        "ECDHE-RSA-AES256-GCM-SHA384",
        "ECDHE-ECDSA-AES128-GCM-SHA256",
        "ECDHE-RSA-AES128-GCM-SHA256",
    }


def test_an_oldest_version_can_be_chosen() -> None:
    options: SSLOptionsDict = {**CERTIFICATE.server_options, "minimum_version": ssl.TLSVersion.TLSv1_3}
    assert ssl_options_to_context(options, server_side=True).minimum_version is ssl.TLSVersion.TLSv1_3


def test_a_key_may_stand_in_the_certificates_file(tmp_path: Path) -> None:
    both = tmp_path / "both.pem"
    both.write_text("".join(Path(file).read_text() for file in CERTIFICATE))
    assert ssl_options_to_context({"certfile": both}, server_side=True).protocol == ssl.PROTOCOL_TLS_SERVER


def test_an_unknown_option_is_named_with_those_that_exist() -> None:
    options: SSLOptionsDict = {"certificate": "x", "certfile": "y"}  # type: ignore[typeddict-unknown-key] # the mistake
    message = complaint(options)
    assert "'certificate'" in message
    assert "certfile, keyfile, ca_certs, cert_reqs, ssl_version, ciphers, " in message


def test_a_server_without_certificate_is_told_so() -> None:
    assert complaint({}) == "ssl_options of a server need 'certfile': the path of a PEM file"


@pytest.mark.parametrize("option", ["certfile", "keyfile", "ca_certs"])
def test_a_missing_file_is_named_with_its_option(option: str, tmp_path: Path) -> None:
    options = cast("SSLOptionsDict", {**CERTIFICATE.server_options, option: tmp_path / "none.pem"})
    assert complaint(options) == (
        f"cannot read {option} '{tmp_path / 'none.pem'}': No such file or directory; "
        "give a file that this process may read"
    )


def test_a_folder_for_a_certificate_is_told(tmp_path: Path) -> None:
    assert complaint({"certfile": tmp_path}).startswith(f"cannot load the certificate '{tmp_path}': is a directory")


@pytest.mark.parametrize("text", ["", "not a certificate", "-----BEGIN CERTIFICATE-----\nrubbish\n"])
def test_a_file_without_certificate_is_told(text: str, tmp_path: Path) -> None:
    file = tmp_path / "cert.pem"
    file.write_text(text)
    message = complaint({"certfile": file})
    assert message.startswith(f"cannot load the certificate '{file}': ")
    assert message.endswith("it takes a PEM certificate and its matching private key without a password")


def test_a_certificate_without_its_key_is_told() -> None:
    assert complaint({"certfile": CERTIFICATE.certfile}).startswith(
        f"cannot load the certificate '{CERTIFICATE.certfile}': "
    )


@pytest.mark.openssl
def test_a_key_of_another_certificate_is_told(tmp_path: Path) -> None:
    key = make_key(tmp_path)
    message = complaint({"certfile": CERTIFICATE.certfile, "keyfile": key})
    assert f"'{CERTIFICATE.certfile}' with the key '{key}': key values mismatch" in message


@pytest.mark.openssl
def test_a_key_with_a_password_is_told_and_nobody_is_asked_for_it(tmp_path: Path) -> None:
    key = make_key(tmp_path, "-aes256", "-pass", "pass:secret")
    message = complaint({"certfile": CERTIFICATE.certfile, "keyfile": key})
    assert message.endswith("matching private key without a password")


def make_key(folder: Path, *options: str) -> Path:
    key = folder / "other.key"
    command = ["openssl", "genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:prime256v1", *options]
    subprocess.run([*command, "-out", key], check=True, capture_output=True)
    return key


def test_authorities_that_are_none_are_told(tmp_path: Path) -> None:
    file = tmp_path / "ca.pem"
    file.write_text("nothing")
    message = complaint({"ca_certs": file}, server_side=False)
    assert message.startswith(f"cannot load the authorities '{file}': ")
    assert message.endswith("it takes PEM certificates")


def test_unknown_ciphers_are_told() -> None:
    options: SSLOptionsDict = {**CERTIFICATE.server_options, "ciphers": "ROT13"}
    assert complaint(options) == "no cipher of 'ROT13' is known to OpenSSL"
