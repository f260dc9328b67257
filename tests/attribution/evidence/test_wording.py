from __future__ import annotations

from shieldproxy.attribution.evidence import wording
from shieldproxy.attribution.evidence.case import Source
from tests.fakes.evidence import attacker, case_of, filled_case


def test_a_country_is_what_a_database_says() -> None:
    """With its date; without a country that is said, too."""
    assert wording.place_of(Source(attacker(1, 1).to_dict())) == "database country of 2026-06-25 places it in CH"
    assert "no database" in wording.place_of(Source(attacker(1, 1, country="").to_dict()))
    assert wording.named("GeoIP", "country") == "GeoIP"
    assert wording.named("", "country") == "of unknown name"


def test_the_share_of_hosting_stands_beside_every_country() -> None:
    """As that is where a country says least."""
    assert "100 % of the requests came from networks classed as hosting or VPN" in wording.labels(filled_case())
    assert "of unknown name" in wording.labels(case_of())


def test_the_clock_is_what_the_kernel_said() -> None:
    """Kept throughout, in part, never, or unknown."""
    good: dict[str, object] = {"synchronised": True, "max_error_us": 4000}
    bad: dict[str, object] = {"synchronised": False, "max_error_us": 16_000_000}
    assert "throughout, wrong by 4 ms" in wording.clock([good, good])
    assert "1 of 2 segments" in wording.clock([good, bad])
    assert "No time service" in wording.clock([bad])
    assert "did not tell" in wording.clock([None])


def test_nothing_claims_who_it_was() -> None:
    """The handshake proves the address, not the person."""
    assert "handshake" in wording.HANDSHAKE
    assert "need not be where they began" in wording.HANDSHAKE
