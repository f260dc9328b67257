"""Build: the snapshot is what its manifest says, and its builder makes the same from the same."""

from __future__ import annotations

import hashlib
import json
import sys
from datetime import UTC, datetime
from pathlib import Path

import maxminddb
import pytest

from shieldproxy.intel import build
from shieldproxy.intel.build import ROBOT_LISTS, About, write_database
from shieldproxy.intel.databases import open_database
from shieldproxy.intel.sources import Span
from shieldproxy.intel.tables import SNAPSHOT, read_classes, read_robots

MANIFEST = json.loads((SNAPSHOT / "snapshot.json").read_text(encoding="utf-8"))
KEYS = {"name", "file", "source", "version", "date", "licence", "sha256", "rows"}


@pytest.mark.parametrize("entry", MANIFEST, ids=lambda entry: str(entry["name"]))
def test_files_are_what_the_manifest_says(entry: dict[str, str]) -> None:
    """Checksum, licence text and notice of every file of the snapshot."""
    assert entry.keys() == KEYS
    assert hashlib.sha256((SNAPSHOT / entry["file"]).read_bytes()).hexdigest() == entry["sha256"]
    assert entry["file"] in (SNAPSHOT / "NOTICE").read_text(encoding="utf-8")
    for licence in entry["licence"].split(" AND "):
        assert list(SNAPSHOT.glob(f"LICENSE.{licence}*.txt"))


def test_manifest_and_databases_tell_the_same_date() -> None:
    """The date people see is the date of the data."""
    dates = {entry["name"]: entry["date"] for entry in MANIFEST}
    for kind in ("asn", "country"):
        built = open_database(kind, "bundled", SNAPSHOT / f"{kind}.mmdb").built
        assert f"{built:%Y-%m-%d}" == dates[kind]


def test_every_file_beside_the_manifest_has_a_reason() -> None:
    """Nothing without a notice lies in the folder, and it stays small enough to bring along."""
    notice = (SNAPSHOT / "NOTICE").read_text(encoding="utf-8")
    for path in SNAPSHOT.iterdir():
        assert path.name in {"NOTICE", "snapshot.json"} or path.name in notice, path.name
    assert sum(path.stat().st_size for path in SNAPSHOT.iterdir()) < 14 * 2**20


def test_one_database_holds_both_ip_versions(tmp_path: Path) -> None:
    """Ranges that are no prefixes, neighbours and both families are found again, gaps are not."""
    spans = {
        32: [Span((11 << 24) + 1, (11 << 24) + 6, ("CH",)), Span(12 << 24, (14 << 24) - 1, ("DE",))],
        128: [Span(0x2A0B << 112, (0x2A0B << 112) + 2**96 - 1, ("CH",))],
    }
    about = About("test-Country", "of a test", datetime(2026, 6, 17, tzinfo=UTC))
    for name in ("one.mmdb", "two.mmdb"):
        write_database(tmp_path / name, spans, lambda value: {"country": {"iso_code": value[0]}}, about)
    assert (tmp_path / "one.mmdb").read_bytes() == (tmp_path / "two.mmdb").read_bytes()
    reader = maxminddb.open_database(tmp_path / "one.mmdb")
    asked = {
        "11.0.0.0": None,
        "11.0.0.1": "CH",
        "11.0.0.6": "CH",
        "11.0.0.7": None,
        "12.0.0.0": "DE",
        "13.255.255.255": "DE",
        "14.0.0.0": None,
        "2a0b::1": "CH",
        "2a0c::1": None,
    }
    for address, code in asked.items():
        assert reader.get(address) == (code and {"country": {"iso_code": code}})
    assert reader.get_with_prefix_len("12.1.2.3")[1] == 7
    assert reader.metadata().build_epoch == 1_781_654_400


def test_the_builder_makes_a_whole_snapshot(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """From small sources of the published shapes: two databases, two tables and a manifest that fits them."""
    for name in ("package", "tor", "lists/asn", "lists/goodbots", "out"):
        (tmp_path / name).mkdir(parents=True)
    (tmp_path / "package/package.json").write_text('{"version": "2.3.2026061719"}')
    (tmp_path / "package/asn-ipv4-num.csv").write_text("184549376,184549631,64496,Example\n")
    (tmp_path / "package/asn-ipv6.csv").write_text("2a0b::,2a0b::ffff,64496,Example\n")
    header = "# Generated: Thu, 25 Jun 2026 04:33:59 GMT\n"
    (tmp_path / "tor/geoip").write_text(header + "184549376,184549631,CH\n")
    (tmp_path / "tor/geoip6").write_text(header + "2a0b::,2a0b::ffff,CH\n")
    (tmp_path / "lists/asn/bad-asn-list.csv").write_text('ASN,Entity\n64496,"Example"\n29465,"MTN"\n36183,"Relay"\n')
    (tmp_path / "lists/asn/x4bnet_datacenter_ASN.txt").write_text("AS64496 # Example\nAS64497 # Other\n")
    (tmp_path / "lists/asn/x4bnet_vpn_ASN.txt").write_text("AS64497 # Other\n")
    for entry in ROBOT_LISTS:
        (tmp_path / "lists" / entry.file).write_text("192.0.2.0/28\n")
    (tmp_path / "lists/goodbots/sefinek_all-crawlers-ips.csv").write_text(
        "IP,Name,Sources\n192.0.2.16,GoogleBot,x\n192.0.2.17/32,GoogleBot,x\n192.0.2.99,WebPageTest Bot,x\n"
    )
    arguments = {"asn": "package", "country": "tor", "lists": "lists", "out": "out"}
    options = [text for name, folder in arguments.items() for text in (f"--{name}", str(tmp_path / folder))]
    monkeypatch.setattr(sys, "argv", ["build", *options])

    build.main()

    out = tmp_path / "out"
    manifest = json.loads((out / "snapshot.json").read_text())
    assert [(entry["file"], entry["date"]) for entry in manifest] == [
        ("asn.mmdb", "2026-06-17"),
        ("country.mmdb", "2026-06-25"),
        ("network_class.csv", ""),
        ("crawlers.csv", ""),
    ]
    assert open_database("asn", "bundled", out / "asn.mmdb").reader.get("11.0.0.1") == {
        "autonomous_system_number": 64496,
        "autonomous_system_organization": "Example",
    }
    classes = read_classes(out / "network_class.csv")
    assert (classes[64496], classes[64497], classes[29465], classes[36183]) == ("hosting", "vpn", "carrier", "other")
    assert ("192.0.2.16/31", "googlebot") in [
        (str(network), robot) for network, robot in read_robots(out / "crawlers.csv")
    ]
    assert not [network for network, _ in read_robots(out / "crawlers.csv") if "192.0.2.99" in str(network)]
    assert "AS29465 stays a carrier although brianhama/bad-asn-list lists it" in capsys.readouterr().out
