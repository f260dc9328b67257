"""Scoring: what the journal says of the show, and what a plain limit would have done to the same traffic. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from shieldproxy.core.buckets import take

# The flood is judged in two parts, because the posture needs some seconds to follow.
FIRST_SECONDS = 20.0
TURNED_AWAY = frozenset(("throttle", "refuse", "drop"))

# The limit that people set first: so many requests a second of one address, so many at once.
PLAIN_RATE, PLAIN_BURST = 10.0, 50.0


@dataclass
class Share:
    """Requests, and how many of them reached the site."""

    requests: int = 0
    reached: int = 0

    def add(self, weight: int, *, reached: bool) -> None:
        """Count ``weight`` requests."""
        self.requests += weight
        self.reached += weight if reached else 0

    @property
    def stopped(self) -> int:
        """How many did not reach the site."""
        return self.requests - self.reached

    @property
    def stopped_percent(self) -> float:
        """How many of a hundred did not reach the site; 0 when there were none."""
        return 100.0 * self.stopped / self.requests if self.requests else 0.0


@dataclass
class Operator:
    """An operator of networks as the journal names it."""

    asn: int
    name: str
    network_class: str
    attack: Share = field(default_factory=Share)


@dataclass
class Score:
    """What the journal says. ``postures`` is when each was first seen, seconds after the flood began (below 0: before).

    ``turned_away`` are citizens' requests that got no page and no challenge, in words; ``plain`` is the attack under
    the plain limit; ``challenged_id`` and ``admitted_id`` are IDs of attack requests, for ``explain``.
    """

    attack: Share = field(default_factory=Share)
    first: Share = field(default_factory=Share)
    after: Share = field(default_factory=Share)
    plain: Share = field(default_factory=Share)
    actions: Counter[str] = field(default_factory=Counter)
    stages: Counter[str] = field(default_factory=Counter)
    operators: dict[int, Operator] = field(default_factory=dict)
    addresses: set[str] = field(default_factory=set)
    citizens: Counter[str] = field(default_factory=Counter)
    turned_away: list[str] = field(default_factory=list)
    postures: dict[str, float] = field(default_factory=dict)
    records: int = 0
    weight: int = 0
    lost: int = 0
    strangers: int = 0
    stopped_id: str = ""
    citizen_id: str = ""


class Scorer:
    """Reads records in time order. ``attackers`` and ``citizens`` are addresses; ``began`` is unix seconds."""

    def __init__(self, attackers: Collection[str], citizens: Collection[str], began: float) -> None:
        self.score = Score()
        self._attackers = frozenset(attackers)
        self._citizens = frozenset(citizens)
        self._began = began
        self._plain: dict[str, float] = {}

    def read(self, records: Iterable[Mapping[str, Any]]) -> Score:
        """Take in ``records`` and return the score."""
        for record in records:
            self._take(record)
        return self.score

    def _take(self, record: Mapping[str, Any]) -> None:
        score, weight = self.score, int(record["weight"])
        score.records += 1
        score.weight += weight
        score.lost += int(record.get("lost_before", 0))
        since = datetime.fromisoformat(record["ts"]).timestamp() - self._began
        score.postures.setdefault(record["posture"], since)
        address = record["src_ip"]
        if address in self._attackers:
            self._take_attack(record, weight, since)
        elif address in self._citizens:
            self._take_citizen(record, weight)
        else:
            score.strangers += weight

    def _take_attack(self, record: Mapping[str, Any], weight: int, since: float) -> None:
        score = self.score
        reached = record["action"] == "admit" or not record["enforced"]
        asn = int(record["asn"])
        if asn not in score.operators:
            score.operators[asn] = Operator(asn, record["as_name"], record["network_class"])
        for share in (score.attack, score.operators[asn].attack, score.first if since < FIRST_SECONDS else score.after):
            share.add(weight, reached=reached)
        score.actions[record["action"]] += weight
        score.stages[record["stage"]] += weight
        score.addresses.add(record["src_ip"])
        if not reached:
            score.stopped_id = record["id"]
        for _ in range(weight):
            score.plain.add(1, reached=self._plain_limit(record["client"], since))

    def _plain_limit(self, client: str, now: float) -> bool:
        """Charge the bucket of a plain limit; True when it lets the request pass."""
        full_at, slack = take(self._plain.get(client, now), now, 1.0 / PLAIN_RATE, PLAIN_BURST / PLAIN_RATE)
        self._plain[client] = full_at
        return slack >= 0.0

    def _take_citizen(self, record: Mapping[str, Any], weight: int) -> None:
        score, action = self.score, record["action"]
        score.citizens[action] += weight
        if action in TURNED_AWAY and record["enforced"]:
            score.turned_away.append(
                f"{record['method']} {record['path']}: {action} ({record['stage']}), AS{record['asn']}"
            )
        if action == "challenge":
            score.citizen_id = record["id"]
