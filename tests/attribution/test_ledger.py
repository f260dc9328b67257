from __future__ import annotations

import stat
from pathlib import Path

from shieldproxy.attribution.archive import Archive
from shieldproxy.attribution.detection import detect
from shieldproxy.attribution.ledger import FILE, Entry, compile_ledger, find_entry, read_ledger, write_ledger
from shieldproxy.core.episodes import EpisodePolicy
from shieldproxy.core.record import rfc3339
from tests.attribution.conftest import Open, attacker, citizen, flood
from tests.fakes.records import TEN_FIFTEEN, write_journal

POLICY = EpisodePolicy()
LATER = TEN_FIFTEEN + 86_400.0


def compiled(archive: Archive, before: list[Entry], policy: EpisodePolicy = POLICY) -> list[Entry]:
    (earliest,) = archive.rows("SELECT min(ts) FROM records")[0]
    since = rfc3339(earliest / 1000) if earliest else ""
    return compile_ledger(archive, detect(archive, policy, LATER), before, policy, since)


def test_an_episode_has_one_line_with_all_that_is_known(opened: Open, flooded: Path) -> None:
    """ID, span, figures, by what it was counted; it reads back as it was written."""
    with opened() as archive:
        ledger = compiled(archive, [])
    (entry,) = ledger
    assert entry["id"] == "E-2026-11-24-1"
    assert (entry["start"], entry["end"]) == ("2026-11-24T10:25:00.000000Z", "2026-11-24T10:27:00.000000Z")
    assert entry["attack"]["addresses"] == 200
    assert "1.5 times" in entry["parameters"]
    write_ledger(flooded, ledger)
    assert read_ledger(flooded) == ledger
    assert find_entry(flooded, "E-2026-11-24-1") == entry
    assert find_entry(flooded, "E-2026-11-24-2") is None
    assert stat.S_IMODE((flooded / FILE).stat().st_mode) == 0o640


def test_an_entry_that_holds_is_not_made_again(opened: Open, flooded: Path) -> None:
    """Reports about a month do not read old attacks again; other parameters do."""
    with opened() as archive:
        ledger = compiled(archive, [])
        marked = [ledger[0] | {"mark": 1}]
        assert compiled(archive, marked) == marked
        assert "mark" not in compiled(archive, marked, POLICY._replace(merge=60.0))[0]
        assert "mark" not in compiled(archive, [marked[0] | {"v": 0}])[0]


def test_later_episodes_are_linked_to_earlier_ones(opened: Open, tmp_path: Path) -> None:
    """The newest of the earlier ones first."""
    records = list(flood(calm=5_000))
    for second in range(4_000, 4_060):
        records += [attacker(second + n / 40, second * 40 + n) for n in range(40)]
    write_journal(tmp_path / "journal", sorted(records, key=lambda record: record.ts))
    with opened() as archive:
        ledger = compiled(archive, [])
        assert [entry["id"] for entry in ledger] == ["E-2026-11-24-1", "E-2026-11-24-2"]
        assert ledger[0]["links"] == []
        assert ledger[1]["links"][0]["words"].startswith(
            "100 % of its addresses (200 of 200) took part in E-2026-11-24-1"
        )
        assert compiled(archive, ledger[:1])[1] == ledger[1]


def test_an_id_stays_with_its_episode(opened: Open, flooded: Path) -> None:
    """Also when an earlier one of the same day is found later, in another node's records."""
    with opened() as archive:
        before = compiled(archive, [])
    write_journal(flooded, [attacker(-3_600 + n / 60, n) for n in range(3_000)], name="edge2.0")
    with opened() as archive:
        found = compiled(archive, before)
    assert [entry["id"] for entry in found] == ["E-2026-11-24-2", "E-2026-11-24-1"]


def test_what_is_known_outlives_its_records(opened: Open, flooded: Path) -> None:
    """After the records are deleted the line stays as it was."""
    with opened() as archive:
        before = compiled(archive, [])
    for day in flooded.glob("2026-*"):
        for file in day.iterdir():
            file.unlink()
    with opened() as archive:
        assert compiled(archive, before) == before
    write_journal(flooded, [citizen(100_000.0 + n) for n in range(100)])
    with opened() as archive:
        assert compiled(archive, before)[0]["id"] == before[0]["id"]


def test_garbage_in_the_ledger_is_left_out(tmp_path: Path) -> None:
    """A line that is none, a day without one, a ledger that is not there."""
    assert read_ledger(tmp_path) == []
    (tmp_path / FILE).write_text('garbage\n[1]\n{"id": 5}\n{"id": "E", "start": "x", "end": "y", "span": []}\n')
    assert read_ledger(tmp_path) == []


def test_an_episode_has_the_id_that_its_records_were_given(opened: Open, tmp_path: Path) -> None:
    """A live node counted one more that day; what is no ID of ours is passed over."""
    records = [
        record._replace(episode="E-2026-11-24-2" if record.action != "admit" else "'; DROP TABLE records")
        for record in flood()
    ]
    write_journal(tmp_path / "journal", records)
    with opened() as archive:
        (entry,) = compiled(archive, [])
        assert entry["id"] == "E-2026-11-24-2"
        taken = entry | {"start": "2026-11-24T01:00:00.000000Z", "end": "2026-11-24T02:00:00.000000Z"}
        assert compiled(archive, [taken])[-1]["id"] == "E-2026-11-24-1"


def test_two_nodes_that_saw_the_same_attack_have_one_episode(opened: Open, tmp_path: Path) -> None:
    """Their journals lie together; each counted by itself, and the ID of most records is that of the episode."""
    for node, name in (("edge1", "E-2026-11-24-2"), ("edge2", "E-2026-11-24-3")):
        weight = 2 if node == "edge2" else 1
        records = [
            record._replace(node=node, episode=name if record.action != "admit" else "", weight=weight)
            for record in flood()
        ]
        write_journal(tmp_path / "journal", records, f"{node}.0")
    with opened() as archive:
        (entry,) = compiled(archive, [])
    assert entry["id"] == "E-2026-11-24-3"
