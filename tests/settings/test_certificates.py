"""The two files of TLS."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from shieldproxy.settings.certificates import Tls, find_authority_fault, find_tls_fault, tls
from shieldproxy.settings.tables import Desk, written

PEM = serialization.Encoding.PEM
PLAIN = serialization.NoEncryption()


def write_pair(folder: Path, name: str, password: bytes = b"") -> Tls:
    """Write a self-signed certificate and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "shield.example")])
    start = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(start)
        .not_valid_after(start + dt.timedelta(days=365))
        .sign(key, hashes.SHA256())
    )
    files = Tls(certificate=folder / f"{name}.pem", key=folder / f"{name}.key")
    files.certificate.write_bytes(certificate.public_bytes(PEM))
    how = serialization.BestAvailableEncryption(password) if password else PLAIN
    files.key.write_bytes(key.private_bytes(PEM, serialization.PrivateFormat.PKCS8, how))
    return files


def test_a_certificate_with_its_key_works(tmp_path: Path) -> None:
    """What belongs together has no fault, and a certificate of an authority is one."""
    files = write_pair(tmp_path, "site")

    assert find_tls_fault(files) == ""
    assert find_authority_fault(files.certificate) == ""


def test_a_key_that_cannot_serve_is_told(tmp_path: Path) -> None:
    """Another certificate's key, a key with a password, and files of something else."""
    site, other, secret = (
        write_pair(tmp_path, "site"),
        write_pair(tmp_path, "other"),
        write_pair(tmp_path, "secret", b"password"),
    )
    text = tmp_path / "text"
    text.write_text("no PEM")

    for files in (
        Tls(certificate=site.certificate, key=other.key),
        secret,
        Tls(certificate=site.certificate, key=text),
        Tls(certificate=text, key=site.key),
        Tls(certificate=site.certificate, key=tmp_path / "missing"),
    ):
        assert "allowed: its own key as PEM, without a password" in find_tls_fault(files)
    assert "holds no certificates" in find_authority_fault(text)
    assert "holds no certificates" in find_authority_fault(tmp_path / "missing")


@pytest.mark.parametrize(
    ("table", "wrong"),
    [
        ({}, []),
        ({"certificate": "", "key": ""}, []),
        ({"certificate": "a"}, ["tls.key"]),
        ({"key": "a"}, ["tls.certificate"]),
        ({"certificate": "a", "key": 5}, ["tls.key"]),
    ],
)
def test_one_without_the_other_is_a_fault(table: dict[str, object], wrong: list[str]) -> None:
    """Both or none; a wrong value is told instead of a missing one."""
    desk = Desk(Path())

    assert tls(desk, table, ("tls",)) is None
    assert [written(fault.trail) for fault in desk.faults] == wrong


def test_both_are_taken_from_the_folder_of_the_file() -> None:
    """Relative paths start where config.toml is."""
    assert tls(Desk(Path("/etc/x")), {"certificate": "a", "key": "/b"}, ()) == Tls(
        certificate=Path("/etc/x/a"), key=Path("/b")
    )
