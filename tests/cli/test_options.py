from __future__ import annotations

from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from shieldproxy.cli.options import config_option, format_option, settings_of
from shieldproxy.core.errors import ConfigurationError


def test_the_file_that_is_named_is_read(tmp_path: Path) -> None:
    """Relative paths in it start at its folder."""
    file = tmp_path / "site.toml"
    file.write_text('[journal]\ndirectory = "j"\n')
    assert settings_of(file).journal.directory == tmp_path / "j"


def test_without_a_name_config_toml_beside_us_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """And the built-in settings where there is none."""
    monkeypatch.chdir(tmp_path)
    assert settings_of(None).journal.directory == Path("var/journal")
    (tmp_path / "config.toml").write_text('[journal]\ndirectory = "j"\n')
    assert settings_of(None).journal.directory == Path("j")


def test_a_file_that_is_not_there_is_a_problem(tmp_path: Path) -> None:
    """Whoever names a file means it."""
    with pytest.raises(ConfigurationError, match=r"none\.toml"):
        settings_of(tmp_path / "none.toml")


def test_the_options_are_handed_over() -> None:
    """As ``config`` and ``form``; another form than the three is refused."""

    @click.command()
    @config_option
    @format_option
    def command(config: Path | None, form: str) -> None:
        click.echo(f"{config} {form}")

    runner = CliRunner()
    assert runner.invoke(command, []).output == "None table\n"
    assert runner.invoke(command, ["-c", "a.toml", "--format", "csv"]).output == "a.toml csv\n"
    assert runner.invoke(command, ["--format", "xml"]).exit_code == 2
