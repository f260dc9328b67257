"""Cohorts: what an excess shares and people do not, and the paths that explain it."""

from __future__ import annotations

import pytest

from shieldproxy.core.cohorts import DELAY, KEPT, MOST, Cohorts, Fading
from shieldproxy.core.facts import Posture

HOME, SEARCH, CHANCE = "path /", "path /search?", "path /?"
FIREFOX, OLD = "agent Firefox/144", "agent Chrome/79"
CALM = {"": 10, HOME: 9, SEARCH: 1, FIREFOX: 6, "agent Chrome/142": 4}
FLOOD = {"": 210, HOME: 9, SEARCH: 1, CHANCE: 200, FIREFOX: 6, "agent Chrome/142": 4, OLD: 200}


class Site:
    """A detector that sees second after second."""

    def __init__(self, calm: int = 400) -> None:
        self.found = Cohorts()
        self.now = 0.0
        self.live(calm, CALM, Posture.CALM)

    def live(self, seconds: int, counts: dict[str, int], posture: Posture, *, suffering: bool = False) -> None:
        """Let so many seconds pass."""
        for _ in range(seconds):
            self.now += 1.0
            self.found.step(counts, posture, self.now, suffering=suffering)


def test_what_a_flood_shares_and_nobody_else_has_is_applied_under_attack() -> None:
    """The path with a chance query and the old browser are cohorts; what people have is none."""
    site = Site()
    site.live(3, FLOOD, Posture.UNDER_ATTACK)
    assert set(site.found.applied()) == {CHANCE, OLD}
    cohort = site.found.cohorts[OLD]
    assert cohort.part > 0.9
    assert cohort.usual == 0.0
    assert cohort.words().endswith("of the excess, 0.00% of pages in calm; challenged")


def test_while_elevated_it_is_proposed() -> None:
    """A crowd that follows one link has something in common too: that decides nothing."""
    site = Site()
    site.live(5, FLOOD, Posture.ELEVATED)
    assert site.found.applied() == ()
    assert site.found.cohorts[OLD].why_not == "the site is not under attack"
    site.live(1, FLOOD, Posture.UNDER_ATTACK)
    assert OLD in site.found.applied()
    assert site.found.cohorts[OLD].why_not == ""


def test_a_site_that_was_seen_too_little_only_proposes() -> None:
    """None of three hundred pages is not less than one in a thousand."""
    site = Site(calm=30)
    site.live(3, FLOOD, Posture.UNDER_ATTACK)
    assert site.found.applied() == ()
    assert "too few pages" in site.found.cohorts[OLD].words()


def test_what_was_seen_of_calm_outlives_a_restart() -> None:
    """The next detector tells the same cohorts at once; one that was told nothing only proposes."""
    site = Site()
    after = Site(calm=0)
    after.found.know(site.found.calm())
    after.live(3, FLOOD, Posture.UNDER_ATTACK)
    assert set(after.found.applied()) == {CHANCE, OLD}
    assert after.found.usual(FIREFOX) == pytest.approx(site.found.usual(FIREFOX))
    unknown = Site(calm=0)
    unknown.live(3, FLOOD, Posture.UNDER_ATTACK)
    assert unknown.found.applied() == ()


def test_what_people_have_is_no_cohort() -> None:
    """A flood with a browser of today is not told by its browser."""
    site = Site()
    site.live(3, {"": 210, HOME: 210, FIREFOX: 210}, Posture.UNDER_ATTACK)
    assert site.found.cohorts == {}


def test_an_attack_that_is_noticed_late_is_not_learned_as_calm() -> None:
    """The seconds before the posture changed belong to the attack."""
    site = Site()
    site.live(DELAY - 1, FLOOD, Posture.CALM)
    assert site.found.usual(OLD) == 0.0
    site.live(1, FLOOD, Posture.UNDER_ATTACK)
    assert OLD in site.found.applied()


def test_revoked_is_revoked_until_it_is_calm_again() -> None:
    """An operator's word holds for the episode; the next one is judged anew."""
    site = Site()
    site.live(3, FLOOD, Posture.UNDER_ATTACK)
    assert site.found.revoke(OLD)
    assert not site.found.revoke("agent nobody")
    site.live(5, FLOOD, Posture.UNDER_ATTACK)
    assert OLD not in site.found.cohorts
    site.live(1, CALM, Posture.CALM)
    site.live(3, FLOOD, Posture.UNDER_ATTACK)
    assert OLD in site.found.applied()


def test_a_cohort_ends_with_its_excess() -> None:
    """Some time after the last of it, and at once when the site is calm."""
    site = Site()
    site.live(3, FLOOD, Posture.UNDER_ATTACK)
    site.live(90, CALM, Posture.UNDER_ATTACK)
    assert OLD in site.found.cohorts
    site.live(120, CALM, Posture.UNDER_ATTACK)
    assert site.found.cohorts == {}
    site.live(3, FLOOD, Posture.UNDER_ATTACK)
    site.live(1, CALM, Posture.CALM)
    assert site.found.cohorts == {}


def test_paths_that_explain_the_excess_spare_the_others() -> None:
    """People who ask for the front page are left alone while the flood asks for something else."""
    site = Site()
    site.live(2, FLOOD, Posture.UNDER_ATTACK)
    assert site.found.paths == {CHANCE}
    assert site.found.narrow
    site.live(2, FLOOD | {HOME: 500}, Posture.UNDER_ATTACK)
    assert site.found.paths == {CHANCE, HOME}


@pytest.mark.parametrize(("posture", "suffering"), [(Posture.ELEVATED, False), (Posture.UNDER_ATTACK, True)])
def test_nobody_is_spared_for_the_path_while_the_site_suffers(posture: Posture, *, suffering: bool) -> None:
    """And while only elevated nothing is narrowed, for little is challenged."""
    site = Site()
    site.live(3, FLOOD, posture, suffering=suffering)
    assert not site.found.narrow


def test_a_flood_over_very_many_paths_is_not_explained_by_paths() -> None:
    """Each of a thousand is hardly in excess; together they are far too much."""
    site = Site()
    wide = {"": 1_000, HOME: 9, CHANCE: 20} | {f"path /{name}": 1 for name in range(970)}
    site.live(5, wide, Posture.UNDER_ATTACK)
    assert not site.found.narrow


def test_sums_are_bounded_and_fade() -> None:
    """The commonest are kept, and what was left out is counted."""
    sums = Fading(10.0)
    sums.add("common", 5.0, 0.0)
    for number in range(MOST):
        sums.add(str(number), 1.0, 0.0)
    assert len(sums) == KEPT
    assert sums.left_out == MOST + 1 - KEPT
    assert sums.value("common", 0.0) == 5.0
    assert sums.value("common", 10.0) == pytest.approx(5.0 / 2.71828, rel=1e-4)
    assert sums.items(1_000.0) == {}
    assert len(sums) == 0
