"""Everything config.toml can say."""

from __future__ import annotations

import dataclasses
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from shieldproxy.core.verdict import ACTIONS
from shieldproxy.settings.conditions import Asked, Match, When
from shieldproxy.settings.limits import LimitTable, RuleTable
from shieldproxy.settings.reading import load
from shieldproxy.settings.schema import Answers, Settings
from shieldproxy.settings.suspicion import Suspicion
from tests.pems import write_pair

ROOT = Path(__file__).parents[2]
REFERENCE = (ROOT / "config.toml").read_text(encoding="utf-8")
# "#key = value" is an example to switch on; "# Text" explains.
EXAMPLES = re.sub(r"^#(?=[a-z\[])", "", REFERENCE, flags=re.MULTILINE)


def sections(kind: type[Any], name: str = "") -> Iterator[tuple[str, str]]:
    """Yield every section and key of the schema."""
    for field in dataclasses.fields(kind):
        inner = field.metadata.get("section")
        if inner is not None:
            yield from sections(inner, f"{name}.{field.name}" if name else field.name)
        elif name and "part" in field.metadata:
            yield name, field.name


def lookup(document: dict[str, Any], section: str) -> dict[str, Any]:
    """Return a section of a parsed document."""
    found: Any = document
    for step in section.split("."):
        found = found[step]
    assert isinstance(found, dict)
    return found


def examples() -> dict[str, Any]:
    """Return the reference with its examples switched on: where a key is there twice, the example counts."""
    kept: dict[tuple[str, str], int] = {}
    lines = EXAMPLES.splitlines()
    header = ""
    for number, line in enumerate(lines):
        if line.startswith("["):
            header = f"{line} {number}" if line.startswith("[[") else line
        elif match := re.match(r"([a-z_]+) =", line):
            earlier = kept.get((header, match[1]))
            if earlier is not None:
                lines[earlier] = ""
            kept[header, match[1]] = number
    return tomllib.loads("\n".join(lines))


@pytest.mark.parametrize(("section", "key"), list(sections(Settings)), ids=lambda text: text)
def test_every_key_stands_in_the_reference(section: str, key: str) -> None:
    """Whatever can be set is shown in config.toml, in its section, as a value or as an example."""
    assert key in lookup(examples(), section)


@pytest.mark.parametrize("kind", [LimitTable, RuleTable, Match, When, Asked, Answers, Suspicion])
def test_every_key_of_limits_and_rules_is_explained(kind: type[Any]) -> None:
    """The words of limits, rules and conditions stand in the reference too."""
    for field in dataclasses.fields(kind):
        assert re.search(rf"\b{field.name}\b", REFERENCE), field.name


def test_every_action_stands_in_the_reference() -> None:
    """All five words."""
    assert all(f'"{word}"' in REFERENCE or re.search(rf"#\s+{word}  ", REFERENCE) for word in ACTIONS)


def test_the_examples_of_the_reference_are_right(tmp_path: Path) -> None:
    """Whoever takes a # away gets a configuration that works, but for the files that are theirs."""
    text = EXAMPLES
    for key in ("hosts", "trusted_proxies", "clients", "paths", "nameservers"):
        text = re.sub(rf"^{key} = \[\]\n", "", text, flags=re.MULTILINE)
    pair = write_pair(tmp_path, "site")
    text = re.sub(r"^certificate = .*", f'certificate = "{pair.certificate}"', text, flags=re.MULTILINE)
    text = re.sub(r"^key = .*", f'key = "{pair.key}"', text, flags=re.MULTILINE)
    path = tmp_path / "config.toml"
    path.write_text(text, encoding="utf-8")
    settings = load(path)

    assert "search" in settings.limits
    assert settings.server.hosts == ("www.example.org", "example.org")
    assert len(settings.rules) == len(load(None).rules) + 1
    assert settings.server.tls is not None
    assert settings.server.tls.certificates[0].names == ("www.example.net", "*.example.net")


def test_the_reference_fits_a_page() -> None:
    """No line is longer than what a terminal and a printed page show."""
    assert max(map(len, REFERENCE.splitlines())) <= 120


def test_settings_without_arguments_are_the_built_in_sections() -> None:
    """Other rooms' tests can make settings; limits and rules come from load, which knows the standard."""
    settings, loaded = Settings(), load(None)
    names = {field.name for field in dataclasses.fields(Settings)} - {
        "limits",
        "rules",
        "places",
        "globs",
        "source_path",
    }

    assert all(getattr(settings, name) == getattr(loaded, name) for name in names)
    assert not settings.limits
    assert not settings.rules


def test_settings_are_frozen() -> None:
    """A reload makes new settings; nobody changes those in force."""
    with pytest.raises(dataclasses.FrozenInstanceError):
        Settings().server = None  # type: ignore[misc, assignment]
