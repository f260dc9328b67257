"""Check: every problem at once, or the digest."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result

from tests.pems import write_pair

Type = Callable[..., Result]
BAD = '[server]\nmode = "loud"\n\n[limits.client]\nscope = "client"\nrate = 0\nburst = 5\naction = "throttle"\n'


def test_a_good_configuration_has_a_digest(tmp_path: Path, typed: Type) -> None:
    """A good file gives 0, its digest, and what it sets up."""
    path = tmp_path / "good.toml"
    path.write_text('[origin]\nurl = "http://127.0.0.1:9001"\n')
    result = typed("check", path)
    assert result.exit_code == 0
    assert result.stdout.splitlines()[0] == f"{path}: good"
    assert result.stdout.splitlines()[1].startswith("policy ")
    assert "-> http://127.0.0.1:9001" in result.stdout
    assert "limits.client: " in result.stdout


def test_every_problem_is_named_at_once(tmp_path: Path, typed: Type, objects: Callable[[Result], list[Any]]) -> None:
    """A bad file gives 2, nothing on stdout, and file:line: key: message for each problem."""
    path = tmp_path / "bad.toml"
    path.write_text(BAD)
    result = typed("check", path)
    assert result.exit_code == 2
    assert result.stdout == ""
    first, second, last = result.stderr.splitlines()
    assert first.startswith(f"{path}:2: server.mode: ")
    assert second.startswith(f"{path}:6: limits.client.rate: 0 is not allowed; allowed: ")
    assert last == "2 problems"
    problems = objects(typed("check", path, "--format", "json"))
    assert [(problem["line"], problem["key"]) for problem in problems] == [
        (2, "server.mode"),
        (6, "limits.client.rate"),
    ]


def test_certificates_are_shown_with_their_days(
    tmp_path: Path, typed: Type, objects: Callable[[Result], list[Any]]
) -> None:
    """Names and days left; one that ended or ends soon is a warning and no reason to refuse the file."""
    usual = write_pair(
        tmp_path, "usual", "a.example", "b.example", "c.example", "d.example", ends=dt.timedelta(days=80.5)
    )
    ended = write_pair(tmp_path, "ended", "old.example", begins=dt.timedelta(-90), ends=dt.timedelta(-2.5))
    path = tmp_path / "config.toml"
    path.write_text(
        f"[server.tls]\ncertificate = '{usual.certificate}'\nkey = '{usual.key}'\n"
        f"[[server.tls.certificates]]\ncertificate = '{ended.certificate}'\nkey = '{ended.key}'\n"
    )
    result = typed("check", path)
    assert result.exit_code == 0
    assert f"certificate {usual.certificate} for a.example, b.example, c.example ...: 80 days left" in result.stdout
    assert result.stderr == (
        f"warning: certificate {ended.certificate} ended 2 days ago: browsers warn every visitor\n"
    )
    first, second = objects(typed("check", path, "--format", "json"))[0]["certificates"]
    assert (first["days"], first["warning"]) == (80, "")
    assert (second["names"], second["days"]) == (["old.example"], -3)
    assert second["warning"].startswith("ended 2 days ago")


def test_a_key_of_another_certificate_is_named(tmp_path: Path, typed: Type) -> None:
    """With its line, the file, and what is wanted there."""
    one, other = write_pair(tmp_path, "one", "a.example"), write_pair(tmp_path, "other", "b.example")
    path = tmp_path / "config.toml"
    path.write_text(f"[server.tls]\ncertificate = '{one.certificate}'\nkey = '{other.key}'\n")
    result = typed("check", path)
    assert result.exit_code == 2
    assert result.stderr.startswith(
        f'{path}:3: server.tls.key: "{other.key}" is not the key of the first certificate in "{one.certificate}"; allowed: '
    )


@pytest.mark.parametrize("words", [("check",), ("check", "-c", "config.toml"), ("check", "config.toml")])
def test_the_file_is_named_or_found(
    tmp_path: Path, typed: Type, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...]
) -> None:
    """Without a name ./config.toml is checked; it may be named either way."""
    (tmp_path / "config.toml").write_text(BAD)
    monkeypatch.chdir(tmp_path)
    result = typed(*words)
    assert result.exit_code == 2
    assert "config.toml:2: server.mode" in result.stderr


def test_with_no_file_the_defaults_are_good(
    tmp_path: Path, typed: Type, monkeypatch: pytest.MonkeyPatch, objects: Callable[[Result], list[Any]]
) -> None:
    """Where there is no file the built-in defaults are checked, and are good."""
    monkeypatch.chdir(tmp_path)
    assert "built-in defaults: good" in typed("check").stdout
    (fields,) = objects(typed("check", "--format", "json"))
    assert fields["origin"] == "http://127.0.0.1:9000"
    assert fields["config"] == ""


def test_a_file_that_is_not_there_is_a_problem(tmp_path: Path, typed: Type) -> None:
    """A file that does not exist gives 2 and its name."""
    result = typed("check", tmp_path / "absent.toml")
    assert result.exit_code == 2
    assert "absent.toml" in result.stderr


def test_an_override_is_checked_too(typed: Type, tmp_path: Path) -> None:
    """What --set says is held to the same rules."""
    path = tmp_path / "good.toml"
    path.write_text("")
    result = typed("check", path, "--set", "server.workers=-1")
    assert result.exit_code == 2
    assert "server.workers" in result.stderr
