from __future__ import annotations

import pytest

from shieldproxy.core.surges import Traits, weigh


@pytest.mark.parametrize(
    ("traits", "word"),
    [
        (Traits(issued=5_000, passed=4, hosted=0.92, per_address=300.0, variety=0.05), "attack"),
        (Traits(issued=5_000, passed=4_700, hosted=0.04, per_address=12.0, variety=0.6), "surge"),
        # A botnet of home routers on the start page: the challenges tell it.
        (Traits(issued=5_000, passed=20, hosted=0.03, per_address=12.0, variety=0.6), "attack"),
        # An imported log knows no challenges.
        (Traits(hosted=0.9, per_address=2_000.0, variety=0.0), "attack"),
        (Traits(), "unclear"),
    ],
)
def test_what_people_do_differs_from_what_machines_do(traits: Traits, word: str) -> None:
    """Volume is no sign; answers, networks, pace and paths are."""
    assert weigh(traits).word == word


def test_every_sign_that_spoke_is_told_with_its_figure() -> None:
    """The word can be checked by who reads it."""
    opinion = weigh(Traits(issued=1_000, passed=50, hosted=0.5, per_address=10.0, variety=0.5))
    assert "95.0 % of 1,000 challenges unanswered" in [sign.words for sign in opinion.signs]
    assert opinion.odds == sum(sign.weight for sign in opinion.signs)
    assert 0.5 <= opinion.sureness <= 1.0


def test_a_handful_of_challenges_says_nothing() -> None:
    """Nineteen people who went away are no botnet."""
    assert weigh(Traits(issued=19)).signs == ()
