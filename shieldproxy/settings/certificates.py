"""Certificates: pairs of two files, the usual one and any number beside it, and how fast handshakes may begin."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from shieldproxy.settings.endpoints import site_name
from shieldproxy.settings.positions import Trail
from shieldproxy.settings.tables import Desk, UnreadableError, items, part, required, setting
from shieldproxy.settings.values import Wrong, describe, number, optional_path, path

CHAIN, KEY = "the PEM file of the certificate chain", "the PEM file of its private key"
# Each is loaded into every worker at each reload, some milliseconds each.
MOST_CERTIFICATES = 1_000


@dataclass(frozen=True, kw_only=True)
class Pair:
    """A certificate chain and its private key, two PEM files; ``names`` () stands for those in the certificate."""

    certificate: Path
    key: Path
    names: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class PairTable:
    """One table of ``[[server.tls.certificates]]`` as it is written."""

    certificate: Path = required(path, stand_in=Path(), allowed=CHAIN)
    key: Path = required(path, stand_in=Path(), allowed=KEY)
    names: tuple[str, ...] = part((), items(site_name, what="names"))


def pairs(desk: Desk, value: object, trail: Trail) -> tuple[Pair, ...]:
    """Return the pairs of ``[[server.tls.certificates]]``."""
    if not isinstance(value, list):
        raise Wrong(f"{describe(value)} is not allowed; allowed: tables that begin with [[server.tls.certificates]]")
    if len(value) > MOST_CERTIFICATES:
        raise Wrong(f"{len(value)} certificates; allowed: up to {MOST_CERTIFICATES}")
    found: list[Pair] = []
    for index, item in enumerate(value):
        try:
            table = desk.read(PairTable, item, (*trail, index))
        except UnreadableError:
            continue
        found.append(Pair(certificate=table.certificate, key=table.key, names=table.names))
    return tuple(found)


@dataclass(frozen=True, kw_only=True)
class TlsTable:
    """The table ``[server.tls]`` as it is written."""

    certificate: Path | None = setting(None, optional_path)
    key: Path | None = setting(None, optional_path)
    handshake_rate: float = setting(50.0, number(0.01, 1_000_000, or_zero=True))
    handshake_burst: float = setting(500.0, number(1, 1_000_000))
    certificates: tuple[Pair, ...] = part((), pairs)


@dataclass(frozen=True, kw_only=True)
class Tls:
    """The usual pair, ``certificates`` for names of their own, and how fast one client may begin handshakes."""

    certificate: Path
    key: Path
    handshake_rate: float = 50.0
    handshake_burst: float = 500.0
    certificates: tuple[Pair, ...] = ()

    @property
    def pairs(self) -> tuple[Pair, ...]:
        """Every pair, the usual one first."""
        return (Pair(certificate=self.certificate, key=self.key), *self.certificates)


def tls(desk: Desk, value: object, trail: Trail) -> Tls | None:
    """Return what is served over TLS, or None when no certificate is named; one without its key is a fault."""
    table = desk.read(TlsTable, value, trail)
    if table.certificate is not None and table.key is not None:
        return Tls(
            certificate=table.certificate,
            key=table.key,
            handshake_rate=table.handshake_rate,
            handshake_burst=table.handshake_burst,
            certificates=table.certificates,
        )
    note_missing(desk, table, trail)
    return None


def note_missing(desk: Desk, table: TlsTable, trail: Trail) -> None:
    """Note what is missing beside what is there."""
    if not desk.sound(trail):
        return
    if table.certificate is not None:
        desk.note((*trail, "key"), f"missing beside a certificate; allowed: {KEY}")
    if table.key is not None:
        desk.note((*trail, "certificate"), f"missing beside a key; allowed: {CHAIN}")
    if table.certificates and table.certificate is None and table.key is None:
        message = f"missing beside other certificates; allowed: {CHAIN} for visitors who ask for none of their names"
        desk.note((*trail, "certificate"), message)
