"""Excess: floods, carriers and crowds told second by second, and the networks that are marked for them."""

from __future__ import annotations

import pytest

from shieldproxy.core.baselines import Baselines
from shieldproxy.core.excess import MOST_MARKS, Counted, Excess, ExcessPolicy, Mark
from shieldproxy.core.facts import Posture

CALM, ELEVATED, ATTACK = Posture.CALM, Posture.ELEVATED, Posture.UNDER_ATTACK
HOST, OFFICE, CARRIER, SMALL = 64500, 64501, 3320, 64502
CLASSES = {HOST: "hosting", SMALL: "vpn"}
POLICY = ExcessPolicy()
# What a carrier's customers do in a second: pages with their parts.
CROWD = Counted(pages=6, parts=30)
BOTS = Counted(pages=60)
DAY = {CARRIER: CROWD, OFFICE: Counted(pages=1, parts=3)}


class Site:
    """A detector on a hand-moved clock."""

    def __init__(self) -> None:
        self.excess = Excess(POLICY, Baselines(POLICY.memory), lambda asn: CLASSES.get(asn, "other"))
        self.now = 1_000.0

    def live(
        self, seconds: int, counts: dict[int, Counted], posture: Posture = CALM, *, suffering: bool = False
    ) -> Site:
        """Let so many seconds pass, all alike."""
        for _ in range(seconds):
            self.now += 1.0
            self.excess.count(counts, self.now)
            self.excess.step(counts, posture, 7.0, self.now, suffering=suffering)
        return self

    @property
    def marked(self) -> set[int]:
        """The networks that are marked."""
        return set(self.excess.marks)

    @property
    def everybody(self) -> bool:
        """Whether all newcomers are challenged."""
        return self.excess.everybody(self.now)


@pytest.fixture
def site() -> Site:
    """A site that has had its usual day for two minutes."""
    return Site().live(120, DAY)


def test_in_calm_nobody_is_marked(site: Site) -> None:
    """However much a network asks: a carrier's crowd is nobody's business, nor is a flood before it is noticed."""
    assert site.live(30, {CARRIER: Counted(pages=36, parts=100), HOST: BOTS}).marked == set()


def test_a_flood_from_a_host_is_marked_in_its_first_second(site: Site) -> None:
    """Under attack the excess is marked at once, and nobody else is."""
    assert site.live(1, DAY | {HOST: BOTS}, ATTACK).marked == {HOST}


def test_who_came_before_the_attack_was_noticed_is_marked_when_it_is(site: Site) -> None:
    """Requests of the seconds before count, also of a network that asks nothing in the very second."""
    assert HOST in site.live(2, DAY | {HOST: BOTS}).live(1, DAY, ATTACK).marked


def test_a_drip_is_marked_within_half_a_minute(site: Site) -> None:
    """A network of the botnet that sends a request in two seconds is unseen before, and then too much."""
    for _ in range(15):
        site.live(1, DAY | {SMALL: Counted(pages=1)}, ATTACK).live(1, DAY, ATTACK)
    assert site.marked == {SMALL}


def test_a_carrier_is_not_marked_for_its_ordinary_crowd(site: Site) -> None:
    """Its usual is its own: the same as every day is no excess, nor is twice of it."""
    busy = {CARRIER: Counted(pages=12, parts=60), OFFICE: Counted(pages=1, parts=3), HOST: BOTS}
    assert site.live(60, busy, ATTACK).marked == {HOST}


def test_one_person_of_a_small_network_is_no_excess(site: Site) -> None:
    """Somebody who reads a page in five seconds, with its parts, is nobody's flood."""
    for _ in range(20):
        site.live(1, DAY | {64510: Counted(pages=1, parts=4)}, ATTACK).live(4, DAY, ATTACK)
    assert site.marked == set()


def test_while_elevated_only_rented_computers_are_marked(site: Site) -> None:
    """A host's excess is, a carrier's (a crowd, most likely) is not, and a host's that brings parts is people's."""
    counts = {HOST: BOTS, CARRIER: Counted(pages=200, parts=900), SMALL: Counted(pages=60, parts=200)}
    assert site.live(3, counts, ELEVATED).marked == {HOST}


def test_marks_end_with_the_attack(site: Site) -> None:
    """From the first calm second nobody is challenged for the network they are in."""
    site.live(10, DAY | {HOST: BOTS}, ATTACK)
    assert site.live(1, DAY, CALM).marked == set()


def test_a_pulse_does_not_end_a_mark(site: Site) -> None:
    """A network that pauses for a minute and comes back finds its mark."""
    assert HOST in site.live(5, DAY | {HOST: BOTS}, ATTACK).live(60, DAY, ATTACK).marked


def test_a_mark_outlives_its_excess_for_a_while_only(site: Site) -> None:
    """Five minutes after the last excess a network is as any other."""
    assert HOST not in site.live(5, DAY | {HOST: BOTS}, ATTACK).live(int(POLICY.hold) + 90, DAY, ATTACK).marked


def test_a_network_whose_newcomers_answer_loses_its_mark_and_is_trusted(site: Site) -> None:
    """People answer: half of the challenges suffice, and for a minute it is not marked again."""
    site.live(2, DAY | {HOST: BOTS}, ATTACK)
    site.live(1, DAY | {HOST: Counted(pages=10, issued=10, passed=5)}, ATTACK)
    assert site.marked == set()
    assert site.live(30, DAY | {HOST: BOTS}, ATTACK).marked == set()
    assert site.live(60, DAY | {HOST: BOTS}, ATTACK).marked == {HOST}


def test_a_few_people_among_bots_do_not_end_a_mark(site: Site) -> None:
    """Two of a hundred challenges answered are two people."""
    assert HOST in site.live(5, DAY | {HOST: Counted(pages=50, issued=50, passed=1)}, ATTACK).marked


def test_an_attack_is_never_learned(site: Site) -> None:
    """Six hours of flood leave every usual as it was, also those that the clock would have faded."""
    before = site.excess.baselines.rates()
    site.live(21_600, {HOST: BOTS}, ATTACK)
    assert site.excess.baselines.rates() == before


def test_a_restart_in_mid_attack_knows_what_is_usual(site: Site) -> None:
    """Baselines that were kept make the flood an excess from the first second, and the carrier none."""
    kept = site.live(20, DAY | {HOST: BOTS}, ATTACK).excess.baselines
    again = Site()
    again.excess = Excess(POLICY, Baselines(POLICY.memory, kept.age, kept.rates()), lambda _asn: "other")
    assert again.live(5, DAY | {HOST: BOTS}, ATTACK).marked == {HOST}


def test_a_flood_from_everywhere_is_everybodys(site: Site) -> None:
    """When what is not marked is still far more than usual, all newcomers are challenged, and half a minute longer."""
    everywhere = {asn: Counted(pages=1) for asn in range(70_000, 73_000)}
    assert site.live(1, everywhere, ATTACK).everybody
    assert not site.live(40, DAY, ATTACK).everybody


def test_a_flood_from_few_networks_is_not_everybodys(site: Site) -> None:
    """Marking them suffices, whatever came before they were marked."""
    site.live(2, DAY | {HOST: BOTS, SMALL: BOTS}).live(1, DAY | {HOST: BOTS, SMALL: BOTS}, ATTACK)
    assert not site.everybody


def test_an_origin_that_suffers_tightens_for_everybody_under_attack_only(site: Site) -> None:
    """A slow site alone challenges nobody."""
    assert not site.live(5, DAY, ELEVATED, suffering=True).everybody
    assert site.live(1, DAY, ATTACK, suffering=True).everybody


def test_before_anything_is_known_a_network_that_floods_is_named() -> None:
    """In the first minute there is no usual: pages without parts, faster than people of one network, are a flood."""
    flood, crowd = {HOST: BOTS}, {CARRIER: Counted(pages=36, parts=150)}
    fresh = Site().live(3, flood)
    assert "AS64500" in fresh.excess.alone(flood, 1_003.0)
    assert fresh.excess.alone({}, 1_004.0) == ""
    assert Site().live(10, crowd).excess.alone(crowd, 1_010.0) == ""
    assert Site().live(120, DAY).live(3, flood).excess.alone(flood, 1_123.0) == ""


def test_marks_are_bounded_and_too_many_are_everybodys(site: Site) -> None:
    """No flood fills the memory."""
    site.live(2, {asn: Counted(pages=9) for asn in range(70_000, 70_000 + 2 * MOST_MARKS)}, ATTACK)
    assert len(site.excess.marks) == MOST_MARKS
    assert site.everybody


MARKS = [
    (Mark(0.0, 9.0, 12.3, 0.3, 100, 2), "AS64500: 12.3/s, 41x its usual 0.3/s, 2% of its challenges answered"),
    (Mark(0.0, 9.0, 68.0, 0.0), "AS64500: 68/s, unseen before"),
]


@pytest.mark.parametrize(("mark", "words"), MARKS)
def test_a_mark_says_why_in_words(mark: Mark, words: str) -> None:
    """How much, how much more than usual, and what became of the challenges."""
    assert mark.words(64500) == words
