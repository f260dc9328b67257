"""Compiling: Settings become the Policy the judge reads, with a digest that stands for what it decides."""

from __future__ import annotations

import hashlib
import ipaddress
import json
import re
from collections.abc import Mapping
from enum import Enum
from typing import Any

from shieldproxy.core.clearance import Kind
from shieldproxy.core.episodes import EpisodePolicy
from shieldproxy.core.policy import BanPolicy, ChallengePolicy, Exemptions, Policy
from shieldproxy.core.rules import Patterns, Rule
from shieldproxy.core.verdict import Action
from shieldproxy.settings.schema import Settings

# 64 bits: enough to tell the configurations of one site apart, short enough to stand in every record.
DIGEST_LENGTH = 16


def compile_episodes(settings: Settings) -> EpisodePolicy:
    """Return how attacks are counted by ``settings``."""
    wanted = settings.episodes
    return EpisodePolicy(
        slack=wanted.slack,
        alarm=wanted.alarm,
        ratio=wanted.ratio,
        low=wanted.low,
        sure=wanted.sure,
        patience=wanted.patience,
        newcomer=wanted.newcomer,
        quiet=wanted.quiet,
        merge=wanted.merge,
        floor=wanted.floor,
        ignored=wanted.unanswered,
    )


def compile_policy(settings: Settings) -> Policy:
    """Return the policy of ``settings``; never raises on settings that were loaded.

    Limits are put in the order of their names and rules in the order of their strictness, so neither the verdict
    nor the digest depends on the order in the file.
    """
    challenge, bans = settings.challenge, settings.bans
    policy = Policy(
        limits=tuple(settings.limits[name] for name in sorted(settings.limits)),
        rules=tuple(sorted(settings.rules, key=strictness)),
        exempt=Exemptions(tuple(sorted(settings.exempt.clients, key=str)), settings.exempt.paths),
        challenge=ChallengePolicy(
            kinds=tuple(kind for kind in Kind if kind in challenge.kinds),
            suspicion=challenge.suspicion,
            cost=challenge.cost,
            hardest=challenge.hardest,
            puzzle_validity=challenge.puzzle_validity,
            clearance_validity=challenge.validity,
            form_clearance_validity=challenge.form_validity,
            form_wait=challenge.form_wait,
            form_share=challenge.form_share,
            late_forms=challenge.late_forms,
            epoch=challenge.epoch,
            answer_rate=challenge.answers.rate,
            answer_burst=challenge.answers.burst,
        ),
        bans=BanPolicy(**vars(bans), spared=tuple(sorted(settings.server.trusted_proxies, key=str))),
        mode=settings.server.mode,
        hosts=frozenset(settings.server.hosts),
    )
    return policy._replace(digest=digest(policy, settings))


def strictness(rule: Rule) -> tuple[int, int, str]:
    """Return a key that puts the strictest action first, then the heaviest weight: reasons are given in that order."""
    action = rule.action if rule.action is not None else Action.ADMIT
    return (-action, -rule.weight, rule.name)


def digest(policy: Policy, settings: Settings) -> str:
    """Return 16 hexadecimal digits of SHA-256 over all that decides, and whom we believe about addresses.

    Patterns count as they were written: what they are compiled to differs between versions of Python.
    """
    whole = {
        "policy": canonical(policy._replace(digest=""), settings.globs),
        "client_address": settings.server.client_address,
        "trusted_proxies": sorted(str(network) for network in settings.server.trusted_proxies),
    }
    text = json.dumps(whole, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()[:DIGEST_LENGTH]


def canonical(value: Any, globs: Mapping[Patterns, tuple[str, ...]]) -> Any:
    """Return ``value`` as JSON that is the same for the same meaning: sets sorted, names beside fields."""
    if isinstance(value, Enum):
        return value.name
    if isinstance(value, re.Pattern):
        return [list(globs.get(value, (value.pattern,))), value.flags]
    if isinstance(value, tuple) and hasattr(value, "_fields"):
        return {name: canonical(getattr(value, name), globs) for name in value._fields}
    if isinstance(value, tuple):
        return [canonical(item, globs) for item in value]
    if isinstance(value, frozenset):
        return sorted((canonical(item, globs) for item in value), key=str)
    if isinstance(value, bytes):
        return value.decode("latin-1")
    if isinstance(value, ipaddress.IPv4Network | ipaddress.IPv6Network):
        return str(value)
    return value
