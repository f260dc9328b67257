"""A journal survives its own attacks: what was changed, taken away or set back is found and named."""

from __future__ import annotations

from collections.abc import Callable
from hashlib import sha256
from pathlib import Path

import pytest
from backports import zstd

from shieldproxy.attribution.evidence.journal_check import JournalCheck, anchor_of
from shieldproxy.core.record import rfc3339
from shieldproxy.journal.packing import pack_before
from shieldproxy.journal.signing import pem_of
from tests.fakes.clock import HandClock
from tests.fakes.evidence import attacker, sealed_journal
from tests.fakes.records import TEN_FIFTEEN, record_at, segment_writer, write_journal
from tests.fakes.sealers import sealer_of, signer_of

DAY = 86_400.0
LATER = TEN_FIFTEEN + 3600


@pytest.fixture
def journal(tmp_path: Path) -> Path:
    """A sealed journal of two workers."""
    return sealed_journal(tmp_path / "journal")


def first_of(journal: Path, writer: str = "edge1.0") -> Path:
    """Return the first segment of a writer."""
    return min(journal.glob(f"2*/*-{writer}-*.jsonl"))


def log_of(journal: Path) -> Path:
    """Return the file with the log's entries."""
    (day,) = (journal / "log/edge1").glob("2*.jsonl")
    return day


def seal(journal: Path, seed: bytes = bytes(32), moment: float = LATER) -> None:
    """Seal what is new at ``moment``."""
    sealer = sealer_of(journal, seed=seed, clock=HandClock(moment))
    sealer.round()
    sealer.close()


def test_what_was_sealed_is_intact(journal: Path) -> None:
    """Two workers, three segments; an open one is not covered and no fault."""
    writer = segment_writer(journal, "edge1.2")
    writer.write([record_at(50)])
    found = JournalCheck(journal).run()
    assert found.code == 0
    assert any("3 sealed segments" in text for text in found.told)
    assert any("1 segments are not sealed yet" in text for text in found.told)
    writer.close()


ATTACKS: dict[str, tuple[Callable[[list[bytes]], list[bytes]], str]] = {
    "flip": (lambda lines: [lines[0], lines[1].replace(b"203.0.113.1", b"203.0.113.9"), *lines[2:]], "was changed"),
    "insert": (lambda lines: [lines[0], lines[0], *lines[1:]], ":2: has number 1, number 2"),
    "delete": (lambda lines: [lines[0], *lines[2:]], ":2: has number 3, number 2"),
    "swap": (lambda lines: [lines[0], lines[2], lines[1], lines[3]], ":2: has number 3, number 2"),
    "truncate": (lambda lines: lines[:-1], ":3: the last line; 4 were sealed"),
    "half written": (lambda lines: [*lines[:-1], lines[-1][:-9]], ":4: is no record"),
    "newline gone": (lambda lines: [*lines[:-1], lines[-1][:-1]], ":4: is cut off"),
}


@pytest.mark.parametrize("attack", ATTACKS)
def test_a_segment_that_was_changed_is_named(journal: Path, attack: str) -> None:
    """With its first bad line where numbers tell it."""
    change, expected = ATTACKS[attack]
    path = first_of(journal)
    path.write_bytes(b"".join(change(path.read_bytes().splitlines(keepends=True))))
    (text,) = JournalCheck(journal).run().tampered
    assert text.startswith(str(path))
    assert expected in text


def test_two_segments_that_changed_places_are_found(journal: Path) -> None:
    """Each is held against its own manifest."""
    one, two = first_of(journal), first_of(journal, "edge1.1")
    data = one.read_bytes()
    one.write_bytes(two.read_bytes())
    two.write_bytes(data)
    assert len(JournalCheck(journal).run().tampered) == 2


def test_a_segment_that_is_gone_is_missed(journal: Path) -> None:
    """Nobody deletes one without the log saying so."""
    first_of(journal).unlink()
    found = JournalCheck(journal).run()
    assert found.code == 2
    assert "is missing with 4 records, and no deletion is in the log" in found.missing[0]


def test_what_retention_erased_is_no_fault(journal: Path) -> None:
    """Manifest and root stay, so the rest still verifies, and the number of records is told."""
    write_journal(journal, [record_at(DAY)], "edge1.5")
    seal(journal, moment=TEN_FIFTEEN + DAY + 60)
    sealer = sealer_of(journal, clock=HandClock(TEN_FIFTEEN + 2 * DAY))
    assert sealer.forget_before(rfc3339(TEN_FIFTEEN + DAY)).segments == 3
    sealer.close()
    found = JournalCheck(journal).run()
    assert found.code == 0
    assert any("3 segments erased by retention, 12 records" in text for text in found.told)


def test_a_segment_put_there_later_is_found(journal: Path) -> None:
    """With numbers of its own it is tampering; with a name of its own it should have been sealed by then."""
    path = first_of(journal)
    forged = path.with_name(path.name.replace("000000000001.jsonl", "000000000003.jsonl"))
    forged.write_bytes(path.read_bytes())
    assert "numbers that were sealed elsewhere" in JournalCheck(journal).run().tampered[0]
    forged.unlink()
    write_journal(journal, [attacker(6, 6)], "edge9.0")
    assert JournalCheck(journal).run().code == 0
    write_journal(journal, [record_at(3000)], "edge1.5")
    seal(journal)
    assert "older than the last seal and not in it" in JournalCheck(journal).run().missing[0]


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (lambda lines: [lines[0].replace(b'"weight":4', b'"weight":5'), *lines[1:]], "does not follow the manifest"),
        (lambda lines: [lines[1], lines[0], lines[2]], ":1: has number 1, number 0"),
        (lambda lines: [lines[0], lines[2]], ":2: has number 2, number 1"),
        (lambda lines: [lines[0], lines[0], *lines[1:]], ":2: has number 0, number 1"),
        (lambda lines: [*lines[:2], lines[2].replace(b'"records":4', b'"records":9')], "are not what"),
        (lambda lines: lines[:2], "entries 3 to 3, signed in"),
        (lambda lines: [b"nothing\n", *lines[1:]], ":1: no JSON"),
        (lambda lines: [b'{"kind":"segment"}\n', *lines[1:]], ":1: is no entry"),
        (lambda lines: [lines[0].replace(b'"records":4', b'"records":"x"'), *lines[1:]], ":1: is no entry"),
    ],
)
def test_a_log_that_was_changed_is_named(
    journal: Path, change: Callable[[list[bytes]], list[bytes]], expected: str
) -> None:
    """The first bad entry, where the chain tells it."""
    path = log_of(journal)
    path.write_bytes(b"".join(change(path.read_bytes().splitlines(keepends=True))))
    assert expected in JournalCheck(journal).run().tampered[0]


def test_a_checkpoint_set_back_is_found_by_the_history(journal: Path) -> None:
    """Every checkpoint ever signed must fit, and the newest must be the newest."""
    note = (journal / "log/edge1/checkpoint").read_bytes()
    write_journal(journal, [record_at(20)], "edge1.1")
    seal(journal)
    (journal / "log/edge1/checkpoint").write_bytes(note)
    assert "set back" in JournalCheck(journal).run().tampered[0]


def test_a_journal_set_back_as_a_whole_is_found_by_an_anchor(journal: Path) -> None:
    """Only somebody outside can know: a checkpoint that was kept elsewhere, as a note or its three lines."""
    before = {path: path.read_bytes() for path in (journal / "log/edge1").iterdir()}
    write_journal(journal, [record_at(20)], "edge1.1")
    seal(journal)
    kept = (journal / "log/edge1/checkpoint").read_bytes()
    for path, data in before.items():
        path.write_bytes(data)
    first_of(journal, "edge1.1").rename(journal.parent / "away")
    anchors = [anchor_of(kept), anchor_of(kept.split(b"\n\n")[0])]
    assert anchors[0] == anchors[1]
    assert (
        "entries 4 to 4, signed in an anchor, were taken away"
        in JournalCheck(journal, anchors=anchors).run().tampered[0]
    )


def test_a_journal_sealed_anew_with_another_key_is_found(tmp_path: Path) -> None:
    """It fits together; only whoever knows the key can tell."""
    journal = sealed_journal(tmp_path / "journal")
    right = sha256(signer_of("edge1").public).hexdigest()
    for path in (journal / "log/edge1").iterdir():
        path.unlink()
    (tmp_path / "journal-edge1.checkpoint").unlink()
    seal(journal, seed=b"2" * 32)
    assert JournalCheck(journal).run().code == 0
    found = JournalCheck(journal, lambda _log, digest: digest == right).run()
    assert "is another key" in found.tampered[0]


def test_a_key_that_was_exchanged_alone_is_found(journal: Path) -> None:
    """The checkpoints are then of another key."""
    (journal / "log/edge1/public.pem").write_text(pem_of(signer_of("edge1", b"2" * 32).public))
    assert "signed by another key" in JournalCheck(journal).run().tampered[0]


def test_a_damaged_history_is_tampering(journal: Path) -> None:
    """A line that is no checkpoint, or one that was changed."""
    path = journal / "log/edge1/checkpoints.jsonl"
    path.write_bytes(path.read_bytes().replace(b"\\n3\\n", b"\\n2\\n"))
    assert "does not fit its text" in JournalCheck(journal).run().tampered[0]
    path.write_bytes(b"x\n")
    assert "no checkpoint" in JournalCheck(journal).run().tampered[0]


def test_what_is_missing_makes_it_incomplete(journal: Path) -> None:
    """Keys and checkpoints; a journal that was never sealed says so; a gap before a seal is named."""
    write_journal(journal, [record_at(20)], "edge1.1")
    write_journal(journal, [record_at(21)], "edge1.1")
    min(journal.glob("2*/*-edge1.1-*05.jsonl")).unlink()
    seal(journal)
    assert "1 records of edge1.1 before it were gone before they were sealed" in JournalCheck(journal).run().missing[0]
    (journal / "log/edge1/public.pem").unlink()
    assert JournalCheck(journal).run().missing[0].endswith("public.pem: is missing")
    assert "nothing was ever sealed" in JournalCheck(journal.parent).run().missing[0]


def test_entries_that_are_not_signed_yet_are_told(journal: Path) -> None:
    """A crash between entry and signature is no tampering; the next start signs."""
    write_journal(journal, [record_at(20)], "edge1.1")
    before = {path: path.read_bytes() for path in (journal / "log/edge1").glob("checkpoint*")}
    seal(journal)
    for path, data in before.items():
        path.write_bytes(data)
    found = JournalCheck(journal).run()
    assert found.code == 0
    assert any("1 entries are not signed yet" in text for text in found.told)


def pack_all(journal: Path) -> None:
    """Compress every sealed segment."""
    for _ in range(2):
        pack_before(journal, rfc3339(LATER), lambda _segment: True)


def test_a_packed_journal_is_intact(journal: Path) -> None:
    """Seals are over the plain bytes, so compression changes none; retention still says what it erased."""
    pack_all(journal)
    found = JournalCheck(journal).run()
    assert found.code == 0
    assert any("3 sealed segments read" in text for text in found.told)
    sealer = sealer_of(journal, clock=HandClock(TEN_FIFTEEN + 2 * DAY))
    assert sealer.round().segments == 0
    sealer.forget_before(rfc3339(TEN_FIFTEEN + DAY))
    sealer.close()
    assert JournalCheck(journal).run().code == 0


@pytest.mark.parametrize("attack", ATTACKS)
def test_a_packed_segment_that_was_changed_is_named(journal: Path, attack: str) -> None:
    """With its first bad line, as a plain one."""
    change, expected = ATTACKS[attack]
    pack_all(journal)
    path = min(journal.glob("2*/*-edge1.0-*.jsonl.zst"))
    lines = zstd.decompress(path.read_bytes()).splitlines(keepends=True)
    path.write_bytes(zstd.compress(b"".join(change(lines))))
    (text,) = JournalCheck(journal).run().tampered
    assert text.startswith(str(path))
    assert expected in text


def test_a_packed_segment_that_cannot_be_unpacked_is_tampering(journal: Path) -> None:
    """Bits flipped in the compressed file: its records are not there any more."""
    pack_all(journal)
    path = min(journal.glob("2*/*-edge1.0-*.jsonl.zst"))
    path.write_bytes(path.read_bytes()[:40])
    (text,) = JournalCheck(journal).run().tampered
    assert text.startswith(str(path))


def test_a_plain_file_put_beside_a_packed_one_is_checked_too(journal: Path) -> None:
    """Somebody unpacks, changes and leaves it there for a reader to find."""
    path = first_of(journal)
    pack_all(journal)
    path.write_bytes(b'{"seq":1}\n')
    (text,) = JournalCheck(journal).run().tampered
    assert text.startswith(str(path))


def test_journals_of_two_nodes_together_are_intact_and_told_apart(journal: Path) -> None:
    """Each has its log and its key; what one of them loses is missed of that one alone."""
    write_journal(journal, [attacker(20, 1), attacker(21, 2, weight=10**9)], "edge2.0")
    other = sealer_of(journal, "edge2", seed=bytes(31) + b"2")
    other.round()
    other.close()
    found = JournalCheck(journal).run()
    assert found.code == 0
    assert sum(": key " in text for text in found.told) == 2
    first_of(journal, "edge2.0").unlink()
    (missing,) = JournalCheck(journal).run().missing
    assert "edge2.0" in missing


def test_a_clock_that_is_set_back_between_two_seals_breaks_nothing(journal: Path) -> None:
    """Entries are in the order in which they were made, whatever the clock said."""
    write_journal(journal, [attacker(-7_200, 1)], "edge1.4")
    seal(journal, moment=TEN_FIFTEEN - 7_000)
    write_journal(journal, [attacker(30, 1)], "edge1.5")
    seal(journal)
    found = JournalCheck(journal).run()
    assert (found.code, found.tampered, found.missing) == (0, [], [])
