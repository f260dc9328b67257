from __future__ import annotations

from pathlib import Path

import pytest

from shieldproxy.attribution.groups import (
    OF_CLIENTS,
    OF_REQUESTS,
    collect_requests,
    rank_clients,
    rank_collected,
    rank_requests,
)
from shieldproxy.attribution.visits import Period, choose_attackers, collect_visits
from tests.attribution.conftest import Open
from tests.fakes.records import TEN_FIFTEEN

WHOLE = Period(int(TEN_FIFTEEN * 1000), int(TEN_FIFTEEN * 1000) + 3_600_000)


def test_groups_of_clients_have_shares_names_and_addresses(opened: Open, flooded: Path) -> None:
    """The heaviest first; how many there are in all beside the few that are shown."""
    with opened() as archive:
        collect_visits(archive, WHOLE)
        choose_attackers(archive, WHOLE)
        asns = rank_clients(archive, "attackers", "asns", 1)
        assert (asns.total, len(asns.groups)) == (2, 1)
        assert asns.groups[0] == ("64500", 2_400, 0.5, 100, 0, "Flood Hosting 0", "hosting", 1.0)
        networks = rank_clients(archive, "attackers", "networks", 5)
        assert [(group.key, group.name) for group in networks.groups] == [
            ("203.0.113.0/24", "AS64500 Flood Hosting 0"),
            ("203.0.114.0/24", "AS64501 Flood Hosting 1"),
        ]
        countries = rank_clients(archive, "visits", "countries", 5)
        assert [(group.key, group.requests) for group in countries.groups] == [("NL", 4_800), ("LI", 3_600)]
        assert set(OF_CLIENTS) == {"clients", "networks", "asns", "classes", "countries"}


def test_groups_of_requests_are_those_of_the_clients_asked_about(opened: Open, flooded: Path) -> None:
    """What attackers asked for, without what others did."""
    with opened() as archive:
        collect_visits(archive, WHOLE)
        choose_attackers(archive, WHOLE)
        collect_requests(archive, WHOLE, "attackers")
        assert rank_collected(archive, "path", 5).groups == (("/search", 4_800, 1.0, 200, 0, "", "", 0.0),)
        assert rank_collected(archive, "query", 5).groups[0].key == "q="
        everything = rank_requests(archive, "path", WHOLE, 3)
        assert (everything.total, everything.groups[0].key, everything.groups[0].addresses) == (21, "/search", None)
        for what in OF_REQUESTS:
            assert rank_collected(archive, what, 1).total >= 1


@pytest.mark.parametrize("what", OF_CLIENTS)
def test_nobody_is_an_empty_ranking(opened: Open, what: str) -> None:
    """An empty month has no heaviest."""
    with opened() as archive:
        collect_visits(archive, WHOLE)
        assert rank_clients(archive, "visits", what, 5) == ((), 0)
