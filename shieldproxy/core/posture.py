"""Posture: how the site stands, decided once a second from what was counted in it. Pure: counts in, posture out.

Three signs, all against this site's own usual: requests a second, challenges that nobody answers, and pages whose
parts nobody fetches (which browsers do). The usual is a mean over the last minutes that learns slowly from an excess
and never from an attack, so that an attack does not become the usual, and a site that has grown does not stay
elevated for ever. Hysteresis (two thresholds) and a hold time keep the posture from flapping.
"""

from __future__ import annotations

import math
from typing import NamedTuple

from shieldproxy.core.facts import Posture


class Second(NamedTuple):
    """What was counted in one second over all workers. ``answered`` are challenges passed.

    ``pages`` are those that newcomers asked for, ``parts`` what followed them; ``suffering`` says that the origin is
    far slower than usual or fails; ``alone`` names, where nothing is usual yet, a network that floods; ``episode``
    says that the detector of episodes, which knows the hour, sees an excess.
    """

    requests: int = 0
    challenged: int = 0
    answered: int = 0
    pages: int = 0
    parts: int = 0
    suffering: bool = False
    alone: str = ""
    episode: bool = False


class PosturePolicy(NamedTuple):
    """When the posture changes.

    ``memory`` is seconds over which the usual is learned; ``floor`` requests a second below which nothing is an
    attack; ``elevated`` and ``attack`` factors over the usual; ``unanswered`` the share of challenges left unanswered
    that makes an excess an attack; ``ignored`` the share of all requests that, ended at a challenge nobody answers,
    are an attack without any excess; ``hold`` seconds that a posture lasts at least after its last sign.
    ``pages_floor`` is the pages a second below which pages are no sign, ``bare`` the share of the usual parts below
    which an excess of pages is an attack.
    """

    memory: float = 600.0
    smoothing: float = 5.0
    floor: float = 20.0
    pages_floor: float = 10.0
    bare: float = 0.1
    elevated: float = 2.0
    attack: float = 3.0
    unanswered: float = 0.5
    ignored: float = 0.25
    hold: float = 30.0


class Flow(NamedTuple):
    """Pages of newcomers and their parts, lately and usually, and ``before``: the pages one second ago."""

    pages: float = 0.0
    parts: float = 0.0
    before: float = 0.0
    usual_pages: float = -1.0
    usual_parts: float = 0.0


class Trial(NamedTuple):
    """Challenges whose answers should be there by now (``due``), and the answers, both fading.

    ``waiting`` are the challenges of the last seconds.
    """

    due: float = 0.0
    answered: float = 0.0
    waiting: tuple[int, ...] = ()


# An answer takes a second or two by script, and four by the form; younger challenges are not held against anybody.
ANSWER_SECONDS = 4
# Challenges that say something, and over how many seconds they are counted.
TELLING, TRIAL_SECONDS = 6.0, 15.0
# More than these say no more; thousands of a flood must not speak for minutes after its end.
ENOUGH = 30.0
# Pages and parts are looked at over so many seconds: long enough for parts to follow, short enough to act.
FLOW_SECONDS = 1.5
# Pages that were seen before anything is said of their parts.
PAGES_SEEN = 20.0


class Detected(NamedTuple):
    """The detector's whole memory; a value, so that a journal replayed gives the same answers."""

    posture: Posture = Posture.CALM
    usual: float = -1.0
    rate: float = 0.0
    challenged: float = 0.0
    answered: float = 0.0
    held_until: float = 0.0
    reason: str = "as usual"
    seen: int = 0
    flow: Flow = Flow()
    trial: Trial = Trial()


STRICTNESS = {Posture.CALM: 0, Posture.ELEVATED: 1, Posture.UNDER_ATTACK: 2}


def observe(policy: PosturePolicy, before: Detected, second: Second, now: float) -> Detected:
    """Return what is detected after one more second. ``now`` is seconds of any clock that does not go back."""
    weight = 1.0 - math.exp(-1.0 / policy.smoothing)
    rate = before.rate + weight * (second.requests - before.rate)
    challenged = before.challenged + weight * (second.challenged - before.challenged)
    answered = before.answered + weight * (second.answered - before.answered)
    usual = before.usual if before.usual >= 0.0 else float(second.requests)
    flow, trial = flowed(before.flow, second), tried(before.trial, second)
    seen = before.seen + 1
    sign, reason = signs(policy, rate, usual, challenged - answered, trial)
    sign, reason = max(
        (sign, reason),
        pages_sign(policy, flow, seen),
        strain_sign(policy, rate, usual, second),
        key=lambda found: STRICTNESS[found[0]],
    )
    posture, held_until = before.posture, before.held_until
    if STRICTNESS[sign] >= STRICTNESS[posture]:
        posture = sign
        held_until = now + policy.hold if sign is not Posture.CALM else 0.0
    elif now >= held_until:
        posture = Posture.ELEVATED if posture is Posture.UNDER_ATTACK else sign
        held_until = now + policy.hold
    else:
        reason = before.reason
    served = max(0, second.requests - max(0, second.challenged - second.answered))
    eager = eagerness(policy, sign, seen)
    usual += (served - usual) * eager
    return Detected(
        posture, usual, rate, challenged, answered, held_until, reason, seen, learned(flow, second, eager), trial
    )


def flowed(flow: Flow, second: Second) -> Flow:
    """Return the flow of pages and parts after one more second; what is usual stays."""
    weight = 1.0 - math.exp(-1.0 / FLOW_SECONDS)
    return flow._replace(
        pages=flow.pages + weight * (second.pages - flow.pages),
        parts=flow.parts + weight * (second.parts - flow.parts),
        before=flow.pages,
    )


def learned(flow: Flow, second: Second, eager: float) -> Flow:
    """Return ``flow`` with so much of one second learned as usual."""
    pages = flow.usual_pages if flow.usual_pages >= 0.0 else float(second.pages)
    return flow._replace(
        usual_pages=pages + (second.pages - pages) * eager,
        usual_parts=flow.usual_parts + (second.parts - flow.usual_parts) * eager,
    )


def tried(trial: Trial, second: Second) -> Trial:
    """Return the trial after one more second: challenges are due some seconds after they were given."""
    kept = math.exp(-1.0 / TRIAL_SECONDS)
    waiting = (*trial.waiting, second.challenged)
    due = waiting[0] if len(waiting) > ANSWER_SECONDS else 0
    all_due, answered = trial.due * kept + due, trial.answered * kept + second.answered
    scale = min(1.0, ENOUGH / all_due) if all_due > 0.0 else 1.0
    return Trial(all_due * scale, answered * scale, waiting[-ANSWER_SECONDS:])


# How much slower an excess is learned: with a memory of ten minutes, six times the usual is usual after an hour.
RELUCTANCE = 10.0
# Seconds after the start in which the usual is anybody's guess.
FIRST_SECONDS = 10


def eagerness(policy: PosturePolicy, sign: Posture, seen: int) -> float:
    """Return how much of one second becomes the usual; ``seen`` is how many seconds were observed so far.

    A node that has just started takes the plain mean of what it saw, or its first, nearly empty second would make
    everything after it an excess.
    """
    if sign is Posture.UNDER_ATTACK:
        return 0.0
    if seen <= FIRST_SECONDS:
        return 1.0 / seen
    if sign is Posture.ELEVATED:
        return 1.0 / (policy.memory * RELUCTANCE)
    return 1.0 / min(float(seen), policy.memory)


def signs(policy: PosturePolicy, rate: float, usual: float, ignored: float, trial: Trial) -> tuple[Posture, str]:
    """Return the posture that requests and challenges ask for, and why in words for people.

    ``ignored`` are requests a second that ended at a challenge, less those answered.
    """
    if rate < policy.floor:
        return Posture.CALM, "as usual"
    excess = rate / max(usual, policy.floor / policy.attack)
    words = f"{rate:.0f} requests/s, {excess:.1f} times the usual {usual:.0f}/s"
    left = 1.0 - trial.answered / trial.due if trial.due > 0.0 else 0.0
    if excess >= policy.elevated and trial.due >= TELLING and left >= policy.unanswered:
        return Posture.UNDER_ATTACK, f"{words}; {left:.0%} of challenges unanswered"
    if ignored >= policy.ignored * rate:
        return (
            Posture.UNDER_ATTACK,
            f"{rate:.0f} requests/s; {ignored / rate:.0%} of them end at a challenge, unanswered",
        )
    return (Posture.ELEVATED, words) if excess >= policy.elevated else (Posture.CALM, "as usual")


def pages_sign(policy: PosturePolicy, flow: Flow, seen: int) -> tuple[Posture, str]:
    """Return what newcomers' pages ask for: an excess of them is elevated, one without their parts an attack.

    Parts are held against the pages of a second ago, for they follow them. A site whose pages have no parts here (they
    come from elsewhere) is not judged by them.
    """
    usual = max(0.0, flow.usual_pages)
    least = max(policy.pages_floor, policy.attack * usual)
    if flow.pages < least or flow.usual_pages < 0.0 or seen <= FIRST_SECONDS // 2:
        return Posture.CALM, "as usual"
    words = f"{flow.pages:.0f} pages/s, {flow.pages / max(usual, 1.0):.1f} times the usual {usual:.0f}/s"
    each = flow.usual_parts / usual if usual * min(seen, policy.memory) >= PAGES_SEEN else 0.0
    if each >= 1.0 and flow.before >= least:
        expected = each * (flow.before - usual)
        came = max(0.0, flow.parts - flow.usual_parts)
        if came < policy.bare * expected:
            return Posture.UNDER_ATTACK, f"{words}; {came / expected:.0%} of their parts are fetched"
    return Posture.ELEVATED, words


def strain_sign(policy: PosturePolicy, rate: float, usual: float, second: Second) -> tuple[Posture, str]:
    """Return what else there is: an origin that suffers from an excess, a flood where nothing is usual yet."""
    if second.alone:
        return Posture.UNDER_ATTACK, second.alone
    if second.suffering and rate >= policy.floor and rate >= policy.attack * usual:
        words = f"{rate:.0f} requests/s, {rate / max(usual, 1.0):.1f} times the usual, and the origin suffers"
        return Posture.UNDER_ATTACK, words
    if second.episode and rate >= policy.floor:
        return Posture.ELEVATED, f"{rate:.0f} requests/s, an episode is open"
    return Posture.CALM, "as usual"
