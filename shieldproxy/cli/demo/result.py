"""The result: everything the demo found out, as one object for programs; the words for people are made from it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from shieldproxy import __version__
from shieldproxy.cli.demo import botnet
from shieldproxy.cli.demo.botnet import Bot
from shieldproxy.cli.demo.citizens import Account
from shieldproxy.cli.demo.flood import Tally
from shieldproxy.cli.demo.scoring import FIRST_SECONDS, PLAIN_BURST, PLAIN_RATE, Score, Share
from shieldproxy.cli.demo.stage import Stage

COMPRESSED = (
    "the flood of 2024-01-17 lasted 5 h 19 min; here its requests a second hold for {seconds:.0f} s, "
    "so each address asks fewer times, and those that ask least are not heard"
)
NAMED = frozenset(asn for asn, _ in botnet.NAMED)

Result = dict[str, Any]


class Played(NamedTuple):
    """What the show itself counted. Seconds; ``reached`` is what the site counted, "attack" and "citizens"."""

    seconds: float
    flood_seconds: float
    bots: Sequence[Bot]
    accounts: Sequence[Account]
    tally: Tally
    reached: dict[str, int]
    most_busy: int


def result_of(stage: Stage, played: Played, score: Score) -> Result:
    """Return the result; ``ok`` is false when a citizen was hurt or the journal does not add up."""
    citizens = _citizens(played.accounts, score)
    journal = _journal(stage, played, score)
    return {
        "ok": not citizens["hurt"] and journal["adds_up"],
        "version": __version__,
        "seconds": round(played.seconds, 1),
        "attack": _attack(played, score),
        "citizens": citizens,
        "site": {"attack": played.reached.get("attack", 0), "citizens": played.reached.get("citizens", 0)}
        | {"most_at_once": played.most_busy},
        "postures": {name: round(at, 1) for name, at in score.postures.items()},
        "journal": journal,
        "report": str(stage.report),
        "config": str(stage.config),
        "directory": str(stage.directory),
        "ids": {"stopped": score.stopped_id, "citizen_challenged": score.citizen_id},
    }


def _attack(played: Played, score: Score) -> Result:
    operators = sorted(score.operators.values(), key=lambda operator: -operator.attack.requests)
    return {
        "seconds": round(played.flood_seconds, 1),
        "addresses": len(played.bots),
        "addresses_heard": len(score.addresses),
        "operators": len({bot.asn for bot in played.bots}),
        **_share(score.attack),
        "first": {"seconds": FIRST_SECONDS, **_share(score.first)},
        "after": _share(score.after),
        "actions": dict(score.actions.most_common()),
        "stages": dict(score.stages.most_common()),
        "networks": [
            {
                "asn": operator.asn,
                "name": operator.name,
                "network_class": operator.network_class,
                "share_percent": round(100.0 * operator.attack.requests / max(1, score.attack.requests), 1),
                "stand_in": operator.asn not in NAMED,
                **_share(operator.attack),
            }
            for operator in operators
        ],
        "plain_limit": {"rate": PLAIN_RATE, "burst": PLAIN_BURST, **_share(score.plain)},
        "compressed": COMPRESSED.format(seconds=played.flood_seconds),
    }


def _citizens(accounts: Sequence[Account], score: Score) -> Result:
    here = [account for account in accounts if account.here]
    hurt = [account for account in here if account.hurts]
    challenged = [account for account in here if account.challenged]
    waits = [wait for account in here for wait in account.waits]
    return {
        "people": len(here),
        "requests": sum(account.requests for account in here),
        "hurt": len(hurt),
        "hurts": [
            {"who": account.person.role.who, "address": account.person.address, "how": how}
            for account in hurt
            for how in account.hurts
        ],
        "challenged": len(challenged),
        "challenges": sum(account.challenged for account in here),
        "passed": sum(account.passed for account in here),
        "challenged_who": [account.person.role.who for account in challenged],
        "longest_challenge_seconds": round(max(waits, default=0.0), 2),
        "turned_away_in_journal": score.turned_away,
        "actions": dict(score.citizens.most_common()),
    }


def _journal(stage: Stage, played: Played, score: Score) -> Result:
    sent = played.tally.sent + sum(account.requests for account in played.accounts)
    # A banned client's connection is closed before anything of it is read: such requests have no record.
    unread = max(0, played.tally.cut)
    return {
        "directory": str(stage.journal),
        "records": score.records,
        "requests": score.weight,
        "sent": sent,
        "closed_unanswered": played.tally.cut,
        "not_sent": played.tally.late,
        "lost": score.lost,
        "adds_up": sent - unread <= score.weight <= sent and not score.lost and not score.strangers,
    }


def _share(share: Share) -> Result:
    return {
        "requests": share.requests,
        "reached_site": share.reached,
        "stopped": share.stopped,
        "stopped_percent": round(share.stopped_percent, 1),
    }
