from __future__ import annotations

from pathlib import Path

import pytest

from shieldproxy.journal.manifest_log import (
    CHECKPOINT,
    HISTORY,
    append,
    canonical,
    cut_unfinished,
    history,
    keep_checkpoint,
    logs_in,
    read_lines,
)


def test_entries_are_written_alike_everywhere() -> None:
    """Keys sorted, nothing between them, text as UTF-8: anybody can make the same bytes."""
    assert canonical({"b": 1, "a": {"d": [True, None], "c": "é"}}) == '{"a":{"c":"é","d":[true,null]},"b":1}\n'.encode()


def test_entries_are_read_in_the_order_in_which_they_were_made(tmp_path: Path) -> None:
    """Over days; when the clock goes back they still go to the end."""
    append(tmp_path, "2026-11-24", b'{"kind":"a"}\n')
    append(tmp_path, "2026-11-25", b'{"kind":"b"}\n{"kind":"c"}\n')
    append(tmp_path, "2026-11-20", b'{"kind":"d"}\n')
    found = list(read_lines(tmp_path))
    assert [(line.number, line.entry()["kind"]) for line in found] == [(0, "a"), (1, "b"), (2, "c"), (3, "d")]
    assert found[3].place.endswith("2026-11-25.jsonl:3")


def test_a_half_written_line_is_cut_off(tmp_path: Path) -> None:
    """Whole lines stay; a file that is not there is whole."""
    path = tmp_path / "2026-11-24.jsonl"
    path.write_bytes(b'{"kind":"a"}\n{"ki')
    assert cut_unfinished(path) == 4
    assert path.read_bytes() == b'{"kind":"a"}\n'
    assert cut_unfinished(path) == cut_unfinished(tmp_path / "none") == 0


@pytest.mark.parametrize("data", [b"x\n", b"[]\n", b"{}\n", b'{"kind":1}\n'])
def test_what_is_no_entry_is_refused(tmp_path: Path, data: bytes) -> None:
    """With a reason."""
    append(tmp_path, "2026-11-24", data)
    (line,) = read_lines(tmp_path)
    with pytest.raises(ValueError, match=r"no JSON|no entry"):
        line.entry()


def test_all_checkpoints_stay(tmp_path: Path) -> None:
    """The newest in its file, all in the history; a damaged history is named by its line."""
    assert history(tmp_path) == []
    for note in ("one", "two"):
        keep_checkpoint(tmp_path, note, "2026-11-24T10:15:00.000000Z")
    assert (tmp_path / CHECKPOINT).read_text() == "two"
    assert history(tmp_path) == [b"one", b"two"]
    with (tmp_path / HISTORY).open("a") as file:
        file.write("nothing\n")
    with pytest.raises(ValueError, match=r"jsonl:3: no checkpoint"):
        history(tmp_path)


def test_a_journal_has_a_log_for_each_node(tmp_path: Path) -> None:
    """None before the first seal."""
    assert logs_in(tmp_path) == []
    for node in ("edge2", "edge1"):
        (tmp_path / "log" / node).mkdir(parents=True)
    assert [path.name for path in logs_in(tmp_path)] == ["edge1", "edge2"]
