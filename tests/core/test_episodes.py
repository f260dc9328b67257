from __future__ import annotations

import math
import random
from collections.abc import Iterator

import pytest

from shieldproxy.core.episodes import (
    Detection,
    EpisodePolicy,
    Span,
    Tally,
    episodes,
    finish,
    identifiers,
    observe,
)
from shieldproxy.core.usual import UsualPolicy

DAY = 86_400.0
MINUTE = EpisodePolicy(usual=UsualPolicy(bucket=60.0))
LATER = 1e12
# Begins (in days), factor, minutes.
ATTACKS = ((6.3, 1.8, 60), (8.6, 3.0, 20), (10.45, 5.0, 45), (12.8, 2.2, 1_440), (16.1, 25.0, 120), (18.75, 4.0, 180))


def season(
    seed: int, days: int, attacks: tuple[tuple[float, float, int], ...] = (), bucket: float = 60.0, kept: float = 0.8
) -> list[Tally]:
    """Return the counts of a site with days, weekends, noise (of which so much is ``kept`` a bucket) and attacks."""
    chance = random.Random(seed)
    found, noise = [], 0.0
    for number in range(int(days * DAY / bucket)):
        moment = number * bucket
        day = moment / DAY
        rate = 4.5 + 25.5 * max(0.0, math.sin((day % 1 - 0.2) * 2 * math.pi))
        noise = kept * noise + chance.gauss(0.0, 0.05)
        mean = rate * (0.7 if int(day) % 7 >= 5 else 1.0) * math.exp(noise) * bucket
        for start, factor, minutes in attacks:
            if start <= day < start + minutes / 1_440:
                mean += (factor - 1.0) * rate * bucket
        found.append(Tally(moment, max(0, round(chance.gauss(mean, math.sqrt(mean))))))
    return found


def steady(seconds: float, count: int, start: float = 0.0, *, stopped: int = 0, passed: int = 0) -> Iterator[Tally]:
    """Yield equal buckets of ten seconds."""
    for number in range(int(seconds / 10)):
        yield Tally(start + number * 10.0, count, stopped, passed)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_attacks_are_found_where_they_were(seed: int) -> None:
    """Over three weeks of days and weekends each attack is one episode, its start and end right to a few minutes."""
    found = episodes(MINUTE, season(seed, 21, ATTACKS), LATER)
    for start, factor, minutes in ATTACKS:
        if factor < 3.0:
            continue
        near = [span for span in found if abs(span.start - start * DAY) <= 120.0]
        assert len(near) == 1, (start, factor)
        assert abs(near[0].end - start * DAY - minutes * 60) <= 600.0, (start, factor)
        assert near[0].requests / near[0].usual > factor / 2
    assert len(found) <= len(ATTACKS) + 2


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_quiet_weeks_have_no_episodes(seed: int) -> None:
    """Nights, mornings and weekends are no attacks."""
    assert len(episodes(MINUTE, season(seed, 21), LATER)) <= 1


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_restless_weeks_have_hardly_any_episodes_but_the_attacks(seed: int) -> None:
    """Noise of 19 % that lasts for five minutes, on buckets of ten seconds: every attack, at most one more."""
    attacks = ((6.3, 1.8, 60), (8.6, 3.0, 20), (9.45, 5.0, 45), (10.4, 2.2, 720), (12.1, 25.0, 120))
    found = episodes(EpisodePolicy(), season(seed, 13, attacks, bucket=10.0, kept=0.967), LATER)
    for start, _, minutes in attacks:
        (near,) = [span for span in found if span.start <= start * DAY + minutes * 60 and span.end >= start * DAY]
        assert abs(near.start - start * DAY) <= 180.0
        assert near.end >= start * DAY + minutes * 60 - 60.0
    assert len(found) <= len(attacks) + 1


def test_a_small_excess_counts_when_it_lasts() -> None:
    """1.7 times the usual for a quarter of an hour is a restless hour, for half an hour an episode from its start."""
    known = list(season(1, 4, kept=0.0, bucket=10.0))
    for minutes, count in ((15, 0), (40, 1)):
        begin = 3 * DAY + 43_200.0
        raised = [
            tally._replace(requests=int(tally.requests * 1.7)) if begin <= tally.start < begin + minutes * 60 else tally
            for tally in known
        ]
        found = [span for span in episodes(EpisodePolicy(), raised, LATER) if span.start > 2 * DAY]
        assert len(found) == count
        assert all(abs(span.start - begin) <= 60.0 for span in found)


def test_the_same_counts_give_the_same_episodes_live_and_later() -> None:
    """The memory is a value: stopped and continued anywhere, it says the same."""
    tallies = season(4, 9, ATTACKS)
    detection = Detection()
    for tally in tallies:
        detection = Detection(**observe(MINUTE, detection, tally)._asdict())
    assert finish(MINUTE, detection, LATER) == episodes(MINUTE, tallies, LATER)


def test_half_a_minute_of_demo_has_its_episode() -> None:
    """Where nothing is known of the usual, requests that were stopped and that nobody answers for are the sign."""
    calm = list(steady(10, 120))
    flood = list(steady(30, 1_800, 10.0, stopped=1_600, passed=5))
    (span,) = episodes(EpisodePolicy(), [*calm, *flood], 45.0)
    assert (span.start, span.end, span.peak, span.ongoing) == (10.0, 40.0, 180.0, True)


@pytest.mark.parametrize("mixed", [300, 900, 2_000, 4_000])
def test_a_crowd_is_an_episode_half_a_minute_after_the_first_start(mixed: int) -> None:
    """Twenty times the usual is an episode although nobody is stopped, wherever in a bucket it begins."""
    calm = [Tally(0.0, 120), *steady(20, 300, 10.0), Tally(30.0, mixed)]
    crowd = list(steady(80, 6_000, 40.0))
    detection = Detection()
    for tally in [*calm, *crowd[:4]]:
        detection = observe(EpisodePolicy(), detection, tally)
    assert detection.open is not None
    (span,) = episodes(EpisodePolicy(), [*calm, *crowd], 120.0)
    assert span.start in {30.0, 40.0}
    assert span.usual < 600.0 * 9


def test_a_site_that_is_taken_into_service_is_no_episode() -> None:
    """The first minutes of a node to which visitors come bit by bit, from nothing to forty a second."""
    growing = [Tally(number * 10.0, min(400, number * 16)) for number in range(60)]
    assert episodes(EpisodePolicy(), growing, 600.0) == ()


def test_an_attack_is_open_within_half_a_minute() -> None:
    """Live: three buckets of ten seconds of unanswered challenges, and the episode is open, from its first."""
    detection = Detection()
    for tally in [*steady(600, 100), *steady(30, 900, 600.0, stopped=800)]:
        detection = observe(EpisodePolicy(), detection, tally)
    assert detection.open is not None
    assert detection.open.start == 600.0


def test_waves_do_not_become_the_usual() -> None:
    """An attack in waves, a third of the time, is an episode from its first wave on, also when that got through."""
    waves = [Tally(n, 1_600, 1_570) if n % 30 == 0 else Tally(n, 30) for n in range(610, 1_500, 10)]
    flood = [*steady(600, 30), Tally(600.0, 1_600), *waves, *steady(1_200, 30, 1_500.0)]
    (span,) = episodes(EpisodePolicy(), flood, LATER)
    assert (span.start, span.end) == (600.0, 1_480.0)


def test_refused_stragglers_do_not_keep_it_open() -> None:
    """A few banned clients that knock on are no episode."""
    tallies = [*steady(600, 100), *steady(120, 900, 600.0, stopped=800), *steady(1_200, 110, 720.0, stopped=12)]
    (span,) = episodes(EpisodePolicy(), tallies, LATER)
    assert (span.start, span.end, span.ongoing) == (600.0, 720.0, False)


def test_a_short_pause_is_no_end() -> None:
    """Below thirty minutes two waves are one episode, above it they are two."""
    waves = [*steady(600, 100), *steady(120, 900, 600.0, stopped=800), *steady(1_500, 100, 720.0)]
    near = episodes(EpisodePolicy(), [*waves, *steady(120, 900, 2_220.0, stopped=800)], LATER)
    assert [(span.start, span.end) for span in near] == [(600.0, 2_340.0)]
    far = [*waves, *steady(1_000, 100, 2_220.0), *steady(120, 900, 3_220.0, stopped=800)]
    assert [(span.start, span.end) for span in episodes(EpisodePolicy(), far, LATER)] == [(600, 720), (3_220, 3_340)]


def test_a_crowd_that_answers_is_no_sign() -> None:
    """People who pass their challenges are an excess only if they are many for this time of day."""
    assert episodes(EpisodePolicy(), steady(900, 100, stopped=60, passed=55), LATER) == ()


def test_small_sites_have_no_episodes_of_a_few_requests() -> None:
    """Ten times nearly nothing is still nothing."""
    assert (
        episodes(EpisodePolicy(), [*steady(3_600, 2), *steady(600, 30, 3_600.0), *steady(60, 2, 4_200.0)], LATER) == ()
    )


def test_a_clock_that_steps_back_is_survived() -> None:
    """Buckets that lie before what was seen are left aside; nothing is counted twice."""
    forward = list(steady(600, 100))
    again = [*forward, *steady(300, 100, 300.0), *steady(60, 900, 600.0, stopped=800)]
    (span,) = episodes(EpisodePolicy(), again, LATER)
    assert span.start == 600.0


def test_a_long_silence_is_nobody_looking() -> None:
    """An episode does not last over an hour without a node, and nothing is learned from it."""
    tallies = [*steady(600, 100), *steady(60, 900, 600.0, stopped=800), *steady(600, 100, 900_000.0)]
    (span,) = episodes(EpisodePolicy(), tallies, LATER)
    assert (span.start, span.end) == (600.0, 660.0)


def test_an_excess_nobody_stops_is_the_usual_after_two_days() -> None:
    """A site that has grown is not in an episode for ever."""
    grown = [*steady(2 * DAY, 100), *steady(4 * DAY, 400, 2 * DAY)]
    (span,) = episodes(EpisodePolicy(), grown, LATER)
    assert span.end < 5 * DAY


def test_empty_buckets_may_be_left_out() -> None:
    """Between two buckets with requests those without are counted as such."""
    tallies = [*steady(600, 100), *steady(60, 900, 600.0, stopped=800)]
    thin = [tally for tally in [*tallies, *steady(1_200, 0, 660.0)] if tally.requests]
    assert episodes(EpisodePolicy(), thin, 660.0) != ()
    assert episodes(EpisodePolicy(), [*thin, Tally(1_860.0, 1)], LATER)[0].end == 660.0


def test_no_counts_no_episodes() -> None:
    """An empty month is empty."""
    assert episodes(EpisodePolicy(), [], LATER) == ()


def test_sums_of_any_size_are_right() -> None:
    """A line may stand for a thousand million requests."""
    (span,) = episodes(EpisodePolicy(), steady(60, 10**9, stopped=10**9), LATER)
    assert span == Span(0.0, 60.0, 1e8, 0.0, 6 * 10**9, 0.0)


def test_episodes_are_numbered_within_their_day() -> None:
    """The ID says the day it began."""
    assert list(identifiers(["2026-11-24", "2026-11-24", "2026-11-25"])) == [
        "E-2026-11-24-1",
        "E-2026-11-24-2",
        "E-2026-11-25-1",
    ]


def test_the_parameters_can_be_told() -> None:
    """Whoever reads a count of episodes reads by what it was counted."""
    words = EpisodePolicy().words()
    for part in (
        "1.5 times",
        "5 requests a second",
        "25 %",
        "10 s",
        "k = 1.5",
        "h = 12",
        "30 min",
        "20 min where it is below 2 times",
    ):
        assert part in words
