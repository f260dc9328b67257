"""Flattening: two configurations differ in exactly the keys that were changed."""

from __future__ import annotations

import pytest

from shieldproxy.settings.flattening import MOST_TEXT, differences, flat
from shieldproxy.settings.reading import load


def changed(*overrides: str) -> dict[str, tuple[str, str]]:
    found = differences(flat(load(None)), flat(load(None, overrides)))
    return {change["key"]: (change["old"], change["new"]) for change in found}


@pytest.mark.parametrize(
    ("override", "key", "old", "new"),
    [
        ("limits.client.rate=20", "limits.client.rate", "10.0", "20.0"),
        ('limits.client.mode="observe"', "limits.client.mode", '"enforce"', '"observe"'),
        ('exempt.clients=["192.0.2.1"]', "exempt.clients", "[]", '["192.0.2.1/32"]'),
        ('origin.connect_timeout="3s"', "origin.connect_timeout", "5.0", "3.0"),
        ("challenge.answers.rate=3", "challenge.answers.rate", "2.0", "3.0"),
        ('server.mode="observe"', "server.mode", '"ENFORCE"', '"OBSERVE"'),
    ],
)
def test_one_change_is_one_line(override: str, key: str, old: str, new: str) -> None:
    """The key as config.toml names it, the old value and the new one."""
    assert changed(override) == {key: (old, new)}


def test_a_limit_that_comes_or_goes_is_named_by_its_keys() -> None:
    """Nothing stands where nothing was; what a condition does not ask is left out."""
    found = changed('limits.search={scope="client", rate=1, match={path="/s*"}}')
    assert found["limits.search.rate"] == ("", "1.0")
    assert found["limits.search.match"][1].startswith('{"path"')
    assert all(old == "" for old, _ in found.values())
    assert set(changed("rules=[]")) >= {"rules.no-accept.weight", "rules.no-accept.when"}


def test_a_long_list_is_cut() -> None:
    """A list of networks fills no log."""
    networks = ", ".join(f'"192.0.{number}.0/24"' for number in range(200))
    assert len(changed(f"exempt.clients=[{networks}]")["exempt.clients"][1]) == MOST_TEXT


def test_the_same_is_no_change() -> None:
    """Where the file lies and how it was written does not count."""
    assert changed() == {}
