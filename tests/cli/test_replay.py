from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from shieldproxy.cli.replay import replay
from tests.fakes.logs import combined, reader_of_pages, write_log

CONFIG = '[limits.client]\nscope = "client"\nrate = {rate}\nburst = 1\n[state]\nbuckets = 4096\n'


@pytest.fixture
def run(tmp_path: Path) -> Any:
    """Run ``shieldproxy replay`` over a log of one person and one flood."""
    flood = [combined(40, "203.0.113.7", agent="curl/8")] * 50
    log = write_log(tmp_path / "a.log", [*reader_of_pages("198.51.100.1", 0), *flood])
    for name, rate in (("strict", 0.001), ("wide", 1_000)):
        (tmp_path / f"{name}.toml").write_text(CONFIG.format(rate=rate))

    def invoke(*arguments: str) -> Result:
        return CliRunner().invoke(replay, [str(log), "-c", str(tmp_path / "strict.toml"), *arguments])

    return invoke


def test_a_table_says_who_would_be_stopped(run: Any) -> None:
    """Totals, kinds, causes, six ways of looking at it, and the people with what is meant by them."""
    result = run()
    assert result.exit_code == 0
    for words in ("56 requests", "What changes", "By address", "203.0.113.7", "By asn", "People hurt: 1 of 1"):
        assert words in result.stdout
    assert max(len(line) for line in result.stdout.splitlines()) <= 100


def test_whose_requests_they_are_is_told_in_each_listing(run: Any) -> None:
    """A network in which people are met is seen as one."""
    rows = json.loads(run("--format", "json").stdout)["by"]
    assert {row["key"]: row["people"] for row in rows["address"]} == {"198.51.100.1": 5, "203.0.113.7": 0}
    assert {row["key"]: row["people"] for row in rows["path"]}["/style.css"] > 0
    assert "of people" in run().stdout


def test_json_is_one_object(run: Any, tmp_path: Path) -> None:
    """A program reads the same figures from one line."""
    found = json.loads(run("--format", "json", "--against", str(tmp_path / "wide.toml")).stdout)
    assert found["requests"] == 56
    assert found["after"]["throttle"] == 54
    assert found["hurt"]["share"] == 1.0


@pytest.mark.parametrize(("bound", "code"), [("0.1%", 1), ("0.999", 1), ("100%", 0)])
def test_too_many_people_hurt_end_with_one(run: Any, bound: str, code: int) -> None:
    """A script can refuse a configuration that would lock people out."""
    assert run("--max-people-hurt", bound).exit_code == code


def test_wrong_words_end_with_two(run: Any, tmp_path: Path) -> None:
    """A share beyond the whole, a configuration that is none, a log that is none."""
    assert run("--max-people-hurt", "200%").exit_code == 2
    (tmp_path / "broken").write_bytes(b"x\n" * 2_000)
    result = CliRunner().invoke(replay, [str(tmp_path / "broken"), "-c", str(tmp_path / "wide.toml")])
    assert (result.exit_code, "no log" in result.stderr) == (2, True)


def test_a_log_without_a_request_is_no_proof(tmp_path: Path) -> None:
    """Nothing read means nothing shown: the bound is not kept by an empty file."""
    (tmp_path / "empty.log").write_text("")
    (tmp_path / "c.toml").write_text("")
    assert CliRunner().invoke(replay, [str(tmp_path / "empty.log"), "-c", str(tmp_path / "c.toml")]).exit_code == 1


def test_learning_leaves_a_file_for_the_node_and_only_then(run: Any, tmp_path: Path) -> None:
    """Nothing is written without being asked for; what stands in the way of it ends with 2."""
    config = tmp_path / "strict.toml"
    state = tmp_path / "state"
    config.write_text(f'{config.read_text()}directory = "{state}"\n')
    assert run().exit_code == 0
    assert not state.exists()
    result = run("--learn")
    assert "Learned from" in result.stdout
    assert {path.name for path in (state / "learned").iterdir()} == {"usual.json", "seasons.json"}
    assert json.loads(run("--learn", "--format", "json").stdout)["learned"]["networks"] >= 0
    config.write_text(config.read_text().replace(str(state), str(tmp_path / "a.log")))
    assert run("--learn").exit_code == 2
