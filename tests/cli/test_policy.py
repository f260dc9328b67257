from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from shieldproxy.cli.policy import policy
from shieldproxy.core.record import rfc3339
from shieldproxy.state.policies import PolicyLog
from tests.fakes.records import TEN_FIFTEEN, record_at, write_journal

# A year before the fake journal's usual day: its hour after is over, whenever the test runs.
MOMENT = TEN_FIFTEEN - 2 * 365 * 86_400


@pytest.fixture
def run(tmp_path: Path) -> Any:
    """Run ``shieldproxy policy history`` in a folder of the test."""
    config = tmp_path / "config.toml"
    config.write_text('[state]\ndirectory = "state"\n[journal]\ndirectory = "journal"\n')
    (tmp_path / "state").mkdir()

    def invoke(*arguments: str) -> Result:
        return CliRunner().invoke(policy, ["history", "-c", str(config), *arguments])

    return invoke


def write(folder: Path) -> None:
    change = {"key": "limits.client.rate", "old": "10.0", "new": "20.0"}
    log = PolicyLog(folder / "state")
    log.add({"ts": rfc3339(MOMENT - 5_000), "event": "start", "policy": "aaaa", "mode": "observe", "changes": []}, {})
    log.add(
        {
            "ts": rfc3339(MOMENT),
            "event": "reload",
            "policy": "bbbb",
            "mode": "enforce",
            "by": "anna",
            "changes": [change],
        },
        {},
    )
    seconds = MOMENT - TEN_FIFTEEN
    admitted: dict[str, Any] = {"action": "admit", "stage": "admit", "rule": ""}
    write_journal(
        folder / "journal",
        [
            record_at(seconds - 3_700),
            record_at(seconds - 100, weight=40),
            record_at(seconds + 100, **admitted, challenge="passed"),
            record_at(seconds + 200, **admitted, side="origin", weight=2),
            record_at(seconds + 300, enforced=False),
            record_at(seconds + 3_700),
        ],
    )


def test_each_change_shows_the_hours_around_it(tmp_path: Path, run: Any) -> None:
    """Which keys, from what to what, and what was decided in the hour before and after, exact to the request."""
    write(tmp_path)
    rows = [json.loads(line) for line in run("--format", "json").stdout.splitlines()]
    assert [row["policy"] for row in rows] == ["aaaa", "bbbb"]
    before, after = rows[1]["before"], rows[1]["after"]
    assert (before["throttle"], before["admit"]) == (40, 0)
    assert (after["throttle"], after["admit"], after["passed"], after["failed"]) == (0, 4, 1, 2)


def test_people_read_it_in_a_hundred_columns(tmp_path: Path, run: Any) -> None:
    """One paragraph for each, the newest last."""
    write(tmp_path)
    text = run("--limit", "1").stdout
    assert "reload: policy bbbb" in text
    assert "limits.client.rate: 10.0 -> 20.0" in text
    assert "aaaa" not in text
    assert max(len(line) for line in text.splitlines()) <= 100


def test_a_node_that_never_ran_has_no_history(run: Any) -> None:
    """It is said, and is no failure."""
    result = run()
    assert (result.exit_code, "No history" in result.stderr) == (0, True)


def test_who_changed_it_stands_in_its_line(tmp_path: Path, run: Any) -> None:
    """Where it is known: an entry of an older node says nothing of it."""
    write(tmp_path)
    first, second = [line for line in run().stdout.splitlines() if "Z " in line]
    assert second.endswith("by anna")
    assert " by " not in first
