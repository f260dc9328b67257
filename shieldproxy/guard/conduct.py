"""Conduct: how a client behaves over time, kept in buckets; an overdrawn one is a ban (see BanPolicy)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shieldproxy.core.addresses import Network, parse_address, within
from shieldproxy.core.facts import PageKind
from shieldproxy.core.verdict import Action, Mode
from shieldproxy.guard.decisions import Decision, Outcome
from shieldproxy.guard.visits import HANDSHAKES

if TYPE_CHECKING:
    from collections.abc import Callable

    from shieldproxy.core.ladder import Ban
    from shieldproxy.core.policy import Policy
    from shieldproxy.core.ports import Bans, Buckets, Monotonic, Tallies
    from shieldproxy.guard.visits import Visit

PASSED = "passed"
# Answers that no honest browser sends: they count as offences. Expired, early or spent ones happen to people.
FORGERIES = frozenset(("forged", "garbled", "wrong"))
OFFENCES = "offences against rules"
FLOOD = "flood beyond its own limit"
UNANSWERED = "challenges asked for and never answered"


class Conduct:
    """Charges the bucket of each kind of misbehaviour. ``on_ban`` hears of each ban imposed."""

    def __init__(  # noqa: PLR0913 - one argument for each port
        self,
        policy: Policy,
        *,
        buckets: Buckets,
        bans: Bans,
        tallies: Tallies,
        clock: Monotonic,
        on_ban: Callable[[Ban, Visit], None],
    ) -> None:
        self._buckets = buckets
        self._bans = bans
        self._tallies = tallies
        self._clock = clock
        self._on_ban = on_ban
        self.adopt(policy)

    def adopt(self, policy: Policy) -> None:
        """Judge conduct by ``policy`` from now on; what was counted stays."""
        bans = policy.bans
        self._policy = policy
        self._window = bans.window
        self._offences = bans.window / bans.offences
        self._floods = bans.window / bans.floods
        self._patience = bans.patience
        self._unanswered = bans.patience / bans.unanswered
        self.answer_wait = 1.0 / policy.challenge.answer_rate
        self._answers_span = policy.challenge.answer_burst / policy.challenge.answer_rate

    def answers_too_fast(self, visit: Visit) -> bool:
        """Count an answer to a challenge; True when the client answers faster than anybody can."""
        return self._overdrawn(visit.answers, self.answer_wait, self._answers_span)

    def judge(self, decision: Decision, outcome: Outcome) -> None:
        """Hear how an exchange ended that was not simply admitted. In observe mode nobody is banned."""
        visit, verdict = decision.visit, decision.verdict
        if verdict.action is not Action.ADMIT and decision.facts.clearance is not None:
            self._tallies.count("cleared_refused")
        if visit.standing.exempt or self._policy.mode is Mode.OBSERVE:
            return
        if outcome.challenge == PASSED:
            # Somebody there answers, perhaps one of many behind the address: a charge below nothing forgets them all.
            self._buckets.charge(visit.unanswered, -self._patience, self._patience, self._clock())
        elif verdict.stage in ("denied", "malformed") or outcome.challenge in FORGERIES:
            self._tallies.count("offences")
            if self._overdrawn(visit.offences, self._offences, self._window):
                self._ban(visit, OFFENCES)
        elif verdict.stage == "over_own_limit" and verdict.action is not Action.CHALLENGE:
            self.flood(visit)
        elif (
            verdict.action is Action.CHALLENGE
            and decision.facts.page is PageKind.PAGE
            and self._overdrawn(visit.unanswered, self._unanswered, self._patience)
        ):
            self._ban(visit, UNANSWERED)

    def flood(self, visit: Visit) -> None:
        """Count a request refused by the client's own limit."""
        if self._overdrawn(visit.floods, self._floods, self._window):
            self._ban(visit, FLOOD)

    def hurries(self, visit: Visit, interval: float, span: float) -> bool:
        """Count a TLS handshake; True when there were too many, which counts like a request beyond the own limit.

        One grows back every ``interval`` seconds, ``span`` seconds' worth at most. Nobody hurries in observe mode.
        """
        if visit.standing.exempt or self._policy.mode is Mode.OBSERVE:
            return False
        slot = self._buckets.slot(HANDSHAKES, visit.visitor.client)
        if not self._overdrawn(slot, interval, span):
            return False
        self.flood(visit)
        return True

    def _overdrawn(self, slot: int, interval: float, span: float) -> bool:
        return self._buckets.charge(slot, interval, span, self._clock()) < 0.0

    def _ban(self, visit: Visit, cause: str) -> None:
        bans = self._policy.bans
        if within_any(visit.visitor.address, bans.spared):
            return
        ban = self._bans.impose(bans, visit.visitor.client, cause, self._clock())
        self._tallies.count("bans")
        self._on_ban(ban, visit)


def within_any(address: str, networks: tuple[Network, ...]) -> bool:
    """Tell whether an address lies in one of ``networks``."""
    parsed = parse_address(address) if networks else None
    return parsed is not None and within(parsed, networks)
