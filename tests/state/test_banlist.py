"""The list of bans on disk: what was saved comes back, and damage stops nothing."""

from __future__ import annotations

import json
import stat
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shieldproxy.core.ladder import Ban
from shieldproxy.state import banlist
from shieldproxy.state.banlist import BanList, Entry, List, ban_of, entry_of

WALL = 1_700_000_000.0
moments = st.floats(WALL + 1.0, WALL + 1e6)
entries = st.builds(
    Entry,
    list=st.sampled_from(List),
    key=st.one_of(st.ip_addresses().map(str), st.sampled_from(("198.51.100.0/24", "2001:db8::/64"))),
    until=moments,
    why=st.text(max_size=20),
    rung=st.integers(0, 15),
    remembered=st.one_of(st.just(0.0), moments),
    by=st.sampled_from(("ladder", "operator")),
)
changes = st.lists(st.tuples(st.sampled_from(("put", "remove", "save")), entries), max_size=30)


def loaded(path: Path, wall: float = WALL) -> BanList:
    kept = BanList(path)
    kept.load(wall)
    return kept


@given(changes)
def test_what_was_saved_comes_back(walk: list[tuple[str, Entry]]) -> None:
    """After any changes and a save, another list loaded from the file holds the same, whatever was appended when."""
    with TemporaryDirectory() as directory:
        path = Path(directory) / "bans.jsonl"
        kept, model = BanList(path), dict[tuple[List, str], Entry]()
        for step, entry in walk:
            place = (entry.list, entry.key)
            if step == "put":
                kept.put(entry)
                model[place] = entry
            elif step == "remove":
                assert kept.remove(*place) is (model.pop(place, None) is not None)
            else:
                kept.save()
        kept.save()
        again = loaded(path)
        for which in List:
            expected = {entry for entry in model.values() if entry.list is which}
            assert set(again.entries(which, WALL)) == set(kept.entries(which, WALL)) == expected
        assert again.corrupt == 0


def test_what_has_ended_is_not_loaded(tmp_path: Path) -> None:
    """A ban is over at its time, but its rung is remembered for longer; then it is forgotten."""
    path = tmp_path / "bans.jsonl"
    kept = BanList(path)
    kept.put(Entry(List.BAN, "192.0.2.1", WALL + 10, "flood", 1, WALL + 100))
    kept.put(Entry(List.ALLOW, "192.0.2.2", WALL + 10, "the town hall", by="operator"))
    kept.save()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert loaded(path, WALL + 9).find(List.ALLOW, "192.0.2.2", WALL + 9) is not None
    later = loaded(path, WALL + 50)
    assert later.find(List.BAN, "192.0.2.1", WALL + 50) is None
    assert [entry.rung for entry in later.entries(List.BAN, WALL + 50)] == [1]
    assert later.entries(List.ALLOW, WALL + 50) == ()
    assert len(loaded(path, WALL + 101)) == 0


DAMAGE = [
    b"\xff\xfe\n",
    b"not json\n",
    b"[]\n",
    b"{}\n",
    b'{"list":"other","key":"192.0.2.1","until":1}\n',
    b'{"list":"ban","key":"nobody","until":1}\n',
    b'{"list":"ban","key":"192.0.2.1","until":"soon"}\n',
    b'{"list":"ban","key":"192.0.2.1","until":NaN}\n',
    b'{"list":"ban","key":"192.0.2.1","until":Infinity}\n',
    b'{"list":"ban","key":"192.0.2.1","until":9e9,"rung":-1}\n',
    b'{"list":"ban","key":"192.0.2.1","until":9e9,"rung":1e400}\n',
    b'{"list":"ban","key":"192.0.2.1","until":9e9,"why":"' + b"x" * 20_000 + b'"}\n',
    b'{"list":"ban","key":"192.0.2.1","un',
    b"[" * 2_000 + b"\n",
]


@pytest.mark.parametrize("damage", DAMAGE)
def test_a_line_that_cannot_be_read_is_counted(tmp_path: Path, damage: bytes) -> None:
    """Damage costs its own line and is gone with the next save."""
    path = tmp_path / "bans.jsonl"
    kept = BanList(path)
    kept.put(Entry(List.BAN, "192.0.2.9", WALL + 10))
    kept.save()
    path.write_bytes(path.read_bytes() + damage)
    again = loaded(path)
    assert (again.corrupt, len(again)) == (1, 1)
    again.put(Entry(List.BAN, "192.0.2.10", WALL + 10))
    again.save()
    mended = loaded(path)
    assert (mended.corrupt, len(mended)) == (0, 2)


def test_the_list_is_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Beyond its bound the entries that end soonest give way, in memory and on loading, and are counted."""
    monkeypatch.setattr(banlist, "MAX_ENTRIES", 100)
    path = tmp_path / "bans.jsonl"
    kept = BanList(path)
    for number in range(500):
        kept.put(Entry(List.BAN, f"10.0.{number // 250}.{number % 250}", WALL + 1 + number))
    kept.sweep(WALL)
    assert (len(kept), kept.dropped) == (100, 400)
    assert kept.entries(List.BAN, WALL)[-1].until == WALL + 401
    kept.save()
    assert len(loaded(path)) == 100
    lines = [json.dumps(Entry(List.BAN, f"10.1.{n // 250}.{n % 250}", WALL + 1 + n)._asdict()) for n in range(500)]
    path.write_text("\n".join(lines))
    flood = loaded(path)
    assert (len(flood), flood.dropped) == (100, 400)


def test_the_file_does_not_grow_with_its_past(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A client banned and pardoned for ever leaves a short file."""
    monkeypatch.setattr(banlist, "SLACK_LINES", 10)
    path = tmp_path / "bans.jsonl"
    kept = BanList(path)
    for _ in range(200):
        kept.put(Entry(List.BAN, "192.0.2.1", WALL + 10))
        kept.save()
        kept.remove(List.BAN, "192.0.2.1")
        kept.save()
    assert len(path.read_text().splitlines()) <= 13


def test_a_disk_that_refuses_loses_nothing(tmp_path: Path) -> None:
    """What could not be saved is saved as soon as the disk takes it again."""
    place = tmp_path / "state"
    place.write_text("a file where the directory should be")
    kept = BanList(place / "bans.jsonl")
    for number in range(3):
        kept.put(Entry(List.BAN, f"192.0.2.{number}", WALL + 10))
        with pytest.raises(OSError, match="state"):
            kept.save()
    place.unlink()
    kept.save()
    assert len(loaded(place / "bans.jsonl")) == 3


def test_a_long_reason_is_cut(tmp_path: Path) -> None:
    """A reason of any length and script fits a line that can be read again."""
    kept = BanList(tmp_path / "bans.jsonl")
    kept.put(
        Entry(List.ALLOW, "2001:db8:1111:2222::/64", WALL + 10, "\N{SLIGHTLY SMILING FACE}" * 5_000, by="operator")
    )
    kept.save()
    again = loaded(tmp_path / "bans.jsonl")
    assert again.entries(List.ALLOW, WALL) == kept.entries(List.ALLOW, WALL)
    assert len(again) == 1


def test_a_quiet_list_writes_nothing(tmp_path: Path) -> None:
    """No change, no file."""
    kept = loaded(tmp_path / "bans.jsonl")
    kept.save()
    assert not (tmp_path / "bans.jsonl").exists()


def test_a_ban_survives_the_change_of_clocks() -> None:
    """From one monotonic clock over the wall clock to another, a ban ends at the same wall time."""
    ban = Ban("192.0.2.1", 1_060.0, "flood", 2)
    entry = entry_of(ban, 5_000.0, by="ladder", wall=WALL, now=1_000.0)
    assert (entry.until, entry.remembered) == (WALL + 60.0, WALL + 4_000.0)
    again, remembered = ban_of(entry, wall=WALL + 20.0, now=7.0)
    assert again.until == pytest.approx(47.0)
    assert remembered == pytest.approx(3_987.0)
    assert (again.key, again.cause, again.rung) == (ban.key, "flood", 2)
    assert entry_of(ban, 0.0, by="operator", wall=WALL, now=1_000.0).remembered == 0.0
