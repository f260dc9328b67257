"""Detecting: the log alone says when the site was under attack, and by which networks."""

from __future__ import annotations

import zlib

import pytest

from shieldproxy.app.replay.detecting import PastDetector, rested
from shieldproxy.core.excess import ExcessPolicy
from shieldproxy.core.facts import Facts, NetworkLabel, PageKind, Posture, Tightening
from shieldproxy.core.posture import Detected, Flow, PosturePolicy, Second, observe
from shieldproxy.core.verdict import Action, Verdict
from tests.scenes import facts, visitor

ADMITTED = Verdict(Action.ADMIT, "admit")


def slot(limit: str, key: str) -> int:
    return zlib.crc32(f"{limit} {key}".encode()) << 16 | 1


def detector() -> PastDetector:
    return PastDetector(PosturePolicy(), ExcessPolicy(), 0.0, slot=slot, class_of=lambda _asn: "hosting")


def seen(asn: int, page: PageKind = PageKind.PAGE) -> Facts:
    return facts(visitor=visitor("192.0.2.1", NetworkLabel(asn)), page=page, part=page is PageKind.ASSET)


def play(found: PastDetector, start: int, seconds: int, flood: int) -> None:
    """Let people look at two pages a second, and a network ask for ``flood`` pages a second and answer nothing."""
    for second in range(start, start + seconds):
        for _ in range(2):
            found.saw(seen(64_496), ADMITTED)
            found.saw(seen(64_496, PageKind.ASSET), ADMITTED)
        for _ in range(flood):
            found.saw(seen(64_500), ADMITTED)
            if found.situation.posture is not Posture.CALM:
                found.challenged(64_500, answered=False)
        found.end_seconds(second + 1.0)


def posture(found: PastDetector) -> Posture:
    return found.situation.posture


def tightening(found: PastDetector, asn: int, now: float) -> Tightening:
    return found.situation.tightening(slot("@excess", str(asn)), 0, now)


def test_a_flood_is_an_attack_and_its_network_is_marked() -> None:
    """Within seconds, and nobody else is; after it the site is calm again and the mark is gone."""
    found = detector()
    play(found, 1_000, 120, 0)
    assert posture(found) is Posture.CALM
    play(found, 1_120, 30, 200)
    assert posture(found) is Posture.UNDER_ATTACK
    assert tightening(found, 64_500, 1_150.0) is Tightening.NETWORK
    assert tightening(found, 64_496, 1_150.0) is not Tightening.NETWORK
    play(found, 1_150, 200, 0)
    assert posture(found) is Posture.CALM
    assert tightening(found, 64_500, 1_350.0) is Tightening.NONE


def test_a_silent_week_takes_no_time_and_ends_every_attack() -> None:
    """However long nobody asked."""
    found = detector()
    play(found, 1_000, 60, 0)
    play(found, 1_060, 30, 200)
    found.end_seconds(1_090.0 + 7 * 86_400)
    assert posture(found) is Posture.CALM


def test_networks_beyond_the_bound_are_counted_together() -> None:
    """A flood from everywhere fills no memory."""
    found = detector()
    for asn in range(10_000):
        found.saw(seen(asn + 1), ADMITTED)
    sums, networks = found._counted()
    assert len(networks) <= 4_097
    assert sum(map(sum, networks.values())) == sum(sums) == 10_000
    assert found._counted()[1] == {}


@pytest.mark.parametrize("seen", [5, 300, 900])
@pytest.mark.parametrize("silence", [1, 200, 2_000])
def test_a_silence_at_once_is_a_silence_second_by_second(seen: int, silence: int) -> None:
    """What is usual fades as it does on a node that lives through it."""
    policy = PosturePolicy()
    one_by_one = start = Detected(usual=8.0, seen=seen, flow=Flow(usual_pages=2.0, usual_parts=6.0))
    for second in range(silence):
        one_by_one = observe(policy, one_by_one, Second(), float(second))
    at_once = rested(policy, start, silence)
    assert at_once.seen == one_by_one.seen
    assert [at_once.usual, *at_once.flow[3:]] == pytest.approx([one_by_one.usual, *one_by_one.flow[3:]], rel=1e-6)
