"""Certificate files: whether they can serve, for which names, and for how long.

Every command reads the configuration and few have certificates in it: what reads them is loaded when there are any.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from shieldproxy.settings.certificates import Pair

if TYPE_CHECKING:
    from cryptography import x509

DAY = 86_400
# Renewals happen a month before the end, those of short-lived certificates when a third of their time is left. With
# less than two weeks left, several have failed.
SOON = 14
CERTIFICATE_ALLOWED = "allowed: PEM, the site's own certificate first, then those that lead to its authority"
KEY_ALLOWED = "allowed: its own key as PEM, without a password"
# What OpenSSL says when a key is that of another certificate.
ANOTHER = ("KEY_VALUES_MISMATCH", "KEY_TYPE_MISMATCH", "NO_CERTIFICATE_ASSIGNED")


class Lasting(NamedTuple):
    """A certificate in use: its file, the names it is shown for, and when its time begins and ends (unix seconds)."""

    file: Path
    names: tuple[str, ...]
    begins: float
    ends: float

    def days(self, now: float) -> int:
        """Return how many whole days are left; below zero when it has ended."""
        return math.floor((self.ends - now) / DAY)

    def warning(self, now: float) -> str:
        """Return what an operator should know of it, or ''."""
        days = self.days(now)
        if now >= self.ends:
            ago = -days - 1  # whole days
            return f"ended {f'{ago} {plural(ago)} ago' if ago else 'today'}: browsers warn every visitor"
        if now < self.begins:
            return "is not valid yet: browsers warn every visitor, if this machine's clock is right"
        return f"ends in {days} {plural(days)}" if days < SOON else ""


def plural(days: int) -> str:
    """Return the word for so many days."""
    return "day" if days == 1 else "days"


def read_chain(file: Path) -> list[x509.Certificate]:
    """Return the certificates of a PEM file, the site's own first; raises OSError, or ValueError when it holds none."""
    from cryptography import x509  # noqa: PLC0415 - 40 ms

    return x509.load_pem_x509_certificates(file.read_bytes())


def names_in(certificate: x509.Certificate) -> tuple[str, ...]:
    """Return the host names a certificate is valid for, lower-case (RFC 9525: those of subjectAltName alone)."""
    from cryptography import x509  # noqa: PLC0415 - 40 ms

    try:
        found = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except (x509.ExtensionNotFound, ValueError):
        return ()
    return tuple(name.lower() for name in found.get_values_for_type(x509.DNSName))


def names_of(pair: Pair) -> tuple[str, ...]:
    """Return the names for which ``pair`` is shown: those of the configuration, or those of the certificate.

    Raises OSError and ValueError as ``read_chain``.
    """
    return pair.names or names_in(read_chain(pair.certificate)[0])


def lasting(pairs: Iterable[Pair]) -> tuple[Lasting, ...]:
    """Return how long each of ``pairs`` lasts; one that can no longer be read is left out."""
    found: list[Lasting] = []
    for pair in pairs:
        try:
            own = read_chain(pair.certificate)[0]
        except (OSError, ValueError):
            continue
        begins, ends = own.not_valid_before_utc.timestamp(), own.not_valid_after_utc.timestamp()
        found.append(Lasting(pair.certificate, pair.names or names_in(own), begins, ends))
    return tuple(found)


def find_pair_fault(pair: Pair) -> tuple[str, str]:
    """Return which of the two files cannot serve (``certificate``, ``key``) and why, or two empty words."""
    import ssl  # noqa: PLC0415 - 10 ms

    try:
        read_chain(pair.certificate)
    except (OSError, ValueError):
        return "certificate", f'"{pair.certificate}" holds no certificate that can be read; {CERTIFICATE_ALLOWED}'
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    try:
        # An encrypted key would ask on the terminal, where nobody sits; an empty password makes it a fault.
        context.load_cert_chain(pair.certificate, pair.key, password=lambda: "")
    except ssl.SSLError as error:
        return "key", f'"{pair.key}" {wrong_with(pair, error.reason or "")}; {KEY_ALLOWED}'
    except (OSError, ValueError) as error:
        return "key", f'"{pair.key}" cannot be used ({error}); {KEY_ALLOWED}'
    return "", ""


def wrong_with(pair: Pair, reason: str) -> str:
    """Return what is wrong with a key that OpenSSL refuses for ``reason`` ('' where it gives none)."""
    if reason in ANOTHER:
        return f'is not the key of the first certificate in "{pair.certificate}"'
    if reason == "EE_KEY_TOO_SMALL":
        return "is shorter than TLS allows today"
    if reason:
        return f"does not work with the certificate ({reason})"
    return "is locked with a password" if b"ENCRYPTED" in pair.key.read_bytes() else "holds no key"


def find_authority_fault(path: Path) -> str:
    """Return why ``path`` cannot vouch for an origin, or ''."""
    import ssl  # noqa: PLC0415 - 10 ms

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    try:
        context.load_verify_locations(path)
    except (OSError, ValueError):
        return f'"{path}" holds no certificates; allowed: a PEM file of the authorities that sign the origin'
    return ""
