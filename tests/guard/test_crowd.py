"""The crowd: what newcomers do, and who is none."""

from __future__ import annotations

from shieldproxy.core.excess import Deed
from shieldproxy.core.facts import Crawler, Facts, PageKind
from shieldproxy.core.verdict import Action, Verdict
from shieldproxy.guard.crowd import Crowd, deed_of
from tests.fakes.newcomers import CountedNewcomers, CountedTraits
from tests.scenes import request, visitor

ADMITTED = Verdict(Action.ADMIT, "admit")
PAGE = Facts(visitor(), request(), traits=("path /",))


def test_only_what_would_reach_the_site_is_counted() -> None:
    """Holders of a clearance, robots and who is stopped by an own limit are no newcomers."""
    newcomers, traits = CountedNewcomers(), CountedTraits()
    crowd = Crowd(newcomers, traits)
    crowd.saw(PAGE, ADMITTED)
    crowd.saw(PAGE._replace(crawler=Crawler.VERIFIED), ADMITTED)
    for stage in ("cleared", "over_own_limit", "banned"):
        crowd.saw(PAGE, Verdict(Action.ADMIT, stage))
    crowd.challenged(PAGE)
    crowd.answered(PAGE)
    assert newcomers.deeds == {(0, Deed.PAGE): 1, (0, Deed.ISSUED): 1, (0, Deed.PASSED): 1}
    assert traits.pages == {"": 1, "path /": 1}


def test_a_deed_is_a_page_a_part_or_something_else() -> None:
    """What follows a page is a part of it, whatever it is."""
    feed = PAGE._replace(page=PageKind.FEED)
    assert [deed_of(facts) for facts in (PAGE, feed, feed._replace(part=True))] == [Deed.PAGE, Deed.OTHER, Deed.PART]
