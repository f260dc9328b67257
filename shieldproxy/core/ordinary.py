"""The ordinary request: nothing speaks against it, so the stages need not be asked one by one.

Nearly every request of a person is one. A shorter way to the same answer, never another answer: the test holds this
function against the stages for any policy and any facts.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from shieldproxy.core.facts import Crawler, Tightening
from shieldproxy.core.stages import ADMITTED, CLEARED, CRAWLER

if TYPE_CHECKING:
    from shieldproxy.core.facts import Facts
    from shieldproxy.core.policy import Policy
    from shieldproxy.core.verdict import Verdict

# By names of this module: to ask an enumeration for a member costs five times as much (Python 3.11).
VERIFIED, NOT_TIGHTENED = Crawler.VERIFIED, Tightening.NONE


def ordinary(policy: Policy, facts: Facts) -> Verdict | None:
    """Return what the stages say of a request that nothing speaks against; None where they have to be asked."""
    # Taken apart at once: seventeen looks into a named tuple cost as much as all that is asked of them here.
    _, _, _, _, exempt, ban, malformed, matched, readings, clearance, crawler, saturated, posture, tight, _, _, _ = (
        facts
    )
    if matched or exempt or ban is not None or malformed is not None:
        return None
    for _, slack in readings:
        if slack < 0.0:
            return None
    if crawler is VERIFIED:
        return CRAWLER
    if clearance is not None:
        return CLEARED
    if saturated or tight is not NOT_TIGHTENED or policy.challenge.threshold(posture) <= 0:
        return None
    return ADMITTED
