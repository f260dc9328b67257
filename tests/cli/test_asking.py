from __future__ import annotations

from typing import Any

import click
import pytest
from click.testing import CliRunner

from shieldproxy.cli.asking import filter_of, filter_options, span_options
from shieldproxy.journal.filters import NOT_ADMITTED, Filter


def asked(*arguments: str) -> Filter:
    """Return the filter that options on a command line make."""
    found: list[Filter] = []

    @click.command()
    @span_options
    @filter_options
    def command(**options: Any) -> None:
        found.append(filter_of(options))

    result = CliRunner().invoke(command, arguments)
    if result.exit_code:
        raise ValueError(result.output)
    return found[0]


def test_without_options_it_is_what_was_not_admitted() -> None:
    """An operator looks at refusals first."""
    assert asked() == Filter(actions=NOT_ADMITTED)
    assert asked("--action", "any") == Filter()


def test_every_option_becomes_a_part() -> None:
    """And each may be given several times."""
    found = asked(
        "--since", "2026-11-24", "--until", "2026-11-24", "--action", "drop,refuse", "--client", "203.0.113.7",
        "--client", "2001:db8::1", "--network", "vpn", "--network", "198.51.100.0/24", "--asn", "AS64500", "--asn", "1",
        "--country", "ch", "--path", "/a*", "--rule", "client", "--host", "example.org", "--episode", "e1",
        "--ja4", "t13*",
    )  # fmt: skip
    assert (found.since, found.until) == ("2026-11-24T00:00:00.000000Z", "2026-11-24T23:59:59.999999Z")
    assert found.actions == {"drop", "refuse"}
    assert [str(network) for network in found.clients] == ["203.0.113.7/32", "2001:db8::/64"]
    assert [str(network) for network in found.networks] == ["198.51.100.0/24"]
    assert found.classes == {"vpn"}
    assert found.asns == {64500, 1}
    assert found.countries == {"CH"}
    assert (found.paths, found.rules, found.hosts) == (("/a*",), ("client",), ("example.org",))
    assert found.episodes == {"e1"}
    assert found.ja4s == ("t13*",)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--since", "soon"), "15m"),
        (("--until", "2026-99-99"), "15m"),
        (("--since", "2026-11-25", "--until", "2026-11-24"), "is after"),
        (("--action", "block"), "challenge"),
        (("--client", "me"), "203.0.113.0/24"),
        (("--network", "here"), "hosting"),
        (("--asn", "x"), "AS64500"),
        (("--country", "xyz"), "CH"),
    ],
)
def test_a_wrong_value_is_refused_with_what_is_allowed(arguments: tuple[str, ...], said: str) -> None:
    """The option is named, and so are the forms it takes."""
    with pytest.raises(ValueError, match=arguments[0]) as caught:
        asked(*arguments)
    assert said in str(caught.value)
