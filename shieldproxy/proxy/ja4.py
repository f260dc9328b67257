"""JA4: a short name for how a TLS client introduces itself, the same for all who run the same program.

Written after FoxIO's description of JA4, the TLS client fingerprint ("JA4: TLS Client Fingerprinting",
technical_details/JA4.md of FoxIO-LLC/ja4). Of the JA4 family this one alone is free to use: it is licensed under the
BSD 3-Clause licence, whose text lies beside this file (LICENSE-JA4). The others (JA4S, JA4H, JA4X, JA4T and more) are
under the FoxIO licence, and nothing of them is here. None of FoxIO's code is.
"""

from __future__ import annotations

from collections.abc import Iterable
from hashlib import sha256

from shieldproxy.proxy.client_hello import PROTOCOLS, SERVER_NAME, ClientHello

# Values that clients send so that nobody relies on a list being complete (RFC 8701): they name nobody.
GREASE = frozenset(0x0A0A + 0x1010 * step for step in range(16))
VERSIONS = {0x0304: "13", 0x0303: "12", 0x0302: "11", 0x0301: "10", 0x0300: "s3", 0x0002: "s2"}
NOTHING = "000000000000"
# Numbers have two digits.
MOST = 99


def ja4(hello: ClientHello) -> str:
    """Return the JA4 of a client over TCP, such as ``t13d1516h2_8daaf6152771_e5627efa2ab1``."""
    ciphers, extensions = real(hello.ciphers), real(hello.extensions)
    version = VERSIONS.get(max(real(hello.versions), default=hello.version), "00")
    named = "d" if SERVER_NAME in extensions else "i"
    counts = f"{min(len(ciphers), MOST):02}{min(len(extensions), MOST):02}"
    kinds = codes(sorted(kind for kind in extensions if kind not in (SERVER_NAME, PROTOCOLS)))
    signatures = codes(real(hello.signatures))
    return (
        f"t{version}{named}{counts}{ends(hello.protocols)}"
        f"_{digest(codes(sorted(ciphers)))}"
        f"_{digest(f'{kinds}_{signatures}' if kinds and signatures else kinds)}"
    )


def real(values: Iterable[int]) -> list[int]:
    """Return ``values`` without the GREASE among them."""
    return [value for value in values if value not in GREASE]


def codes(values: Iterable[int]) -> str:
    """Return ``values`` as JA4 writes lists: four hexadecimal digits each, with commas."""
    return ",".join([f"{value:04x}" for value in values])


def digest(text: str) -> str:
    """Return the first 12 digits of SHA-256; of nothing zeros, so that everybody sees that there was nothing."""
    return sha256(text.encode()).hexdigest()[:12] if text else NOTHING


def ends(protocols: tuple[bytes, ...]) -> str:
    """Return the first and the last character of the first protocol, or of its hexadecimal form if one is no letter."""
    first = protocols[0] if protocols else b""
    if not first:
        return "00"
    if first[:1].isalnum() and first[-1:].isalnum():
        return chr(first[0]) + chr(first[-1])
    return first.hex()[0] + first.hex()[-1]
