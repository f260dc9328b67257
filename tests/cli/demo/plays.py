"""A show that was played, made by hand: ninety requests of two operators, ten of one citizen."""

from __future__ import annotations

from pathlib import Path

from shieldproxy.cli.demo import browsers
from shieldproxy.cli.demo.botnet import Bot
from shieldproxy.cli.demo.citizens import Account
from shieldproxy.cli.demo.flood import Tally
from shieldproxy.cli.demo.people import Person, Role
from shieldproxy.cli.demo.result import Played
from shieldproxy.cli.demo.scoring import Score, Scorer
from shieldproxy.cli.demo.stage import Stage
from tests.fakes.records import TEN_FIFTEEN, record_at

STAGE = Stage(Path("var/demo/20261124T101500"))
CITIZEN = "192.0.2.1"
BOTS = (Bot("203.0.113.7", 212238, 1.0, 0), Bot("203.0.113.8", 64500, 0.5, 1))


def score() -> Score:
    """Return what the journal says of it."""
    records = [
        record_at(5, src_ip=BOTS[0].address, asn=212238, as_name="Datacamp", action="admit", weight=10, id="a"),
        record_at(6, src_ip=BOTS[0].address, asn=212238, as_name="Datacamp", action="challenge", weight=50, id="b"),
        record_at(25, src_ip=BOTS[1].address, asn=64500, action="challenge", weight=30, id="c"),
        record_at(7, src_ip=CITIZEN, action="challenge", id="d"),
        record_at(8, src_ip=CITIZEN, action="admit", weight=9),
    ]
    return Scorer({bot.address for bot in BOTS}, {CITIZEN}, TEN_FIFTEEN).read(record.to_dict() for record in records)


def played(*, hurts: list[str] | None = None, sent: int = 100, cut: int = 0) -> Played:
    """Return what the show counted: ``sent`` requests in all, ten of them the citizen's."""
    role = Role("at home", 64501, browsers.FIREFOX, "de", 0.0)
    account = Account(Person(role, CITIZEN, 64501), requests=10, served=9, challenged=1, passed=1, waits=[0.5])
    account.hurts = hurts or []
    tally = Tally(sent=sent - 10, cut=cut, statuses={200: 10, 503: 80})
    return Played(40.0, 30.0, BOTS, [account], tally, {"attack": 10, "citizens": 9}, 4)
