"""Pseudonymising: what becomes of a segment, what stays as it is, and what a crash leaves."""

from __future__ import annotations

from pathlib import Path

import orjson
import pytest

from shieldproxy.core.record import rfc3339
from shieldproxy.journal import pseudonymising
from shieldproxy.journal.filters import Filter
from shieldproxy.journal.holds import lift_hold, set_hold
from shieldproxy.journal.packing import pack_before
from shieldproxy.journal.pseudonyms import Key, named
from shieldproxy.journal.reader import Reader
from shieldproxy.journal.segments import segments_of
from tests.fakes.clock import HandClock
from tests.fakes.records import TEN_FIFTEEN, record_at, segment_writer
from tests.fakes.sealers import sealer_of

DAY = "2026-11-24"
LATER = rfc3339(TEN_FIFTEEN + 86_400)
PERSON = {"action": "admit", "src_ip": "192.0.2.77", "client": "192.0.2.77", "src_port": 5_123}


def key_of(month: str) -> Key:
    """Return the test's key of a month."""
    return named(month, month.encode().ljust(32, b"k"))


def journal_of(journal: Path, writer: str = "edge1.0", *, people: bool = True, first: float = 0.0) -> Path:
    """Write a segment of refusals and, with ``people``, of admitted requests; return the journal."""
    written = segment_writer(journal, writer, clock=HandClock(TEN_FIFTEEN + first))
    written._chance = lambda count: bytes(range(1, 13)) * (count // 12)
    written.write([record_at(first), *([record_at(first + 1, **PERSON)] if people else []), record_at(first + 2)])
    written.close()
    return journal


def replaced(journal: Path, before: str = LATER) -> pseudonymising.Pseudonymised:
    """Seal what is there, and do one round."""
    sealer = sealer_of(journal, clock=HandClock(TEN_FIFTEEN + 90_000))
    try:
        sealer.round()
        return sealer.pseudonymise_before(before, key_of)
    finally:
        sealer.close()


def test_the_day_of_the_first_record_is_named_too(tmp_path: Path) -> None:
    """A segment opened after midnight with a record of before it: the index has it under the day of the record."""
    midnight = 86_400.0 - (TEN_FIFTEEN % 86_400.0)
    writer = segment_writer(tmp_path, "edge1.0", clock=HandClock(TEN_FIFTEEN + midnight + 1))
    writer.write([record_at(midnight - 2, **PERSON)])
    writer.close()
    sealer = sealer_of(tmp_path, clock=HandClock(TEN_FIFTEEN + 3 * 86_400))
    try:
        sealer.round()
        found = sealer.pseudonymise_before(rfc3339(TEN_FIFTEEN + 2 * 86_400), key_of)
    finally:
        sealer.close()
    assert found.records == 1
    assert found.days == (rfc3339(TEN_FIFTEEN)[:10], rfc3339(TEN_FIFTEEN + 86_400)[:10])


def names(journal: Path) -> list[str]:
    """Return the endings of the files of the day."""
    return sorted(path.name.partition("000000000001")[2] for path in (journal / DAY).iterdir())


def addresses(journal: Path) -> set[str]:
    """Return the addresses in the journal, as a reader finds them."""
    return {str(fields["src_ip"]) for fields in Reader(journal).scan(Filter())}


def test_addresses_of_the_admitted_go_and_all_else_stays(tmp_path: Path) -> None:
    """The reader finds as many records; the old file goes one round later."""
    journal = journal_of(tmp_path / "journal")
    found = replaced(journal)
    assert (found.segments, found.records, found.more, found.days, found.problems) == (1, 1, False, (DAY,), ())
    assert names(journal) == [".jsonl", ".pseudo.jsonl"]
    assert len(addresses(journal)) == 2
    assert "192.0.2.77" not in addresses(journal)
    assert "203.0.113.7" in addresses(journal)
    assert replaced(journal).segments == 0
    assert names(journal) == [".pseudo.jsonl"]
    assert b"192.0.2.77" not in b"".join(path.read_bytes() for path in journal.rglob("*") if path.is_file())


def test_the_log_says_what_was_written_anew(tmp_path: Path) -> None:
    """Digest, root, how many, by which key; a segment without people is named too, and is not looked at again."""
    journal = journal_of(journal_of(tmp_path / "journal"), "edge1.1", people=False)
    replaced(journal)
    (log,) = (journal / "log/edge1").glob("2*.jsonl")
    entry = orjson.loads(log.read_bytes().splitlines()[-1])
    assert (entry["kind"], entry["before"]) == ("pseudonymised", LATER)
    first, second = sorted(entry["segments"], key=lambda item: item["segment"])
    assert (first["changed"], first["records"], first["linked"]) == (1, 3, True)
    assert first["key"] == key_of("2026-11").name
    assert second == {"segment": second["segment"], "changed": 0}
    assert replaced(journal).segments == 0


def test_only_old_segments_that_are_sealed_and_ours_are_replaced(tmp_path: Path) -> None:
    """What is young, open, or brought in from another server stays."""
    journal = journal_of(journal_of(tmp_path / "journal"), "import-web2.0")
    assert replaced(journal, rfc3339(TEN_FIFTEEN)).segments == 0
    writer = segment_writer(journal, "edge1.3")
    writer.write([record_at(0, **PERSON)])
    assert replaced(journal).segments == 1
    assert "192.0.2.77" in addresses(journal)
    writer.close()


def test_what_is_on_hold_keeps_its_addresses_until_it_is_released(tmp_path: Path) -> None:
    """A legal hold is stronger than privacy's clock; a damaged list of holds stops all."""
    journal = journal_of(tmp_path / "journal")
    hold = set_hold(journal, rfc3339(TEN_FIFTEEN), rfc3339(TEN_FIFTEEN + 1), "police", LATER)
    assert replaced(journal).segments == 0
    assert "192.0.2.77" in addresses(journal)
    kept = (journal / "holds.jsonl").read_bytes()
    (journal / "holds.jsonl").write_bytes(b"{")
    assert replaced(journal).problems
    (journal / "holds.jsonl").write_bytes(kept)
    lift_hold(journal, hold.id, "closed", LATER)
    assert replaced(journal).segments == 1


def test_a_packed_segment_stays_packed(tmp_path: Path) -> None:
    """In its new form too."""
    journal = journal_of(tmp_path / "journal")
    sealer = sealer_of(journal)
    sealer.round()
    for _ in range(2):
        sealer.pack_before(LATER)
    sealer.close()
    replaced(journal)
    replaced(journal)
    assert names(journal) == [".pseudo.jsonl.zst"]
    assert "192.0.2.77" not in addresses(journal)


def test_a_plain_one_can_be_packed_afterwards(tmp_path: Path) -> None:
    """Packing knows both forms."""
    journal = journal_of(tmp_path / "journal")
    replaced(journal)
    replaced(journal)
    for _ in range(2):
        pack_before(journal, LATER, lambda _segment: True)
    assert names(journal) == [".pseudo.jsonl.zst"]


def test_a_round_is_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """And says that there is more."""
    monkeypatch.setattr(pseudonymising, "MOST_BYTES", 10)
    journal = tmp_path / "journal"
    for number in range(3):
        journal_of(journal, f"edge1.{number}")
    assert [(found.segments, found.more) for found in (replaced(journal) for _ in range(3))] == [
        (1, True),
        (1, True),
        (1, False),
    ]


def test_a_crash_between_log_and_name_is_made_good(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The log spoke already, the file was not there yet: the next round writes it, and sweeps what was left."""
    journal = journal_of(tmp_path / "journal")
    with monkeypatch.context() as patched:
        patched.setattr("shieldproxy.journal.sealing.put_in_place", lambda _found: None)
        replaced(journal)
    assert len(list((journal / DAY).glob(".pseudonymising-*"))) == 1
    assert replaced(journal).segments == 1
    assert not list((journal / DAY).glob(".pseudonymising-*"))
    assert [segment.pseudonymised for segment in segments_of(journal, DAY)] == [True]


def test_a_key_that_cannot_be_had_costs_the_round(tmp_path: Path) -> None:
    """The segment stays as it is, and it is said."""
    journal = journal_of(tmp_path / "journal")
    sealer = sealer_of(journal)
    sealer.round()

    def no_key(_month: str) -> Key:
        raise OSError("the key is damaged")

    (problem,) = sealer.pseudonymise_before(LATER, no_key).problems
    sealer.close()
    assert "keeps its addresses: the key is damaged" in problem
    assert names(journal) == [".jsonl"]


def test_retention_deletes_every_form(tmp_path: Path) -> None:
    """Also in the round in which both are there; the log names the segment by its first name."""
    journal = journal_of(tmp_path / "journal")
    replaced(journal)
    sealer = sealer_of(journal)
    assert sealer.forget_before(LATER).segments == 1
    sealer.close()
    assert not (journal / DAY).exists() or names(journal) == []
