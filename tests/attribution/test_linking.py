from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from shieldproxy.attribution.archive import Archive
from shieldproxy.attribution.detection import detect
from shieldproxy.attribution.episode_details import describe
from shieldproxy.attribution.linking import (
    Link,
    Overlap,
    count_seen,
    forget_members,
    link,
    percent,
    remember_members,
)
from shieldproxy.core.episodes import EpisodePolicy
from tests.attribution.conftest import Open, attacker, flood
from tests.fakes.records import TEN_FIFTEEN, write_journal


def links_of(archive: Archive) -> Link:
    forget_members(archive)
    spans = detect(archive, EpisodePolicy(), TEN_FIFTEEN + 86_400.0)
    for number, span in enumerate(spans):
        describe(archive, f"E-{number}", span)
        remember_members(archive, f"E-{number}")
    (found,) = link(archive, "E-1", ["E-0"], count_seen(archive))
    return found


def test_the_same_botnet_is_recognised(opened: Open, tmp_path: Path) -> None:
    """Half of its addresses were there before; by chance it would have been less."""
    records = list(flood(calm=5_400))
    for second in range(3_600, 3_720):
        for number in range(40):
            other: dict[str, Any] = {"src_ip": f"192.0.2.{number}", "client": f"192.0.2.{number}", "asn": 64999}
            extra = other if number % 2 else {}
            records.append(attacker(second + number / 40, second * 40 + number, **extra))
    write_journal(tmp_path / "journal", sorted(records, key=lambda record: record.ts))
    with opened() as archive:
        found = links_of(archive)
    clients, networks, asns, fingerprints, paths = found.overlaps
    assert (clients.size, clients.common, clients.others, clients.seen) == (120, 100, 200, 470)
    assert (networks.size, networks.common) == (2, 1)
    assert (asns.size, asns.common) == (2, 1)
    assert (fingerprints.common, paths.common) == (1, 1)
    assert found.words() == ("83 % of its addresses (100 of 120) took part in E-0; by chance one would expect 43 %")


def test_strangers_have_nothing_in_common() -> None:
    """What chance explains is not told as a finding."""
    found = Link("E-0", (Overlap("clients", 1_000, 12, 1_000, 100_000), Overlap("asns", 3, 2, 3, 5)))
    assert found.words() == "nothing in common with E-0 beyond chance"


def test_chance_is_the_mean_of_drawing_blindly() -> None:
    """Hypergeometric: of 100 drawn from 10,000 with 500 marked, five are."""
    overlap = Overlap("clients", 100, 50, 500, 10_000)
    assert (overlap.expected, overlap.expected_share, overlap.share) == (5.0, 0.05, 0.5)
    assert overlap.remarkable
    assert Overlap("clients", 0, 0, 0, 0).share == 0.0


@pytest.mark.parametrize(
    ("share", "words"),
    [(0.0, "0 %"), (1.0, "100 %"), (0.564, "56 %"), (0.034, "3.4 %"), (0.0003, "0.03 %"), (1e-9, "less than 0.001 %")],
)
def test_shares_keep_their_first_digit(share: float, words: str) -> None:
    """Small chances are not rounded to nothing."""
    assert percent(share) == words
