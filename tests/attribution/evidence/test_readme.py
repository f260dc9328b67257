from __future__ import annotations

from shieldproxy.attribution.evidence.readme import Chain, readme
from tests.fakes.evidence import TERMS, filled_case

CHAIN = Chain(
    [{"name": "edge1", "origin": "edge1/shieldproxy", "size": 3, "root": "AAA=", "key": "ab" * 32}],
    "The clock was kept.",
    ["shieldproxy 0.1.0"],
    [{"kind": "asn", "type": "GeoLite2-ASN", "built": "2026-06-17", "sha256": "cd" * 32}],
    ["2026-11-24/x.jsonl"],
    7,
    0,
    ["xarf"],
)


def test_it_says_where_everything_comes_from() -> None:
    """Whom it is for, the chain of custody, keys, clock, software, databases, and what is not in it."""
    text = " ".join(readme(filled_case(), CHAIN, "what was not admitted").split())
    for word in (
        "For: CERT of the county",
        "10 records, for 55 requests",
        "10 addresses, not admitted 55 times",
        "edge1/shieldproxy: 3 entries",
        "ab" * 32,
        "The clock was kept.",
        "GeoLite2-ASN (asn) of 2026-06-17",
        "1 sealed files of this span are gone",
        "7 requests stand in files that were not sealed yet",
        "contact: xarf",
        "python3 verify.py",
        "openssl pkeyutl",
    ):
        assert word in text


def test_names_cannot_forge_lines() -> None:
    """A recipient with a line break stays on its line."""
    terms = TERMS._replace(recipient="You\nTLP:CLEAR")
    lines = readme(filled_case(terms=terms), CHAIN, "all").splitlines()
    assert "TLP:CLEAR" not in lines


def test_what_does_not_fit_is_said() -> None:
    """Also sources beyond the bound."""
    case = filled_case()
    case.uncounted_sources = 12
    assert "12 records are of addresses beyond" in readme(case, CHAIN, "all")
