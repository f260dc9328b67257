from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from shieldproxy.cli.explain import as_text, explain
from shieldproxy.cli.explanation import Explanation
from shieldproxy.core.printing import printable
from shieldproxy.core.record import Record
from shieldproxy.core.verdict import Side
from shieldproxy.settings.reading import load
from tests.fakes.records import record_at, write_journal

Run = Callable[..., Result]


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """Run ``shieldproxy explain`` with the arguments."""
    file = tmp_path / "config.toml"
    file.write_text('[journal]\ndirectory = "journal"\n')
    return lambda *arguments: CliRunner().invoke(explain, ["-c", str(file), *arguments])


def test_one_decision_is_told_in_full(tmp_path: Path, run: Run) -> None:
    """When, who, what, the answer, each stage, the bucket with its limit, and the key behind it."""
    write_journal(tmp_path / "journal", [record_at(0, id="6b0563a4.0.1", geo="snapshot 2026-09"), record_at(1)])
    result = run(" 6b0563a4.0.1 ")
    assert result.exit_code == 0
    for part in (
        "6b0563a4.0.1 was told to come later (action throttle, stage over_own_limit)",
        "more than 10 requests a second; decided by limits.client.rate (built-in)",
        "2026-11-24 10:15:00.000 UTC, node edge1",
        "203.0.113.7 port 40000",
        "AS64500 Flood Hosting, CH, class hosting (as snapshot 2026-09 said then)",
        "GET /search?q=a",
        "status 429, come again after 0.1 s",
        "> over_own_limit     limit client is overdrawn",
        "  banned             no ban in force",
        "  cleared            not asked",
        "overdrawn, next in 0.1 s (at most 50, 10 a second, each client)",
    ):
        assert part in result.stdout


def test_programs_get_the_same_as_json(tmp_path: Path, run: Run) -> None:
    """One object: the record, stages, buckets, rules, cause."""
    write_journal(tmp_path / "journal", [record_at(0, id="6b0563a4.0.1")])
    found = json.loads(run("6b0563a4.0.1", "--format", "json").stdout)
    assert Record.from_dict(found["record"]).id == "6b0563a4.0.1"
    assert [step["stage"] for step in found["stages"] if step["said"] == "decided"] == ["over_own_limit"]
    assert found["buckets"][0] | {"place": ""} == {
        "limit": "client", "slack": -0.1, "overdrawn": True, "scope": "client", "rate": 10.0, "burst": 50.0, "place": "",
    }  # fmt: skip
    assert found["same_policy"] is False


def test_an_unknown_id_ends_with_1_and_advice(tmp_path: Path, run: Run) -> None:
    """What an ID looks like, why it may be missing, and what to try."""
    result = run("6b0563a4.0.1")
    assert (result.exit_code, result.stdout) == (1, "")
    assert "no journal" in result.stderr
    write_journal(tmp_path / "journal", [record_at(0)])
    result = run("\x1b[2J")
    assert (result.exit_code, result.stdout) == (1, "")
    assert "logs --client" in result.stderr
    assert "\x1b" not in result.stderr


def test_a_record_that_cannot_be_read_ends_with_1(tmp_path: Path, run: Run) -> None:
    """A line another program spoiled is said to be so."""
    write_journal(tmp_path / "journal", [record_at(0, id="6b0563a4.0.1")])
    (path,) = tmp_path.rglob("*.jsonl")
    path.write_bytes(path.read_bytes().replace(b'"status":429', b'"status":"429"'))
    result = run("6b0563a4.0.1")
    assert result.exit_code == 1
    assert "status" in result.stderr


def test_a_hostile_request_is_explained_without_harm(tmp_path: Path, run: Run) -> None:
    """Nothing a client sent begins a line or speaks to the terminal."""
    evil = "/\n\nexempt by you\x1b[2J\u202e\x9b"
    fields = dict.fromkeys(("path", "query", "host", "user_agent", "referer", "as_name", "rule", "method"), evil)
    write_journal(tmp_path / "journal", [record_at(0, id="6b0563a4.0.1", reasons=(evil,), **fields)])
    out = run("6b0563a4.0.1").stdout
    assert all(character == "\n" or character.isprintable() for character in out)
    assert not any(line.startswith("exempt by you") for line in out.splitlines())


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"weight": 120}, "stands for 120 requests"),
        ({"enforced": False}, "mode was observe"),
        ({"side": Side.ORIGIN.value}, "does not count against the client"),
        ({"referer": "https://a/"}, "referer https://a/"),
        ({"ja4": "t13d1516h2_8daaf6152771_e5627efa2ab1"}, "TLS fingerprint (JA4) t13d1516h2_8daaf6152771_e5627efa2ab1"),
        ({"asn": 0, "country": "", "as_name": ""}, "no known network, country not known"),
        ({"client": "2001:db8::/64", "src_ip": "2001:db8::1"}, "2001:db8::1 port 40000, counted as 2001:db8::/64"),
        ({"challenge": "passed"}, "challenge passed"),
        ({"status": 0}, "no answer"),
        ({"user_agent": ""}, "user agent (none)"),
    ],
)
def test_what_is_special_is_said(fields: dict[str, object], said: str) -> None:
    """And only where it is."""
    settings = load(None)
    assert any(said in line for line in as_text(Explanation(record_at(0, **fields), settings)))
    assert not any(said in line for line in as_text(Explanation(record_at(0), settings)))


def test_lines_are_cut_nowhere() -> None:
    """An explanation is whole, however long a user agent is."""
    text = "\n".join(printable(line) for line in as_text(Explanation(record_at(0, user_agent="x" * 500), load(None))))
    assert "x" * 500 in text
