from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from shieldproxy.cli.logs import columns, logs
from shieldproxy.core.record import Record
from tests.fakes.records import record_at, segment_writer, write_journal

Run = Callable[..., Result]


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """A configuration whose journal is ``tmp_path/journal``."""
    file = tmp_path / "config.toml"
    file.write_text('[journal]\ndirectory = "journal"\n')
    return file


@pytest.fixture
def run(config: Path) -> Run:
    """Run ``shieldproxy logs`` with the arguments."""
    return lambda *arguments: CliRunner().invoke(logs, ["-c", str(config), *arguments])


# Six years before the others, so that it is never today.
OLD = -2192 * 86_400


def records() -> list[Record]:
    return [
        record_at(OLD, id="6b0563a4.0.1", action="admit", stage="admit", rule="", status=200),
        record_at(OLD + 1, id="6b0563a5.0.2"),
        record_at(OLD + 2, id="6b0563a6.0.3", action="drop", stage="banned", rule="bans", country="LI", asn=64501),
        record_at(OLD + 3, id="6b0563a7.0.4", action="challenge", stage="saturated", rule="", status=503, weight=120),
    ]


def test_what_was_not_admitted_is_shown_the_newest_last(tmp_path: Path, run: Run) -> None:
    """One line for each, with ID, client, network, action, rule, status, request, and how many it stands for."""
    write_journal(tmp_path / "journal", records())
    result = run()
    assert result.exit_code == 0
    lines = result.stdout.splitlines()
    assert [line.split()[2] for line in lines[1:]] == ["6b0563a5.0.2", "6b0563a6.0.3", "6b0563a7.0.4"]
    for part in ("11-23 10:15:01", "203.0.113.7", "AS64500 CH", "throttle", "client", "429", "GET /search?q=a"):
        assert part in lines[1]
    assert "saturated" in lines[3]
    assert lines[3].split()[-1] == "x120"
    assert max(len(line) for line in lines) <= 100


def test_admitted_ones_too_when_asked(tmp_path: Path, run: Run) -> None:
    """``--action any`` shows everything."""
    write_journal(tmp_path / "journal", records())
    assert len(run("--action", "any").stdout.splitlines()) == 5
    assert len(run("--action", "admit", "--format", "json").stdout.splitlines()) == 1


def test_json_is_the_record_itself(tmp_path: Path, run: Run) -> None:
    """One object a line, with every field."""
    write_journal(tmp_path / "journal", records())
    found = [Record.from_dict(json.loads(line)) for line in run("--format", "json").stdout.splitlines()]
    assert found == [record._replace(seq=n + 1) for n, record in enumerate(records())][1:]


def test_csv_has_every_field_in_the_order_of_the_contract(tmp_path: Path, run: Run) -> None:
    """A header, then one line for each."""
    write_journal(tmp_path / "journal", records())
    lines = run("--format", "csv").stdout.splitlines()
    assert lines[0] == ",".join(Record._fields)
    assert len(lines) == 4


def test_the_last_ones_are_shown_and_that_there_are_more(tmp_path: Path, run: Run) -> None:
    """Fifty by default, as many as asked, all with 0; nothing is left out in silence."""
    write_journal(tmp_path / "journal", [record_at(n) for n in range(70)])
    result = run("--format", "json")
    assert len(result.stdout.splitlines()) == 50
    assert json.loads(result.stdout.splitlines()[-1])["seq"] == 70
    assert "last 50" in result.stderr
    result = run("--format", "json", "--limit", "0")
    assert [json.loads(line)["seq"] for line in result.stdout.splitlines()] == list(range(1, 71))
    assert result.stderr == ""
    assert len(run("-n", "3").stdout.splitlines()) == 4


@pytest.mark.parametrize(
    ("arguments", "count"),
    [
        (("--country", "LI"), 1),
        (("--asn", "AS64500"), 2),
        (("--rule", "client"), 1),
        (("--client", "203.0.113.0/24", "--action", "any"), 4),
        (("--network", "hosting"), 3),
        (("--path", "/other"), 0),
        (("--since", "2020-11-23T10:15:02Z", "--until", "2020-11-23T10:15:02Z"), 1),
        (("--host", "*.EXAMPLE.org"), 3),
        (("--episode", "e1"), 0),
    ],
)
def test_options_choose(tmp_path: Path, run: Run, arguments: tuple[str, ...], count: int) -> None:
    """Each option narrows the listing."""
    write_journal(tmp_path / "journal", records())
    assert len(run("--format", "json", *arguments).stdout.splitlines()) == count


def test_nothing_found_is_said_beside_the_listing(tmp_path: Path, run: Run) -> None:
    """With what may be the reason; it is no error."""
    result = run()
    assert (result.exit_code, result.stdout) == (0, "")
    assert "no journal" in result.stderr
    write_journal(tmp_path / "journal", records()[:1])
    result = run()
    assert (result.exit_code, result.stdout) == (0, "")
    assert "--action any" in result.stderr


def test_a_broken_line_is_named(tmp_path: Path, run: Run) -> None:
    """The rest is shown."""
    write_journal(tmp_path / "journal", records())
    (path,) = tmp_path.rglob("*.jsonl")
    path.write_bytes(path.read_bytes() + b"oops\n")
    result = run()
    assert len(result.stdout.splitlines()) == 4
    assert f"1 lines of the journal are no records: {path}:5" in result.stderr


def test_a_hostile_request_forges_no_line(tmp_path: Path, run: Run) -> None:
    """A path with a newline, an escape and a direction mark is one row, whatever the format."""
    path = "/\n10:15:09 6b0563a5.0.9 forged\x1b[2J\u202e\x9b"
    write_journal(tmp_path / "journal", [record_at(0, path=path, user_agent=path, as_name=path, method=path)])
    for form, count in (("table", 2), ("json", 1), ("csv", 2)):
        out = run("--format", form).stdout
        assert len(out.splitlines()) == count
        assert all(character == "\n" or character.isprintable() for character in out)


def test_what_was_only_observed_is_said_so(tmp_path: Path, run: Run) -> None:
    """In mode observe nothing was refused, and the listing does not claim it."""
    write_journal(tmp_path / "journal", [record_at(0, enforced=False)])
    assert "would throttle" in run().stdout


def test_a_wide_terminal_shows_the_stage_and_a_narrow_one_stays_readable() -> None:
    """At 80 columns the status gives way; from 120 on the stage stands beside the rule."""
    row = record_at().to_dict()
    titles = {room: [column.title for column in columns(room, dates=False)] for room in (80, 100, 120)}
    assert "code" not in titles[80]
    assert "code" in titles[100]
    texts = {room: [column.text(row) for column in columns(room, dates=False)] for room in (100, 120)}
    assert "client" in texts[100]
    assert "client (over_own_limit)" in texts[120]


def test_a_line_of_another_program_is_shown_as_far_as_it_goes(tmp_path: Path, run: Run) -> None:
    """Missing fields leave cells empty."""
    write_journal(tmp_path / "journal", records())
    (path,) = tmp_path.rglob("*.jsonl")
    path.write_bytes(b'{"ts":"2026-11-24T10:15:00.500000Z","action":"drop"}\n')
    result = run()
    assert result.exit_code == 0
    assert "drop" in result.stdout


def test_following_shows_the_last_ones_and_then_each_as_it_is_written(tmp_path: Path, config: Path) -> None:
    """Until Ctrl-C, which is a good end."""
    writer = segment_writer(tmp_path / "journal")
    writer.write([record_at(n) for n in range(12)])
    process = subprocess.Popen(
        [sys.executable, "-m", "shieldproxy", "logs", "-f", "-c", str(config), "--format", "json"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONUNBUFFERED": "1"},
    )
    assert process.stdout is not None
    try:
        assert [json.loads(process.stdout.readline())["seq"] for _ in range(10)] == list(range(3, 13))
        writer.write([record_at(12), record_at(13, action="admit"), record_at(14)])
        assert [json.loads(process.stdout.readline())["seq"] for _ in range(2)] == [13, 15]
        # It may be anywhere between two looks; a signal finds it everywhere.
        time.sleep(0)
        process.send_signal(signal.SIGINT)
        assert process.wait(30) == 0
    finally:
        process.kill()
        process.communicate()


def test_what_a_limit_that_observes_would_do_is_shown(tmp_path: Path, run: Run) -> None:
    """Whom it would have met can be asked for, and the line says what and by which limit."""
    quiet = record_at(
        OLD, action="admit", stage="admit", rule="", status=200, reasons=("would throttle: limits.search",)
    )
    write_journal(tmp_path / "journal", [quiet, record_at(OLD + 1, action="admit", stage="admit", rule="", reasons=())])
    lines = run("--action", "any", "--rule", "would *").stdout.splitlines()
    assert len(lines) == 2
    assert "would throttle" in lines[1]
    assert " search " in lines[1]
