from __future__ import annotations

import json
from pathlib import Path

from shieldproxy.cli.episodes import top_networks
from tests.attribution.conftest import flood
from tests.cli.conftest import Type
from tests.fakes.records import write_journal


def test_episodes_are_listed_one_a_line(typed: Type, tmp_path: Path) -> None:
    """With the parameters they are counted by beside them; only those of the month that is asked for."""
    write_journal(tmp_path / "journal", flood(calm=1_000))
    config = tmp_path / "config.toml"
    config.write_text('[journal]\ndirectory = "journal"\n')
    table = typed("episodes", "-c", config)
    assert table.exit_code == 0
    (line,) = table.stdout.splitlines()[1:]
    for part in ("E-2026-11-24-1", "2026-11-24 10:25", "2 min", "attack", "4,800", "200", "AS64500 50 %"):
        assert part in line
    assert len(line) <= 100
    assert "1 episode: an episode is at least 1.5 times" in table.stderr
    assert json.loads(typed("episodes", "-c", config, "--format", "json").stdout)["id"] == "E-2026-11-24-1"
    assert typed("episodes", "-c", config, "--month", "2020-01").stdout == ""


def test_the_heaviest_networks_stand_for_the_rest() -> None:
    """Three of them."""
    groups = [{"key": str(number), "share": 0.25} for number in range(4)]
    assert top_networks({"who": {"asns": {"groups": groups}}}) == "AS0 25 %, AS1 25 %, AS2 25 %"
