from __future__ import annotations

from pathlib import Path

from shieldproxy.attribution.detection import detect, sharpen, tallies
from shieldproxy.attribution.visits import Period, choose_attackers, collect_visits
from shieldproxy.core.episodes import EpisodePolicy, Span, Tally
from tests.attribution.conftest import Open, flood
from tests.fakes.records import TEN_FIFTEEN, write_journal

LATER = TEN_FIFTEEN + 86_400.0


def test_buckets_count_weights_and_what_was_stopped(opened: Open, flooded: Path) -> None:
    """Ten seconds of calm, ten seconds of flood."""
    with opened() as archive:
        found = {tally.start - TEN_FIFTEEN: tally for tally in tallies(archive, 10.0)}
    assert found[0.0] == Tally(TEN_FIFTEEN, 20, 0, 0)
    assert found[600.0] == Tally(TEN_FIFTEEN + 600.0, 420, 400, 0)


def test_the_flood_is_the_one_episode(opened: Open, flooded: Path) -> None:
    """Found in the records alone, to the bucket."""
    with opened() as archive:
        (span,) = detect(archive, EpisodePolicy(), LATER)
    assert (span.start - TEN_FIFTEEN, span.end - TEN_FIFTEEN, span.ongoing) == (600.0, 720.0, False)


def test_its_first_and_last_second_are_those_of_its_attackers(opened: Open, tmp_path: Path) -> None:
    """Buckets have no say in when it began."""
    write_journal(tmp_path / "journal", flood(start=603, seconds=111))
    with opened() as archive:
        (span,) = detect(archive, EpisodePolicy(), LATER)
        rough = Period(int(span.start * 1000), int(span.end * 1000))
        collect_visits(archive, rough)
        choose_attackers(archive, rough)
        period = sharpen(archive, span)
    assert (period.since / 1000 - TEN_FIFTEEN, period.until / 1000 - TEN_FIFTEEN) == (603.0, 714.0)


def test_without_attackers_it_is_its_buckets(opened: Open, flooded: Path) -> None:
    """A surge of people has nobody to ask."""
    with opened() as archive:
        empty = Period(0, 1)
        collect_visits(archive, empty)
        choose_attackers(archive, empty)
        assert sharpen(archive, Span(1_000.0, 1_010.0)) == Period(1_000_000, 1_010_000)


def test_two_nodes_journals_are_counted_together(opened: Open, tmp_path: Path) -> None:
    """Half of the flood in each, one episode with the whole of it."""
    write_journal(tmp_path / "journal", flood(rate=20), name="edge1.0")
    write_journal(tmp_path / "journal", flood(rate=20, first=7), name="edge2.0")
    with opened() as archive:
        (span,) = detect(archive, EpisodePolicy(), LATER)
    assert span.peak == 44.0
