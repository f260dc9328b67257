"""Explanation: a decision record and today's settings become sentences, pure but for reading config.toml."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from shieldproxy.core.buckets import Limit, Reading
from shieldproxy.core.policy import Policy
from shieldproxy.core.record import Record
from shieldproxy.core.rules import Rule
from shieldproxy.core.stages import STAGE_NAMES
from shieldproxy.settings.compiling import compile_policy
from shieldproxy.settings.positions import Trail, find_lines
from shieldproxy.settings.schema import Settings

BUILT_IN = "built-in"

# What a stage looked for and did not find, when a later one decided.
PASSED = {
    "exempt": "not exempt, and no rule admits it",
    "banned": "no ban in force",
    "malformed": "well formed",
    "denied": "no rule throttles, refuses or drops it",
    "over_own_limit": "no limit of its own stops it",
    "cleared": "no clearance, no verified robot",
    "tightened": "not part of an excess, or nothing that could show a challenge",
    "over_shared_limit": "no shared limit is overdrawn",
    "suspicious": "not suspicious enough, or nothing that could show a challenge",
    "saturated": "there was room for newcomers",
}


class Step(NamedTuple):
    """One stage of the judge: ``said`` is ``nothing``, ``decided`` or ``not asked``; ``words`` say why."""

    stage: str
    said: str
    words: str


class Level(NamedTuple):
    """A bucket at that moment. ``slack`` is seconds of credit, below zero overdrawn; ``limit`` is today's, if any."""

    name: str
    slack: float
    limit: Limit | None
    place: str

    @property
    def words(self) -> str:
        """The level in words, with the rate and burst of the limit."""
        if self.limit is None:
            state = f"overdrawn by {-self.slack:g} s" if self.slack < 0 else f"{self.slack:g} s of credit left"
            return f"{state}; the configuration has no such limit any more"
        reading = Reading(self.limit, self.slack)
        state = f"overdrawn, next in {reading.wait:g} s" if reading.over else f"{reading.level:.1f} left"
        quiet = ", which only observes" if self.limit.observed else ""
        limit = f"at most {self.limit.burst:g}, {self.limit.rate:g} a second, each {self.limit.scope.value}"
        return f"{state} ({limit}{quiet})"


class Match(NamedTuple):
    """A rule that matched and counted: its weight or action, its reason, and where it stands."""

    name: str
    rule: Rule
    place: str

    @property
    def words(self) -> str:
        """What the rule did and why."""
        effect = f"weight {self.rule.weight}" if self.rule.action is None else self.rule.action.word
        if self.rule.observed:
            effect += ", only observed"
        elif self.rule.enforce_share < 1.0:
            effect += f", for {self.rule.enforce_share:.2%} of clients"
        return f"{effect}: {self.rule.why}" if self.rule.why else effect


class Explanation:
    """All that can be said of ``record`` under ``settings``, which may have changed since."""

    def __init__(self, record: Record, settings: Settings) -> None:
        self.record = record
        self.policy: Policy = compile_policy(settings)
        self._settings = settings
        self._lines = _lines_of(settings)
        self._rules = {rule.name: rule for rule in settings.rules}

    @property
    def same_policy(self) -> bool:
        """Whether the configuration that decided is still the one in the file."""
        return self.record.policy == self.policy.digest

    def steps(self) -> list[Step]:
        """Return the stages in order; the first opinion won."""
        record = self.record
        if record.stage not in STAGE_NAMES:
            words = "; ".join(record.reasons) or "decided by the door, before the judge was asked"
            return [Step(record.stage or "none", "decided", words)]
        decided = STAGE_NAMES.index(record.stage)
        found = [Step(name, "nothing", PASSED[name]) for name in STAGE_NAMES[:decided]]
        found.append(Step(record.stage, "decided", self._decision()))
        return found + [Step(name, "not asked", "") for name in STAGE_NAMES[decided + 1 :]]

    def levels(self) -> list[Level]:
        """Return the buckets that were charged, by name, the overdrawn ones first."""
        found = [
            Level(name, slack, self._settings.limits.get(name), self.place("limits", name, "rate"))
            for name, slack in self.record.buckets
        ]
        return sorted(found, key=lambda level: (level.slack >= 0, level.name))

    def matches(self) -> list[Match]:
        """Return the rules that the record names, also those that would have acted, and that are still there."""
        words = (reason.rpartition(": rules.")[2] for reason in self.record.reasons)
        names = dict.fromkeys((*words, self.record.rule))
        return [Match(name, self._rules[name], self._rule_place(name)) for name in names if name in self._rules]

    def cause(self) -> str:
        """Return key and place of what decided, such as ``limits.client (config.toml:31)``; '' when no key did."""
        record = self.record
        if record.rule in self._settings.limits and record.stage in ("over_own_limit", "over_shared_limit"):
            return self._cited("limits", record.rule, "rate")
        if record.rule in self._rules:
            return f"rules.{record.rule} ({self._rule_place(record.rule)})"
        trail = {
            "exempt": ("exempt", record.rule.rpartition(".")[2]),
            "banned": ("bans", "ladder"),
            "suspicious": ("challenge", "suspicion"),
            "saturated": ("state", "buckets"),
        }.get(record.stage)
        return self._cited(*trail) if trail else ""

    def place(self, *trail: str | int) -> str:
        """Return ``config.toml:31`` of a key, of the table it would stand in, or ``built-in``."""
        for length in range(len(trail), 0, -1):
            line = self._lines.get(trail[:length])
            if line is not None:
                return f"{self._settings.source_path}:{line}"
        return BUILT_IN

    def _cited(self, *trail: str) -> str:
        return f"{'.'.join(trail)} ({self.place(*trail)})"

    def _rule_place(self, name: str) -> str:
        return self._settings.places.get(f"rules.{name}", BUILT_IN)

    def _decision(self) -> str:
        record = self.record
        words: dict[str, Callable[[], str]] = {
            "exempt": lambda: f"exempt by {record.rule}: never limited, challenged or banned",
            "banned": lambda: f"a ban is in force{self._because()}",
            "malformed": lambda: f"no two programs would read it alike{self._because()}",
            "denied": lambda: f"rule {record.rule}{self._because()}",
            "over_own_limit": lambda: f"limit {record.rule} is overdrawn{self._because()}",
            "cleared": lambda: (
                "a robot whose address confirms it" if record.rule == "crawler" else "holds a valid clearance"
            ),
            "tightened": lambda: f"part of an excess, so newcomers show that they are people{self._because()}",
            "over_shared_limit": lambda: f"limit {record.rule}, shared with strangers, is overdrawn{self._because()}",
            "suspicious": self._suspicion,
            "saturated": lambda: f"newcomers show that they are people{self._because()}",
            "admit": lambda: "nobody objects",
        }
        return words[record.stage]()

    def _suspicion(self) -> str:
        record = self.record
        rule = self._rules.get(record.rule)
        if rule is not None and rule.action is not None:
            return f"rule {record.rule} asks for a challenge"
        threshold = next((value for name, value in self.policy.challenge.suspicion if name == record.posture), None)
        reached = f" reaches {threshold}, the threshold when {record.posture}" if threshold is not None else ""
        return f"suspicion {record.suspicion}{reached}{self._because()}"

    def _because(self) -> str:
        return f": {', '.join(self.record.reasons)}" if self.record.reasons else ""


def _lines_of(settings: Settings) -> dict[Trail, int]:
    if settings.source_path is None:
        return {}
    try:
        return find_lines(settings.source_path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}  # changed since it was loaded; the explanation goes without lines
