"""Certificates that sign themselves, and their keys, as PEM files."""

from __future__ import annotations

import datetime as dt
import ipaddress
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from shieldproxy.settings.certificates import Pair

DAY = dt.timedelta(days=1)


def write_pair(
    folder: Path,
    stem: str,
    *names: str,
    begins: dt.timedelta = -DAY,
    ends: dt.timedelta = DAY,
    password: bytes = b"",
) -> Pair:
    """Write ``stem``.pem and ``stem``.key for ``names`` (hosts, addresses), in place of earlier ones; return them.

    The times are from now on; the subject is ``stem``.
    """
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, stem)])
    now = dt.datetime.now(dt.UTC)
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now + begins)
        .not_valid_after(now + ends)
    )
    if names:
        builder = builder.add_extension(x509.SubjectAlternativeName([general(name) for name in names]), critical=False)
    pair = Pair(certificate=folder / f"{stem}.pem", key=folder / f"{stem}.key")
    pem = serialization.Encoding.PEM
    pair.certificate.write_bytes(builder.sign(key, hashes.SHA256()).public_bytes(pem))
    how = serialization.BestAvailableEncryption(password) if password else serialization.NoEncryption()
    pair.key.write_bytes(key.private_bytes(pem, serialization.PrivateFormat.PKCS8, how))
    return pair


def general(name: str) -> x509.GeneralName:
    """Return a host or an address as certificates name it."""
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def subject_of(certificate: bytes) -> str:
    """Return the stem with which a certificate (DER) was written."""
    found = x509.load_der_x509_certificate(certificate).subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    return str(found[0].value)
