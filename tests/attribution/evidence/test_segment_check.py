"""A segment with pseudonyms is checked twice: that it is what was written anew, and that it is what was sealed before."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import orjson
import pytest

from shieldproxy.attribution.evidence.journal_check import JournalCheck
from shieldproxy.attribution.evidence.segment_check import link_problem, problem_of
from shieldproxy.attribution.evidence.selection import Selection
from shieldproxy.attribution.evidence.verify import check
from shieldproxy.core.record import rfc3339
from shieldproxy.journal.filters import Filter
from shieldproxy.journal.pseudonyms import Key, named
from tests.fakes.clock import HandClock
from tests.fakes.evidence import attacker, bundle
from tests.fakes.records import TEN_FIFTEEN, record_at, segment_writer
from tests.fakes.sealers import sealer_of

LATER = rfc3339(TEN_FIFTEEN + 86_400)
PERSON = {"action": "admit", "src_ip": "192.0.2.77", "client": "192.0.2.77", "src_port": 5_123}


def key_of(month: str) -> Key:
    """Return the test's key of a month."""
    return named(month, bytes(32))


def with_pseudonyms(journal: Path, *, salt: bool = True) -> Path:
    """Return a sealed journal of attackers and a person, a day later."""
    writer = segment_writer(journal)
    writer._chance = (lambda count: bytes(range(count))) if salt else None
    writer.write([attacker(1, 1), record_at(2, **PERSON), attacker(3, 3), record_at(4, **PERSON), attacker(5, 2)])
    writer.close()
    sealer = sealer_of(journal, clock=HandClock(TEN_FIFTEEN + 90_000))
    sealer.round()
    for _ in range(2):
        sealer.pseudonymise_before(LATER, key_of)
    sealer.close()
    return journal


def segment_of(journal: Path) -> Path:
    """Return the one file there is."""
    (path,) = journal.glob("2*/*")
    assert path.name.endswith(".pseudo.jsonl")
    return path


def test_a_journal_with_pseudonyms_is_intact(tmp_path: Path) -> None:
    """The first seal still holds for every line, and it is told that some have pseudonyms."""
    found = JournalCheck(with_pseudonyms(tmp_path / "journal")).run()
    assert found.code == 0
    assert any(text.endswith("1 segments with pseudonyms for who was admitted") for text in found.told)


def test_without_salts_it_is_told_that_the_link_is_lost(tmp_path: Path) -> None:
    """What was written anew is sealed all the same."""
    found = JournalCheck(with_pseudonyms(tmp_path / "journal", salt=False)).run()
    assert found.code == 0
    assert any("1 of them without a link to what was sealed first" in text for text in found.told)


CHANGES: dict[str, Callable[[list[bytes]], list[bytes]]] = {
    "a refusal": lambda lines: [lines[0].replace(b"203.0.113.1", b"203.0.113.9"), *lines[1:]],
    "a pseudonym": lambda lines: [lines[0], lines[1].replace(b'"path":"/search"', b'"path":"/wp"'), *lines[2:]],
    "a refusal said to have been another": lambda lines: [
        lines[0][:-2] + b',"pseudonym":"x","original":"%s"}\n' % b"00" * 32,
        *lines[1:],
    ],
    "a line less": lambda lines: lines[:-1],
    "two swapped": lambda lines: [lines[2], lines[1], lines[0], *lines[3:]],
}


@pytest.mark.parametrize("change", CHANGES)
def test_what_is_changed_afterwards_is_found(tmp_path: Path, change: str) -> None:
    """In whichever line."""
    journal = with_pseudonyms(tmp_path / "journal")
    path = segment_of(journal)
    path.write_bytes(b"".join(CHANGES[change](path.read_bytes().splitlines(keepends=True))))
    (text,) = JournalCheck(journal).run().tampered
    assert text.startswith(str(path))


def test_a_rewritten_file_that_the_log_does_not_know_is_tampering(tmp_path: Path) -> None:
    """Calling a file pseudonymised makes it no less a changed one."""
    journal = tmp_path / "journal"
    writer = segment_writer(journal)
    writer.write([attacker(1, 1), attacker(2, 2)])
    writer.close()
    sealer = sealer_of(journal)
    sealer.round()
    sealer.close()
    (path,) = journal.glob("2*/*.jsonl")
    path.rename(path.with_name(path.name.replace(".jsonl", ".pseudo.jsonl")))
    (text,) = JournalCheck(journal).run().tampered
    assert "the log does not say that it was written anew" in text


def test_a_log_that_lies_about_what_was_written_anew_is_found(tmp_path: Path) -> None:
    """Whoever has the key may sign another digest, but not make the first seal fit: refusals are those of then."""
    journal = with_pseudonyms(tmp_path / "journal")
    path = segment_of(journal)
    (log,) = (journal / "log/edge1").glob("2*.jsonl")
    manifest = orjson.loads(log.read_bytes().splitlines()[0])
    path.write_bytes(path.read_bytes().replace(b"203.0.113.1", b"203.0.113.9"))
    assert "apart from its pseudonyms" in link_problem(path, manifest, linked=True)
    assert link_problem(path, manifest, linked=False) == ""
    assert problem_of(path, manifest) != ""


def test_refusals_beside_pseudonyms_keep_their_proofs(tmp_path: Path) -> None:
    """A bundle made a year later checks like one made the same day; who was let in is in none of it."""
    journal = with_pseudonyms(tmp_path / "journal")
    made = bundle(tmp_path / "bundle", journal)
    assert check(made.directory).code == 0
    records = b"".join(path.read_bytes() for path in made.directory.glob("logs/*/records.jsonl"))
    assert records.count(b"\n") == 3
    assert b"pseudonym" not in records


def test_who_has_a_pseudonym_cannot_be_proven_and_is_counted(tmp_path: Path) -> None:
    """Asked for all decisions, the bundle has the refusals, and says how many it could not have."""
    selection = Selection(with_pseudonyms(tmp_path / "journal"), Filter())
    assert len(list(selection.records(selection.logs[0]))) == 3
    assert selection.replaced == 2


def test_without_a_link_nothing_of_the_segment_can_be_proven(tmp_path: Path) -> None:
    """Refusals neither: it is said, not failed."""
    selection = Selection(with_pseudonyms(tmp_path / "journal", salt=False), Filter())
    assert list(selection.records(selection.logs[0])) == []
    assert selection.replaced == 5
