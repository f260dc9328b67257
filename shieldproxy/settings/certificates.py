"""Certificates: the two files of TLS, which come together or not at all."""

from __future__ import annotations

import ssl
from dataclasses import dataclass
from pathlib import Path

from shieldproxy.settings.positions import Trail
from shieldproxy.settings.tables import Desk, setting
from shieldproxy.settings.values import optional_path


@dataclass(frozen=True, kw_only=True)
class TlsTable:
    """The table ``[server.tls]`` as it is written."""

    certificate: Path | None = setting(None, optional_path)
    key: Path | None = setting(None, optional_path)


@dataclass(frozen=True, kw_only=True)
class Tls:
    """The certificate chain and its private key, two PEM files."""

    certificate: Path
    key: Path


def tls(desk: Desk, value: object, trail: Trail) -> Tls | None:
    """Return the certificate and the key, or None when neither is named; one without the other is a fault."""
    table = desk.read(TlsTable, value, trail)
    if table.certificate is not None and table.key is not None:
        return Tls(certificate=table.certificate, key=table.key)
    if desk.sound(trail) and table.certificate is not None:
        desk.note((*trail, "key"), "missing beside a certificate; allowed: the PEM file of its private key")
    if desk.sound(trail) and table.key is not None:
        desk.note((*trail, "certificate"), "missing beside a key; allowed: the PEM file of the certificate chain")
    return None


def find_tls_fault(files: Tls) -> str:
    """Return why TLS cannot start with these files, or ''."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    try:
        # An encrypted key would ask on the terminal, where nobody sits; an empty password makes it a fault.
        context.load_cert_chain(files.certificate, files.key, password=lambda: "")
    except ssl.SSLError as error:
        reason = error.reason or "not PEM"
        return f"does not work with the certificate ({reason}); allowed: its own key as PEM, without a password"
    except (OSError, ValueError) as error:
        return f"cannot be used ({error}); allowed: its own key as PEM, without a password"
    return ""


def find_authority_fault(path: Path) -> str:
    """Return why ``path`` cannot vouch for an origin, or ''."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    try:
        context.load_verify_locations(path)
    except (OSError, ValueError):
        return f'"{path}" holds no certificates; allowed: a PEM file of the authorities that sign the origin'
    return ""
