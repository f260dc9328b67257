from __future__ import annotations

from pathlib import Path

from shieldproxy.attribution.engine import available, connect, lines_of


def test_the_engine_is_here_and_within_bounds(tmp_path: Path) -> None:
    """The extra is installed where tests run; what does not fit in its memory goes where it was told."""
    assert available()
    with connect(tmp_path) as connection:
        (place, memory) = connection.execute(
            "SELECT current_setting('temp_directory'), current_setting('memory_limit')"
        ).fetchone() or ("", "")
    assert place == str(tmp_path)
    assert memory.endswith("MiB")


def test_packed_and_plain_lines_are_read_alike(tmp_path: Path) -> None:
    """A segment is compressed when it is old; what is no JSON is passed over."""
    line = '{"ts":"2026-11-24T10:15:00.000000Z","client":"192.0.2.7","weight":3}'
    plain, packed = tmp_path / "a.jsonl", tmp_path / "b.jsonl.zst"
    plain.write_text(f"{line}\ngarbage\n")
    with connect() as connection:
        connection.execute(
            f"COPY (SELECT '{line}') TO '{packed}' (FORMAT csv, HEADER false, QUOTE '', ESCAPE '', COMPRESSION zstd)"
        )
        source, parameters = lines_of([str(plain), str(packed)])
        rows = connection.execute(f"SELECT client, weight FROM {source} WHERE client IS NOT NULL", parameters)
        assert rows.fetchall() == [("192.0.2.7", 3)] * 2
