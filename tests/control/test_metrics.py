"""Metrics: every name of the contract, in text that Prometheus reads."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import pytest
from prometheus_client import Metric
from prometheus_client.openmetrics.parser import text_string_to_metric_families as read_openmetrics
from prometheus_client.parser import text_string_to_metric_families

from shieldproxy.control.metrics import HANDSHAKES, Metrics
from shieldproxy.control.node import Tallies
from tests.fakes.node import FakeNode

# docs and dashboards of others are built on these names: contract, chapter Metrics.
CONTRACT = {
    "shieldproxy_requests": {"action", "stage"},
    "shieldproxy_request_duration_seconds": set(),
    "shieldproxy_origin_duration_seconds": set(),
    "shieldproxy_challenges": {"kind", "result"},
    "shieldproxy_bans": set(),
    "shieldproxy_buckets": {"scope"},
    "shieldproxy_bucket_evictions": set(),
    "shieldproxy_requests_by_asn": {"asn"},
    "shieldproxy_posture": set(),
    "shieldproxy_episodes": set(),
    "shieldproxy_journal_records": set(),
    "shieldproxy_journal_lost": set(),
    "shieldproxy_geo_age_seconds": {"db"},
    "shieldproxy_workers": set(),
    "shieldproxy_build_info": {"version"},
    "shieldproxy_offload_bans": set(),
    "shieldproxy_handshakes": {"result"},
    "shieldproxy_certificate_expiry_seconds": set(),
    "shieldproxy_offload_dropped": set(),
    "shieldproxy_offload_errors": set(),
    "shieldproxy_robot_lookups": {"result"},
    "shieldproxy_line_waiting": set(),
    "shieldproxy_line_joined": set(),
    "shieldproxy_line_let_in": set(),
    "shieldproxy_shared_state_up": set(),
    "shieldproxy_shared_rulings": {"result"},
    "shieldproxy_stale_served": set(),
    "shieldproxy_stale_kept": set(),
    "shieldproxy_stale_displaced": set(),
}


def families(node: FakeNode) -> dict[str, Metric]:
    body, _ = Metrics(node, "9.9").text("")
    return {family.name: family for family in text_string_to_metric_families(body.decode())}


def value(node: FakeNode, name: str, **labels: str) -> float:
    for family in families(node).values():
        for sample in family.samples:
            if sample.name == name and sample.labels == labels:
                return sample.value
    raise AssertionError(f"{name}{labels} is not there")


def test_handshakes_are_told_by_how_they_ended() -> None:
    """Done, refused before any cryptography, or failed; and how long the first certificate lasts."""
    node = FakeNode()
    ended = {result: value(node, "shieldproxy_handshakes_total", result=result) for result in HANDSHAKES}
    assert ended == {"done": 9.0, "refused": 4.0, "failed": 2.0}
    assert value(node, "shieldproxy_certificate_expiry_seconds") == 86_400.0
    node.counted = node.counted._replace(certificate_left=None)
    assert families(node)["shieldproxy_certificate_expiry_seconds"].samples == []


def test_every_name_of_the_contract_is_there_with_its_labels() -> None:
    """A scrape has exactly the metrics of the contract, each with the labels it promises and no other."""
    found = families(FakeNode())
    assert set(found) == set(CONTRACT)
    for name, labels in CONTRACT.items():
        for sample in found[name].samples:
            assert set(sample.labels) - {"le"} == labels, name


def test_counts_are_those_of_the_node() -> None:
    """Each figure of a scrape is the node's."""
    node = FakeNode()
    node.ban("192.0.2.1", 60.0, "")
    assert value(node, "shieldproxy_requests_total", action="throttle", stage="over_own_limit") == 80
    assert value(node, "shieldproxy_challenges_total", kind="form", result="failed") == 2
    assert value(node, "shieldproxy_bans") == 1
    assert value(node, "shieldproxy_buckets", scope="client") == 412
    assert value(node, "shieldproxy_bucket_evictions_total") == 3
    assert value(node, "shieldproxy_requests_by_asn_total", asn="64500") == 600
    assert value(node, "shieldproxy_requests_by_asn_total", asn="other") == 100
    assert value(node, "shieldproxy_posture") == 1
    assert value(node, "shieldproxy_episodes_total") == 1
    assert value(node, "shieldproxy_journal_records_total") == 1_000
    assert value(node, "shieldproxy_journal_lost_total") == 4
    assert value(node, "shieldproxy_geo_age_seconds", db="asn") == 86_400
    assert value(node, "shieldproxy_workers") == 2
    assert value(node, "shieldproxy_build_info", version="9.9") == 1


def test_histograms_are_cumulative_and_end_with_all() -> None:
    """The buckets of a duration add up, the last one holds every request, and the sum is in seconds."""
    node = FakeNode()
    name = "shieldproxy_request_duration_seconds"
    assert [value(node, f"{name}_bucket", le=bound) for bound in ("0.001", "0.01", "0.1", "+Inf")] == [
        700,
        900,
        990,
        1_000,
    ]
    assert value(node, f"{name}_count") == 1_000
    assert value(node, f"{name}_sum") == 4.5


def test_a_node_that_counted_nothing_shows_every_name() -> None:
    """Before the first request a scrape succeeds and names every metric."""
    node = FakeNode()
    node.counted = Tallies()
    assert set(families(node)) == set(CONTRACT)


def test_whether_the_shared_server_is_in_use_is_told_only_where_there_is_one() -> None:
    """A single node has no series that an alarm could take for a failure."""
    node = FakeNode()
    assert not families(node)["shieldproxy_shared_state_up"].samples
    node.counted = Tallies(shared_up=False, others={"shared_refused": 3})
    assert value(node, "shieldproxy_shared_state_up") == 0
    assert value(node, "shieldproxy_shared_rulings_total", result="refused") == 3


def test_openmetrics_is_spoken_when_asked_for() -> None:
    """A scraper that asks for OpenMetrics gets it, and its strict parser is content."""
    body, content_type = Metrics(FakeNode(), "9.9").text("application/openmetrics-text; version=1.0.0")
    assert content_type.startswith("application/openmetrics-text")
    read: Callable[[str], Iterable[Metric]] = read_openmetrics
    assert {family.name for family in read(body.decode())} == set(CONTRACT)


@pytest.mark.parametrize(
    "accept", ["application/openmetrics-text; version=abc", "text/plain;version=..;escaping=x", "\x00", "," * 5_000]
)
def test_no_accept_header_breaks_a_scrape(accept: str) -> None:
    """Whatever is asked for, something Prometheus reads is answered."""
    body, content_type = Metrics(FakeNode(), "9.9").text(accept)
    assert b"shieldproxy_bans" in body
    assert "\n" not in content_type
