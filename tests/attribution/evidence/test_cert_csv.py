from __future__ import annotations

import csv
import io

from shieldproxy.attribution.evidence.case import Source
from shieldproxy.attribution.evidence.cert_csv import csv_of
from tests.fakes.evidence import attacker, filled_case

# The first line of the list that GovCERT.ch published on 2024-01-17.
GOVCERT = "ip_address,first_seen_utc,last_seen_utc,counter,as_number,as_name,geolocation"


def test_importers_of_the_national_cert_read_it() -> None:
    """Its header to the letter, then ours; a line for each source, heaviest first."""
    text = csv_of(filled_case().heaviest())
    assert text.startswith(f"{GOVCERT},src_ports_sample,")
    rows = list(csv.DictReader(io.StringIO(text)))
    assert len(rows) == 10
    assert rows[0]["ip_address"] == "203.0.113.9"
    assert rows[0]["first_seen_utc"] == "2026-11-24 10:15:09"
    assert (rows[0]["counter"], rows[0]["as_number"], rows[0]["geolocation"]) == ("10", "64501", "CH")
    assert rows[0]["src_ports_sample"] == "40009"
    assert rows[0]["labels_by"] == "asn:2026-06-17/country:2026-06-25"


def test_what_is_not_known_is_empty_and_nothing_runs_as_a_formula() -> None:
    """A name of a network is somebody else's text."""
    source = Source(attacker(1, 1, asn=0, as_name="=HYPERLINK()", country="", src_port=0).to_dict())
    (row,) = csv.DictReader(io.StringIO(csv_of([source])))
    assert (row["as_number"], row["geolocation"], row["src_ports_sample"]) == ("", "", "")
    assert row["as_name"] == "'=HYPERLINK()"
