"""Fingerprints: the order of header names, not their values."""

from __future__ import annotations

from shieldproxy.guard.fingerprints import LONGEST, MEMORY, Field, Fingerprints


def fields(*names: str) -> list[Field]:
    return [(name.lower().encode(), name.encode(), b"v") for name in names]


def test_order_and_letter_case_make_the_fingerprint() -> None:
    """The same names in another order, or in another letter case, are another tool."""
    prints = Fingerprints()
    first = prints.of(fields("Host", "User-Agent", "Accept"))
    assert first == prints.of(fields("Host", "User-Agent", "Accept"))
    assert first == Fingerprints().of(fields("Host", "User-Agent", "Accept"))
    assert (
        len(
            {
                first,
                prints.of(fields("Host", "Accept", "User-Agent")),
                prints.of(fields("host", "User-Agent", "Accept")),
            }
        )
        == 3
    )


def test_what_a_browser_sends_only_sometimes_does_not_count() -> None:
    """A cookie, a referer or a conditional request leave the fingerprint as it is."""
    prints = Fingerprints()
    assert prints.of(fields("Host", "Accept")) == prints.of(
        fields("Host", "Cookie", "Referer", "Accept", "If-None-Match")
    )


def test_a_flood_of_orders_does_not_grow_the_memory() -> None:
    """More orders than fit turn the table over."""
    prints = Fingerprints()
    for number in range(MEMORY + 10):
        prints.of(fields(f"X-{number}"))
    assert len(prints._known) <= MEMORY


def test_an_endless_order_is_named_and_not_kept() -> None:
    """Thirty kilobytes of names have a fingerprint as any order has, and take no place in the memory."""
    prints = Fingerprints()
    long = fields(*(f"X-{number}" for number in range(LONGEST)))
    assert prints.of(long) == prints.of(long) == Fingerprints().of(long)
    assert prints.of(long) != prints.of(long[1:])
    assert not prints._known
