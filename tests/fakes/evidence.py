"""A sealed journal of a small flood, and bundles of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from shieldproxy.attribution.evidence.bundle import Made, Order, make
from shieldproxy.attribution.evidence.case import Case, Terms
from shieldproxy.attribution.evidence.selection import Selection
from shieldproxy.core.record import Record, rfc3339
from shieldproxy.journal.filters import NOT_ADMITTED, Filter
from tests.fakes.records import TEN_FIFTEEN, record_at, write_journal
from tests.fakes.sealers import sealer_of, signer_of

SINCE, UNTIL = rfc3339(TEN_FIFTEEN - 60), rfc3339(TEN_FIFTEEN + 600)
GEO = "asn:2026-06-17/country:2026-06-25"
TERMS = Terms("CERT of the county", "criminal complaint 4711", "Town of Example", "ops@example.org")


def attacker(second: float, number: int, **fields: Any) -> Record:
    """Return a refusal of attacker ``number``, from one of two networks."""
    common = {
        "src_ip": f"203.0.113.{number}",
        "client": f"203.0.113.{number}",
        "src_port": 40_000 + number,
        "dst_ip": "198.51.100.1",
        "dst_port": 443,
        "asn": 64500 + number % 2,
        "as_name": ("Flood Hosting", "Rented Servers")[number % 2],
        "geo": GEO,
    }
    return record_at(second, **(common | fields))


def sealed_journal(journal: Path) -> Path:
    """Return a journal of two workers: ten attackers, one visitor, three segments, all of it sealed."""
    visitor = record_at(2.5, src_ip="192.0.2.1", client="192.0.2.1", asn=64999, action="admit", status=200, geo=GEO)
    write_journal(journal, [attacker(n, n) for n in range(4)])
    write_journal(journal, [attacker(n, n, weight=n) for n in range(4, 8)])
    write_journal(journal, [attacker(2, 8), visitor, attacker(3, 9), attacker(4, 1)], "edge1.1")
    sealer = sealer_of(journal)
    sealer.round()
    sealer.close()
    return journal


def case_of(**fields: Any) -> Case:
    """Return an empty case over the flood."""
    return Case(**({"key": "E-2026-11", "since": SINCE, "until": UNTIL, "terms": TERMS, "created": UNTIL} | fields))


def filled_case(**fields: Any) -> Case:
    """Return a case that has taken the flood's records."""
    case = case_of(**fields)
    for number in range(10):
        record = attacker(number, number, weight=number + 1).to_dict()
        case.add(record, b'{"ts":"%s","src_ip":"%s"}\n' % (record["ts"].encode(), record["src_ip"].encode()))
    return case


def bundle(
    directory: Path, journal: Path, *, asn: int | None = None, order: Order | None = None, **fields: Any
) -> Made:
    """Write a bundle of what was not admitted."""
    wanted = Filter(
        since=SINCE, until=UNTIL, actions=NOT_ADMITTED, asns=frozenset() if asn is None else frozenset({asn})
    )
    selection = Selection(journal, wanted)
    return make(directory, selection, case_of(**fields), order or Order("what was not admitted"), signer_of("edge1"))
