"""Facts: frozen, with defaults against which nobody has anything."""

from __future__ import annotations

import pytest

from shieldproxy.core.facts import Crawler, Facts, NetworkLabel, PageKind, Posture, Tightening
from tests.scenes import facts, request, visitor

HEADERS = [
    # header, value of the wire, what is read
    (b"accept", {b"accept": b"text/html"}, "text/html"),
    (b"accept", {}, ""),
    (b"accept", {b"accept": b""}, ""),
    # bytes of any kind are text, one letter a byte, so nothing is lost and nothing raises
    (b"user-agent", {b"user-agent": b"\xff\x00\xe9"}, "\xff\x00\xe9"),
    # names are lower-case; another spelling is another name
    (b"accept", {b"Accept": b"text/html"}, ""),
]


@pytest.mark.parametrize(("name", "headers", "value"), HEADERS)
def test_a_header_is_text(name: bytes, headers: dict[bytes, bytes], value: str) -> None:
    """A header that was not sent reads as nothing, and any byte reads as a letter."""
    assert request(headers=headers).header(name) == value


def test_facts_are_frozen() -> None:
    """Nobody changes a fact after it was gathered."""
    with pytest.raises(AttributeError):
        facts().now = 2.0  # type: ignore[misc]  # that is the point


def test_nothing_speaks_against_a_client_by_default() -> None:
    """Facts that name only visitor and request hold no ban, no reading and a calm site."""
    plain = Facts(visitor(), request())
    unsaid = (Tightening.NONE, False, (), "")
    assert plain[3:] == (PageKind.PAGE, "", None, None, (), (), None, Crawler.NONE, False, Posture.CALM, *unsaid)


def test_an_unknown_address_has_an_empty_label() -> None:
    """Unknown is ASN 0, no country and class other; never None, never a guess."""
    assert NetworkLabel() == (0, "", "", "other", "")


def test_the_words_of_the_journal_hold() -> None:
    """These words stand in records and rules for years."""
    assert [kind.value for kind in PageKind] == ["page", "feed", "api", "asset", "well_known", "upgrade"]
    assert [posture.value for posture in Posture] == ["calm", "elevated", "under_attack"]
    assert [crawler.value for crawler in Crawler] == ["none", "verified", "impostor"]
