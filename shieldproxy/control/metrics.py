"""The node's counters as Prometheus reads them. No label comes from a client: each is a word of ours or an ASN."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import accumulate

from prometheus_client import CollectorRegistry
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.exposition import choose_encoder
from prometheus_client.registry import Collector

from shieldproxy.control.network_series import NetworkSeries
from shieldproxy.control.node import Histogram, Node, Tallies
from shieldproxy.core.facts import Posture

POSTURES = tuple(Posture)
HANDSHAKES = {"done": "handshakes", "refused": "handshakes_refused", "failed": "handshakes_failed"}


class NodeCollector(Collector):
    """Turns one snapshot of a node's tallies into metric families, afresh for each scrape."""

    def __init__(self, node: Node, version: str) -> None:
        self._node = node
        self._version = version
        self._networks = NetworkSeries()

    def collect(self) -> Iterator[Metric]:
        """Yield every metric of the contract; one that has nothing to count yet is there with its head."""
        tallies = self._node.tallies()
        yield from self._requests(tallies)
        yield from _tls(tallies)
        yield from _tables(tallies)
        yield from _situation(tallies)
        yield from _journal(tallies)
        yield from _offload(tallies)
        yield from _robots(tallies)
        yield from _copies(tallies)
        yield from _line(tallies)
        yield from _shared(tallies)
        yield _gauge_by("geo_age_seconds", "Seconds since a database was made.", "db", tallies.geo_ages)
        build = GaugeMetricFamily("shieldproxy_build_info", "The version that runs; always 1.", labels=["version"])
        build.add_metric([self._version], 1)
        yield build

    def _requests(self, tallies: Tallies) -> Iterator[Metric]:
        requests = CounterMetricFamily(
            "shieldproxy_requests", "Requests by what was done and the stage that said so.", labels=["action", "stage"]
        )
        for (action, stage), count in sorted(tallies.requests.items()):
            requests.add_metric([action, stage], count)
        yield requests
        yield _durations("request_duration_seconds", "From head read to answer sent.", tallies.request_duration)
        yield _durations("origin_duration_seconds", "From asking the origin to its answer.", tallies.origin_duration)
        networks = CounterMetricFamily(
            "shieldproxy_requests_by_asn", "Requests of the heaviest networks, the rest as other.", labels=["asn"]
        )
        for asn, count in self._networks.observe(tallies.networks, sum(tallies.requests.values())).items():
            networks.add_metric([asn], count)
        yield networks
        challenges = CounterMetricFamily(
            "shieldproxy_challenges", "Challenges by kind and how they ended.", labels=["kind", "result"]
        )
        for (kind, result), count in sorted(tallies.challenges.items()):
            challenges.add_metric([kind, result], count)
        yield challenges


def _tls(tallies: Tallies) -> Iterator[Metric]:
    handshakes = CounterMetricFamily("shieldproxy_handshakes", "TLS handshakes by how they ended.", labels=["result"])
    for result, counter in HANDSHAKES.items():
        handshakes.add_metric([result], tallies.others.get(counter, 0))
    yield handshakes
    expiry = GaugeMetricFamily("shieldproxy_certificate_expiry_seconds", "Until the first certificate in use ends.")
    if tallies.certificate_left is not None:
        expiry.add_metric([], tallies.certificate_left)
    yield expiry


def _tables(tallies: Tallies) -> Iterator[Metric]:
    yield GaugeMetricFamily("shieldproxy_bans", "Bans in force.", value=tallies.bans)
    yield _gauge_by("buckets", "Live buckets in the table.", "scope", tallies.buckets)
    yield CounterMetricFamily(
        "shieldproxy_bucket_evictions", "Live buckets forgotten for want of room.", value=tallies.bucket_evictions
    )


def _situation(tallies: Tallies) -> Iterator[Metric]:
    posture = POSTURES.index(Posture(tallies.posture)) if tallies.posture in POSTURES else 0
    yield GaugeMetricFamily("shieldproxy_posture", "0 calm, 1 elevated, 2 under attack.", value=posture)
    yield CounterMetricFamily("shieldproxy_episodes", "Attack episodes opened.", value=tallies.episodes)
    yield GaugeMetricFamily("shieldproxy_workers", "Workers alive.", value=tallies.workers)


def _journal(tallies: Tallies) -> Iterator[Metric]:
    yield CounterMetricFamily("shieldproxy_journal_records", "Decision records written.", value=tallies.journal_records)
    yield CounterMetricFamily("shieldproxy_journal_lost", "Decision records lost.", value=tallies.journal_lost)


def _offload(tallies: Tallies) -> Iterator[Metric]:
    yield GaugeMetricFamily("shieldproxy_offload_bans", "Bans that the kernel does.", value=tallies.offloaded)
    yield CounterMetricFamily(
        "shieldproxy_offload_dropped",
        "Attempts to connect (SYN packets) that the kernel dropped.",
        value=tallies.others.get("offload_dropped", 0),
    )
    yield CounterMetricFamily(
        "shieldproxy_offload_errors",
        "Times the kernel did not take bans.",
        value=tallies.others.get("offload_errors", 0),
    )


def _robots(tallies: Tallies) -> Iterator[Metric]:
    family = CounterMetricFamily(
        "shieldproxy_robot_lookups", "Claims to be a robot, by what name servers said of them.", labels=["result"]
    )
    for result in ("confirmed", "refuted", "unanswered", "left_out"):
        family.add_metric([result], tallies.others.get(f"robots_{result}", 0))
    yield family


def _copies(tallies: Tallies) -> Iterator[Metric]:
    for event, words in (
        ("served", "Answers that were a kept copy, because the origin failed."),
        ("kept", "Copies of pages made for the time in which the origin fails."),
        ("displaced", "Copies displaced by others for want of room."),
    ):
        count = tallies.others.get(f"stale_{event}", 0)
        yield CounterMetricFamily(f"shieldproxy_stale_{event}", words, value=count)


def _line(tallies: Tallies) -> Iterator[Metric]:
    others = tallies.others
    yield GaugeMetricFamily("shieldproxy_line_waiting", "People in line.", value=others.get("line_waiting", 0))
    yield CounterMetricFamily("shieldproxy_line_joined", "Places in line given.", value=others.get("line_joined", 0))
    yield CounterMetricFamily("shieldproxy_line_let_in", "Who came when called.", value=others.get("line_let_in", 0))


def _shared(tallies: Tallies) -> Iterator[Metric]:
    up = GaugeMetricFamily("shieldproxy_shared_state_up", "Whether the server that nodes share is in use.")
    if tallies.shared_up is not None:
        up.add_metric([], tallies.shared_up)
    yield up
    rulings = CounterMetricFamily(
        "shieldproxy_shared_rulings", "Bans, allowances and ends of them shared with other nodes.", labels=["result"]
    )
    for result in ("sent", "taken", "refused", "lost"):
        rulings.add_metric([result], tallies.others.get(f"shared_{result}", 0))
    yield rulings


def _gauge_by(name: str, help_text: str, label: str, values: Mapping[str, float]) -> GaugeMetricFamily:
    gauge = GaugeMetricFamily(f"shieldproxy_{name}", help_text, labels=[label])
    for key, value in sorted(values.items()):
        gauge.add_metric([key], value)
    return gauge


def _durations(name: str, help_text: str, histogram: Histogram) -> HistogramMetricFamily:
    bounds = [*(f"{bound:g}" for bound in histogram.bounds), "+Inf"]
    family = HistogramMetricFamily(f"shieldproxy_{name}", help_text)
    family.add_metric([], list(zip(bounds, accumulate(histogram.counts), strict=True)), histogram.seconds)
    return family


class Metrics:
    """What /metrics answers."""

    def __init__(self, node: Node, version: str) -> None:
        self._registry = CollectorRegistry(auto_describe=False)
        self._registry.register(NodeCollector(node, version))

    def text(self, accept: str) -> tuple[bytes, str]:
        """Return the exposition and its content type, in the format ``accept`` asks for (text by default)."""
        try:
            encode, content_type = choose_encoder(accept)
        except (TypeError, ValueError):  # a version that is no number: answered as if nothing had been asked for
            encode, content_type = choose_encoder("")
        return encode(self._registry), content_type
