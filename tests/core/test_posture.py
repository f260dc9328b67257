"""Posture: floods told on a hand-moved clock, and what the detector makes of them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shieldproxy.core.facts import Posture
from shieldproxy.core.posture import STRICTNESS, Detected, PosturePolicy, Second, Trial, observe, signs

CALM, ELEVATED, ATTACK = Posture.CALM, Posture.ELEVATED, Posture.UNDER_ATTACK
POLICY = PosturePolicy()
# requests, challenged, answered in a second
QUIET = Second(10)
USUAL = Second(50, 2, 2)
CROWD = Second(300, 40, 36)
FLOOD = Second(1_000, 400, 4)
SLOW_FLOOD = Second(195, 120, 1)


def watch(*spans: tuple[int, Second], start: Detected | None = None) -> list[Detected]:
    """Return what is detected at the end of each span of (seconds, what is counted in each of them)."""
    detected, now, found = start or Detected(), 0.0, []
    for seconds, second in spans:
        for _ in range(seconds):
            now += 1.0
            detected = observe(POLICY, detected, second, now)
        found.append(detected)
    return found


STORIES = [
    # what happens, and the posture at the end of each part of it
    ("an ordinary day", [(3_600, USUAL)], [CALM]),
    ("nothing at all", [(3_600, Second())], [CALM]),
    ("a flood whose challenges nobody answers", [(600, USUAL), (5, FLOOD)], [CALM, ATTACK]),
    ("a crowd that answers its challenges", [(600, USUAL), (10, CROWD)], [CALM, ELEVATED]),
    ("a crowd that is not even challenged", [(600, USUAL), (10, Second(300))], [CALM, ELEVATED]),
    ("ten visitors more on a quiet site", [(600, Second(3)), (60, Second(13))], [CALM, CALM]),
    ("a few more than usual", [(600, USUAL), (60, Second(90, 4, 4))], [CALM, CALM]),
    ("one wild second", [(600, USUAL), (1, Second(120)), (30, USUAL)], [CALM, CALM, CALM]),
    ("a flood that ends", [(600, USUAL), (120, FLOOD), (20, USUAL), (80, USUAL)], [CALM, ATTACK, ATTACK, CALM]),
    ("a flood that lasts six hours is not the usual", [(600, USUAL), (21_600, FLOOD)], [CALM, ATTACK]),
    ("a site that grows for good", [(600, QUIET), (60, Second(60)), (7_200, Second(60))], [CALM, ELEVATED, CALM]),
    ("a flood right after the start", [(10, Second(15, 1, 1)), (5, SLOW_FLOOD)], [CALM, ATTACK]),
    ("a flood at the start", [(5, SLOW_FLOOD), (600, SLOW_FLOOD)], [ATTACK, ATTACK]),
    ("a flood smaller than the usual", [(600, Second(240, 8, 7)), (8, Second(420, 170, 8))], [CALM, ATTACK]),
    ("robots that read no challenge", [(600, Second(50, 8, 1))], [CALM]),
    ("a start on a busy site, whose first second is nearly empty", [(1, Second(3)), (60, Second(500))], [CALM, CALM]),
]


@pytest.mark.parametrize(("spans", "postures"), [row[1:] for row in STORIES], ids=[row[0] for row in STORIES])
def test_a_story_has_its_posture(spans: list[tuple[int, Second]], postures: list[Posture]) -> None:
    """Floods are attacks, crowds are crowds, growth is growth, and everything ends."""
    assert [detected.posture for detected in watch(*spans)] == postures


def test_an_attack_is_seen_within_seconds() -> None:
    """A flood twenty times the usual is an attack in the second in which it arrives, or the next."""
    assert watch((600, USUAL), (2, FLOOD))[-1].posture is ATTACK


def test_a_posture_is_held_before_it_eases() -> None:
    """After its last sign an attack is one for half a minute, then elevated for another, then it is over."""
    calm, attacked = watch((600, USUAL), (60, FLOOD))
    detected, now, seen = attacked, 660.0, []
    while detected.posture is not CALM:
        now += 1.0
        detected = observe(POLICY, detected, USUAL, now)
        seen.append(detected.posture)
    assert seen == sorted(seen, key=lambda posture: -STRICTNESS[posture])
    assert seen.count(ATTACK) >= POLICY.hold - 1
    assert seen.count(ELEVATED) >= POLICY.hold - 1
    assert calm.posture is CALM


def test_pulses_do_not_make_it_flap() -> None:
    """A flood that comes and goes every ten seconds is one attack, not thirty."""
    detected, now, changes = watch((600, USUAL))[-1], 600.0, 0
    for second in range(600):
        now += 1.0
        before, detected = detected, observe(POLICY, detected, FLOOD if second // 10 % 2 else USUAL, now)
        changes += before.posture is not detected.posture
    assert changes <= 2
    assert detected.posture is ATTACK


def test_an_attack_does_not_become_the_usual() -> None:
    """What was usual before a flood is usual after it."""
    before, after = watch((600, USUAL), (3_600, FLOOD))
    assert after.usual == pytest.approx(before.usual, rel=0.05)


def test_the_usual_follows_a_site_that_changes() -> None:
    """A site that grows by half has the new level as its usual within the hour."""
    assert watch((600, USUAL), (3_600, Second(75)))[-1].usual == pytest.approx(75.0, rel=0.01)


def test_the_reason_is_a_sentence_with_numbers() -> None:
    """An operator reads how many, how much more than usual, and what is wrong with them."""
    reason = watch((600, USUAL), (30, FLOOD))[-1].reason
    assert "requests/s" in reason
    assert "times the usual 50/s" in reason
    assert "99% of challenges unanswered" in reason
    assert watch((60, USUAL))[-1].reason == "as usual"


MANY, IGNORED = Trial(40.0, 36.0), Trial(40.0, 1.0)
SIGNS = [
    # rate, usual, challenged less answered, challenges that are due: the sign
    # below the floor nothing is an attack
    (19.9, 1.0, 19.0, IGNORED, CALM),
    (20.0, 1.0, 0.0, Trial(), ELEVATED),
    # thresholds against the usual
    (99.9, 50.0, 20.0, IGNORED, CALM),
    (100.0, 50.0, 0.0, Trial(), ELEVATED),
    # answered or not
    (100.0, 50.0, 5.0, MANY, ELEVATED),
    (100.0, 50.0, 5.0, Trial(10.0, 5.1), ELEVATED),
    (100.0, 50.0, 5.0, Trial(10.0, 5.0), ATTACK),
    # a quarter of everything ends at a challenge: no usual is asked
    (100.0, 90.0, 25.0, IGNORED, ATTACK),
    (100.0, 90.0, 24.0, IGNORED, CALM),
    # a handful of challenges says nothing
    (100.0, 50.0, 2.0, Trial(5.9, 0.0), ELEVATED),
    # nor do challenges whose answers are still on their way
    (100.0, 50.0, 20.0, Trial(0.0, 0.0, (20, 20)), ELEVATED),
    # more answers than challenges (they were asked for before) are no attack
    (100.0, 50.0, -20.0, Trial(10.0, 30.0), ELEVATED),
    # a site without visitors has no usual to divide by
    (25.0, 0.0, 0.0, Trial(), ELEVATED),
]


@pytest.mark.parametrize(("rate", "usual", "ignored", "trial", "sign"), SIGNS)
def test_signs(rate: float, usual: float, ignored: float, trial: Trial, sign: Posture) -> None:
    """The floor, the excess and the unanswered challenges decide, each at its threshold."""
    assert signs(POLICY, rate, usual, ignored, trial)[0] is sign


# A site where each page brings four parts: pages and parts among the requests of a second.
READ = Second(30, pages=6, parts=24)
RUSH = Second(600, pages=120, parts=480)
BARE = Second(210, pages=180, parts=24)
CACHED = Second(120, pages=60, parts=60)

PAGE_STORIES = [
    ("people read", [(600, READ)], [CALM]),
    ("a crowd whose browsers fetch the parts", [(600, READ), (30, RUSH)], [CALM, ELEVATED]),
    ("a flood that fetches nothing else", [(600, READ), (3, BARE)], [CALM, ATTACK]),
    ("a crowd of visitors who have some parts already", [(600, READ), (30, CACHED)], [CALM, ELEVATED]),
    ("a site whose parts lie elsewhere", [(600, Second(6, pages=6)), (30, Second(180, pages=180))], [CALM, ELEVATED]),
    ("a flood half a minute after the start", [(30, READ), (3, BARE)], [CALM, ATTACK]),
    ("few pages", [(600, Second(5, pages=1, parts=4)), (60, Second(10, pages=8, parts=1))], [CALM, CALM]),
    ("a flood while the origin suffers", [(600, READ), (9, RUSH._replace(suffering=True))], [CALM, ATTACK]),
    ("a slow origin without an excess", [(600, READ), (60, READ._replace(suffering=True))], [CALM, CALM]),
    ("a network that floods a fresh node", [(3, BARE._replace(alone="AS64500"))], [ATTACK]),
    ("a flood and its end", [(600, READ), (80, BARE), (110, READ)], [CALM, ATTACK, CALM]),
]


@pytest.mark.parametrize(("spans", "postures"), [row[1:] for row in PAGE_STORIES], ids=[row[0] for row in PAGE_STORIES])
def test_pages_tell_people_from_floods(spans: list[tuple[int, Second]], postures: list[Posture]) -> None:
    """Browsers fetch what belongs to a page; an excess of pages without it is an attack within three seconds."""
    assert [detected.posture for detected in watch(*spans)] == postures


def test_a_sample_that_answers_keeps_a_crowd_from_being_an_attack() -> None:
    """One challenge a second, answered two seconds later by nine of ten, for as long as the crowd lasts."""
    detected, now = watch((600, READ))[-1], 600.0
    for second in range(120):
        now += 1.0
        answered = 1 if second >= 2 and second % 10 else 0
        detected = observe(POLICY, detected, RUSH._replace(challenged=1, answered=answered), now)
        assert detected.posture is not ATTACK


def test_a_sample_that_does_not_answer_makes_a_crowd_an_attack() -> None:
    """Bots that fetch all parts are told from people by the challenges of a few, within fifteen seconds."""
    assert watch((600, READ), (15, RUSH._replace(challenged=1)))[-1].posture is ATTACK


counts = st.integers(0, 10**9)


@given(st.lists(st.builds(Second, counts, counts, counts), max_size=60))
def test_any_counts_give_a_posture(seconds: list[Second]) -> None:
    """Whatever is counted, nothing raises, the usual stays between nothing and the most that was seen."""
    detected = Detected()
    for now, second in enumerate(seconds):
        detected = observe(POLICY, detected, second, float(now))
        assert detected.posture in Posture
        assert 0.0 <= detected.usual <= max(second.requests for second in seconds) + 1e-6


@given(st.lists(st.builds(Second, counts, counts, counts), max_size=30))
def test_a_journal_replayed_gives_the_same_answers(seconds: list[Second]) -> None:
    """The detector remembers nothing but its value: the same seconds lead to the same end."""
    spans = [(1, second) for second in seconds]
    assert watch(*spans) == watch(*spans)


def test_an_open_episode_is_elevated() -> None:
    """An excess that only whoever knows the hour can see; on a quiet site it is nothing."""
    assert watch((600, USUAL), (5, USUAL._replace(episode=True)))[-1].posture is ELEVATED
    assert watch((600, QUIET), (5, QUIET._replace(episode=True)))[-1].posture is CALM
