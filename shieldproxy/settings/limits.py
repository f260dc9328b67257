"""Limits and rules: the named tables an operator writes, read into the values the judge uses."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from shieldproxy.core.buckets import Limit, Scope
from shieldproxy.core.policy import allowed_actions
from shieldproxy.core.rules import Condition, Rule
from shieldproxy.core.verdict import ACTIONS, Action, Mode
from shieldproxy.settings.conditions import match, when
from shieldproxy.settings.positions import Trail
from shieldproxy.settings.tables import Desk, UnreadableError, part, required, setting
from shieldproxy.settings.values import Wrong, choice, describe, integer, member, number, text

# Every request asks every limit and rule that may apply to it; more than these would be felt.
MOST_LIMITS = 100
MOST_RULES = 1_000
# About one a day; slower than that is a rule, and its times would leave what a float holds exactly.
LEAST_RATE = 0.00001
# A limit of more than a million a second limits nothing.
MOST_RATE = 1_000_000
LIMIT_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")
RULE_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,63}")
RULE_NAME_ALLOWED = "a name of a-z, 0-9 and -, up to 64 letters; it stands in every record"
RATE = number(LEAST_RATE, MOST_RATE)
# With rate = "auto": how many times the usual of a network, as for an excess ([posture] network_factor), and how much
# every network has whose usual is less or not known.
AUTO_TIMES, AUTO_FLOOR = 3.0, 5.0
# A burst nobody gave is five seconds of the rate: a page with its pictures comes at once.
BURST_SECONDS = 5.0
LIMIT_ACTIONS = {action.word: action for action in (Action.CHALLENGE, Action.THROTTLE, Action.REFUSE)}
RULE_ACTIONS = ", ".join(f'"{word}"' for word in ACTIONS)


def rule_name(value: object) -> str:
    """Return the name of a rule."""
    if not isinstance(value, str) or not RULE_NAME.fullmatch(value):
        raise Wrong(f"{describe(value)} is not allowed; allowed: {RULE_NAME_ALLOWED}")
    return value


def rate(value: object) -> float:
    """Return a rate; 0 for "auto"."""
    return 0.0 if value == "auto" else RATE(value)


@dataclass(frozen=True, kw_only=True)
class LimitTable:
    """One table of ``[limits]``."""

    scope: Scope = required(member(Scope), stand_in=Scope.CLIENT, allowed=", ".join(f'"{scope}"' for scope in Scope))
    rate: float = required(rate, stand_in=1.0, allowed='a number above 0, the requests let through a second, or "auto"')
    floor: float | None = setting(None, number(LEAST_RATE, MOST_RATE))
    burst: float | None = setting(None, number(1, MOST_RATE))
    action: Action | None = setting(None, member(Action, LIMIT_ACTIONS))
    during: str = setting("always", choice("always", "excess"))
    match: Condition | None = part(None, match)
    mode: Mode = setting(Mode.ENFORCE, member(Mode))


@dataclass(frozen=True, kw_only=True)
class RuleTable:
    """One table of ``[[rules]]``."""

    name: str = required(rule_name, stand_in="", allowed=RULE_NAME_ALLOWED)
    when: Condition = part(None, when)
    action: Action | None = setting(None, member(Action, ACTIONS))
    weight: int | None = setting(None, integer(-1_000, 1_000))
    why: str = setting("", text(200))
    mode: Mode = setting(Mode.ENFORCE, member(Mode))
    enforce_share: float = setting(1.0, number(0.0001, 1))


def limits(desk: Desk, value: object, trail: Trail) -> dict[str, Limit]:
    """Return the limits of ``[limits]`` by name, in the order of their names."""
    tables = desk.table(value, trail)
    if len(tables) > MOST_LIMITS:
        desk.note(trail, f"{len(tables)} limits; allowed: up to {MOST_LIMITS}, for every request asks them all")
    found: dict[str, Limit] = {}
    for name in sorted(tables):
        here = (*trail, name)
        if not LIMIT_NAME.fullmatch(name):
            desk.note(here, f"{describe(name)} is not allowed; allowed: a name of a-z, 0-9, - and _, up to 64 letters")
        try:
            found[name] = limit(desk, name, desk.read(LimitTable, tables[name], here), here)
        except UnreadableError:
            continue
    return found


def limit(desk: Desk, name: str, table: LimitTable, trail: Trail) -> Limit:
    """Return one limit; notes an action that its scope may not ask for."""
    allowed = allowed_actions(table.scope)
    usual = Action.CHALLENGE if table.scope.collective else Action.THROTTLE
    action = usual if table.action is None else table.action
    if action not in allowed and desk.sound((*trail, "scope"), (*trail, "action")):
        words = ", ".join(f'"{item.word}"' for item in allowed)
        why = " (strangers share its bucket)" if table.scope.collective else ""
        desk.note((*trail, "action"), f'"{action.word}" is not for scope "{table.scope}"{why}; allowed: {words}')
    auto = not table.rate
    if auto and table.scope is not Scope.ASN and desk.sound((*trail, "scope")):
        desk.note((*trail, "rate"), f'"auto" is not for scope "{table.scope}"; allowed: a number, or scope "asn"')
    if not auto and table.floor is not None and desk.sound((*trail, "rate")):
        desk.note((*trail, "floor"), 'without rate = "auto"; allowed: with it, for it is what every network has')
    rate = (table.floor or AUTO_FLOOR) if auto else table.rate
    burst = max(1.0, BURST_SECONDS * rate) if table.burst is None else table.burst
    in_excess = table.during == "excess"
    if in_excess and table.scope not in (Scope.NETWORK, Scope.ASN) and desk.sound((*trail, "scope")):
        desk.note((*trail, "during"), f'"excess" is not for scope "{table.scope}"; allowed: scope "network" or "asn"')
    observed = table.mode is Mode.OBSERVE
    times = AUTO_TIMES if auto else 0.0
    return Limit(name, table.scope, rate, burst, action, table.match, in_excess, observed, times)


def rules(desk: Desk, value: object, trail: Trail) -> tuple[Rule, ...]:
    """Return the rules of ``[[rules]]``."""
    if not isinstance(value, list):
        raise Wrong(f"{describe(value)} is not allowed; allowed: tables that begin with [[rules]]")
    if len(value) > MOST_RULES:
        desk.note(trail, f"{len(value)} rules; allowed: up to {MOST_RULES}, for every request asks them all")
    found: dict[str, Rule] = {}
    for index, item in enumerate(value):
        here = (*trail, index)
        try:
            read = rule(desk, desk.read(RuleTable, item, here), item, here)
        except UnreadableError:
            continue
        if read.name and read.name in found:
            desk.note((*here, "name"), f'"{read.name}" is there twice; allowed: a name of its own for each rule')
        found[read.name] = read
    return tuple(found.values())


def rule(desk: Desk, table: RuleTable, given: Any, trail: Trail) -> Rule:
    """Return one rule; notes a missing condition, and an action and a weight together or neither."""
    if "when" not in given:
        desk.note((*trail, "when"), 'missing; allowed: at least one key, or { path = "*" } to mean every request')
    if "action" in given and "weight" in given:
        desk.note(
            (*trail, "weight"), f"both action and weight; allowed: one of them, action ({RULE_ACTIONS}) or weight"
        )
    if "action" not in given and "weight" not in given:
        desk.note(trail, f"neither action nor weight; allowed: one of them, action ({RULE_ACTIONS}) or weight")
    observed = table.mode is Mode.OBSERVE
    if observed and "enforce_share" in given:
        desk.note((*trail, "enforce_share"), 'not with mode = "observe", which enforces nothing; allowed: one of them')
    condition = table.when or Condition()
    weight = table.weight or 0
    return Rule(table.name, condition, table.action, weight, table.why, observed, table.enforce_share)
