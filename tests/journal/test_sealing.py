from __future__ import annotations

import json
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from shieldproxy.core.merkle import EMPTY, leaf_hash, root_of
from shieldproxy.core.notes import parse_checkpoint, parse_note
from shieldproxy.core.record import rfc3339
from shieldproxy.journal import sealing
from shieldproxy.journal.holds import set_hold
from shieldproxy.journal.manifest_log import read_lines
from shieldproxy.journal.rounds import Sealed, SealError
from tests.fakes.clock import HandClock
from tests.fakes.records import TEN_FIFTEEN, record_at, segment_writer, write_journal
from tests.fakes.sealers import KEPT, sealer_of

DAY = 86_400.0


def entries(journal: Path, node: str = "edge1") -> list[dict[str, Any]]:
    """Return the entries of the log of ``node``."""
    return [json.loads(line.data) for line in read_lines(journal / "log" / node)]


def lines(journal: Path) -> list[bytes]:
    """Return the entries of the log as they stand there."""
    return [line.data for line in read_lines(journal / "log" / "edge1")]


@pytest.fixture
def journal(tmp_path: Path) -> Path:
    """A journal of two segments of one worker and one of another."""
    place = tmp_path / "journal"
    write_journal(place, [record_at(0), record_at(1, weight=9)])
    write_journal(place, [record_at(2)])
    write_journal(place, [record_at(0.5)], "edge1.1")
    return place


def test_closed_segments_are_entered_and_signed(journal: Path) -> None:
    """Each with what an expert asks for; the checkpoint stands for all of them."""
    sealed = sealer_of(journal).round()
    assert (sealed.segments, sealed.records, sealed.more, sealed.problems) == (3, 4, 0, ())
    first, second, third = entries(journal)
    data = (journal / first["segment"]).read_bytes()
    assert first["sha256"] == sha256(data).hexdigest()
    assert first["merkle_root"] == root_of([leaf_hash(line + b"\n") for line in data[:-1].split(b"\n")]).hex()
    assert (first["records"], first["weight"], first["first_seq"], first["last_seq"]) == (2, 10, 1, 2)
    assert (first["first_ts"], first["last_ts"]) == (rfc3339(TEN_FIFTEEN), rfc3339(TEN_FIFTEEN + 1))
    assert first["clock"] == {"synchronised": True, "max_error_us": round(KEPT.error * 1e6)}
    assert (first["software"], first["policies"]) == ("0.1.0", ["abcdef"])
    raw = lines(journal)
    assert (first["prev"], second["prev"], third["prev"]) == ("", sha256(raw[0]).hexdigest(), "")
    assert [entry["index"] for entry in (first, second, third)] == [0, 1, 2]
    checkpoint = parse_checkpoint(parse_note(sealed.note.encode()).text)
    assert (checkpoint.size, checkpoint.root) == (3, root_of([leaf_hash(line) for line in raw]))


def test_an_empty_log_is_signed(tmp_path: Path) -> None:
    """Once: it says that nothing was sealed before."""
    sealer = sealer_of(tmp_path / "journal")
    checkpoint = parse_checkpoint(parse_note(sealer.round().note.encode()).text)
    assert (checkpoint.size, checkpoint.root) == (0, EMPTY)
    sealer.close()
    sealer = sealer_of(tmp_path / "journal")
    assert sealer.round() == Sealed()


def test_nothing_new_is_nothing_signed(journal: Path) -> None:
    """A round without closed segments leaves no trace."""
    sealer = sealer_of(journal)
    sealer.round()
    assert sealer.round() == Sealed()


def test_the_next_start_goes_on_where_the_last_one_ended(journal: Path) -> None:
    """Chain and tree continue; what was closed in between is sealed now."""
    sealer = sealer_of(journal)
    sealer.round()
    sealer.close()
    write_journal(journal, [record_at(3)])
    sealer = sealer_of(journal)
    assert sealer.round().segments == 1
    raw = lines(journal)
    assert json.loads(raw[3])["prev"] == sha256(raw[1]).hexdigest()
    sealer.close()
    assert sealer_of(journal).round() == Sealed()


def test_a_crash_between_entry_and_signature_is_mended(journal: Path) -> None:
    """Entries without a checkpoint are signed by the next start, a half-written one is made anew."""
    sealer = sealer_of(journal)
    sealer.round()
    sealer.close()
    write_journal(journal, [record_at(3)])
    (log,) = (journal / "log" / "edge1").glob("2*.jsonl")
    with log.open("ab") as file:
        file.write(b'{"kind":"segment","seg')
    sealed = sealer_of(journal).round()
    assert sealed.segments == 1
    assert len(entries(journal)) == 4


def test_an_open_segment_is_left_alone(tmp_path: Path) -> None:
    """It is sealed when its worker has closed it."""
    writer = segment_writer(tmp_path / "journal")
    writer.write([record_at()])
    sealer = sealer_of(tmp_path / "journal")
    assert sealer.round().segments == 0
    writer.close()
    assert sealer.round().segments == 1


def test_two_nodes_share_a_journal(journal: Path) -> None:
    """Each seals its own segments in its own log with its own key; imported ones are sealed too."""
    write_journal(journal, [record_at(5, node="edge2")], "edge2.0")
    write_journal(journal, [record_at(6)], "import.0")
    assert sealer_of(journal).round().segments == 4
    assert sealer_of(journal, "edge2", seed=b"2" * 32).round().segments == 2
    assert {entry["writer"] for entry in entries(journal, "edge2")} == {"edge2.0", "import.0"}


def test_two_sealers_never_write_one_log(journal: Path) -> None:
    """The second is told that a node runs."""
    sealer = sealer_of(journal)
    with pytest.raises(SealError, match="running node"):
        sealer_of(journal)
    sealer.close()
    sealer_of(journal).close()


def test_a_log_of_another_key_is_not_gone_on_with(journal: Path) -> None:
    """A lost key must not look like a forged log, nor the other way round: a person decides."""
    sealer_of(journal).close()
    with pytest.raises(SealError, match="another key"):
        sealer_of(journal, seed=b"1" * 32)


def test_a_log_that_was_set_back_is_not_gone_on_with(journal: Path) -> None:
    """Also when checkpoint and history were set back with it: the anchor outside remembers."""
    sealer = sealer_of(journal)
    sealer.round()
    log = journal / "log" / "edge1"
    before = {path: path.read_bytes() for path in log.iterdir()}
    write_journal(journal, [record_at(3)])
    sealer.round()
    sealer.close()
    for path, data in before.items():
        path.write_bytes(data)
    with pytest.raises(SealError, match="changed or taken away"):
        sealer_of(journal)


def test_an_entry_that_was_changed_is_not_signed_again(journal: Path) -> None:
    """The signature that stands contradicts it."""
    sealer = sealer_of(journal)
    sealer.round()
    sealer.close()
    (log,) = (journal / "log" / "edge1").glob("2*.jsonl")
    log.write_bytes(log.read_bytes().replace(b'"weight":10', b'"weight":11'))
    with pytest.raises(SealError, match="changed or taken away"):
        sealer_of(journal)


def test_a_large_backlog_is_sealed_round_by_round(journal: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A stop need not wait for all of it; older days are looked at until nothing is left."""
    monkeypatch.setattr(sealing, "MOST_SEGMENTS", 2)
    monkeypatch.setattr(sealing, "RECENT_DAYS", 0)
    sealer = sealer_of(journal)
    assert [sealer.round()[:2] for _ in range(3)] == [(2, 3), (1, 1), (0, 0)]


def test_what_retention_deletes_is_said_before(tmp_path: Path) -> None:
    """The log keeps manifest and root, and names what went; a hold keeps its span."""
    journal = tmp_path / "journal"
    for day in range(3):
        write_journal(journal, [record_at(day * DAY)])
    clock = HandClock(TEN_FIFTEEN + 3 * DAY)
    sealer = sealer_of(journal, clock=clock)
    sealer.round()
    set_hold(journal, rfc3339(TEN_FIFTEEN - 1), rfc3339(TEN_FIFTEEN + 1), "police", rfc3339(clock()))
    sealer.round()
    found = sealer.forget_before(rfc3339(TEN_FIFTEEN + 2 * DAY))
    assert (found.segments, found.held, found.problems) == (1, 1, ())
    kinds = [entry["kind"] for entry in entries(journal)]
    assert kinds == ["segment", "segment", "segment", "hold", "erased"]
    last = entries(journal)[-1]
    assert (last["why"], last["segments"]) == ("retention", [entries(journal)[1]["segment"]])
    assert sealer.round() == Sealed()
    sealer.close()
    assert sealer_of(journal, clock=clock).round() == Sealed()


def test_nothing_is_deleted_while_holds_cannot_be_read(journal: Path) -> None:
    """A damaged list of holds is a problem to tell, not a reason to delete."""
    (journal / "holds.jsonl").write_text("x")
    found = sealer_of(journal).forget_before(rfc3339(TEN_FIFTEEN + 9 * DAY))
    assert found.segments == 0
    assert "damaged" in found.problems[0]
