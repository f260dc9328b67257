from __future__ import annotations

from pathlib import Path

import pytest

from shieldproxy.attribution.index import Index
from shieldproxy.attribution.searching import conditions, passed_over
from shieldproxy.journal.filters import Filter, parse_client, parse_network
from shieldproxy.journal.reader import Reader
from tests.fakes.clock import HandClock
from tests.fakes.records import TEN_FIFTEEN, record_at, segment_writer

ADDRESSES = (
    "203.0.113.7",
    "203.0.113.70",
    "203.0.112.1",
    "2001:db8:1:2::9",
    "2001:db8:1::3",
    "2001:db8:10::3",
    "2001:db8::5",
)
FILTERS = [
    *(
        Filter(clients=parse_client(text))
        for text in (*ADDRESSES, "203.0.112.0/20", "2001:db8::/32", "2001:db8:1::/48")
    ),
    *(Filter(networks=parse_network(text)) for text in ("203.0.113.9", "2001:db8:1::1", "::/0", "0.0.0.0/0")),
    Filter(clients=parse_client("10.0.0.1")),
    Filter(clients=(*parse_client("203.0.113.7"), *parse_client("2001:db8::5"))),
    Filter(asns=frozenset({64500, 64502})),
    Filter(asns=frozenset({1})),
    Filter(countries=frozenset({"CH"}), actions=frozenset({"admit"})),
    Filter(classes=frozenset({"carrier"})),
    Filter(paths=("/p/1",)),
    Filter(paths=("/p/*", "/x")),
    Filter(paths=("*'2",)),
    Filter(paths=("/p/[23]",), hosts=("WWW.example.org",)),
    Filter(rules=("more than*",), asns=frozenset({64503})),
    Filter(episodes=frozenset({"E'1"})),
    Filter(episodes=frozenset({"\0"})),
    Filter(since="2026-11-24T10:16:30.000000Z", clients=parse_client("203.0.113.7")),
]


@pytest.fixture(scope="module")
def journal(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A segment for each of seven addresses, one behind a forwarder, all in the index; and one that is not yet."""
    journal = tmp_path_factory.mktemp("searched") / "journal"
    for number, address in enumerate((*ADDRESSES, "203.0.113.7", "203.0.113.7")):
        second = 60.0 * number if number < len(ADDRESSES) + 1 else 7_200.0
        client = str(parse_client(address)[0]) if ":" in address else address
        writer = segment_writer(journal, clock=HandClock(TEN_FIFTEEN + second))
        about = {"asn": 64500 + number, "country": ("CH", "LI")[number % 2], "path": f"/p/{number}"}
        writer.write([record_at(second, src_ip=("10.0.0.1" if number == 7 else address), client=client, **about)])
        writer.write([record_at(second + 1, client="192.0.2.1", src_ip="192.0.2.1", action="admit", episode="E'1")])
        writer.close()
    Index(journal, HandClock(TEN_FIFTEEN + 7_000.0)).update()
    return journal


@pytest.mark.parametrize("wanted", FILTERS)
@pytest.mark.parametrize("newest", [True, False])
def test_the_index_leaves_out_nothing_that_is_wanted(journal: Path, wanted: Filter, *, newest: bool) -> None:
    """What is found with it is what is found without, in the same order."""
    index = Index(journal, HandClock(TEN_FIFTEEN + 7_000.0))
    without = passed_over(index, wanted)
    plain = list(Reader(journal).records(wanted, newest=newest))
    assert list(Reader(journal, without=without).records(wanted, newest=newest)) == plain
    assert list(Reader(journal, without=without).scan(wanted)) == list(Reader(journal).scan(wanted))


def test_segments_of_others_are_not_read(journal: Path) -> None:
    """One address is in two of eight segments."""
    index = Index(journal, HandClock(TEN_FIFTEEN + 7_000.0))
    assert len(passed_over(index, Filter(clients=parse_client("203.0.113.7")))) == 6
    assert len(passed_over(index, Filter(clients=parse_client("10.0.0.1")))) == 7
    assert len(passed_over(index, Filter(asns=frozenset({1})))) == 8


def test_where_the_index_cannot_help_everything_is_read(journal: Path, tmp_path: Path) -> None:
    """A span alone is in the names of segments; globs of reasons and hosts are not in the index; or there is none."""
    index = Index(journal, HandClock(TEN_FIFTEEN + 7_000.0))
    for wanted in (
        Filter(),
        Filter(rules=("client",)),
        Filter(hosts=("*",)),
        Filter(since="2026-11-24T10:15:00.000000Z"),
    ):
        assert not any(conditions(wanted))
        assert passed_over(index, wanted) == frozenset()
    assert passed_over(Index(tmp_path, HandClock()), Filter(asns=frozenset({1}))) == frozenset()
