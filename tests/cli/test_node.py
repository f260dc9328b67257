"""Orders to the running node: what operators type in an emergency."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result

from shieldproxy.cli.node import amount, whoever
from tests.fakes.control_room import ControlRoom
from tests.fakes.node import networks

Type = Callable[..., Result]
Objects = Callable[[Result], list[Any]]


def test_a_ban_is_one_sentence(room: ControlRoom, typed: Type) -> None:
    """Banning says whom, how long and why, and the node has it."""
    result = typed("ban", "192.0.2.7", "--for", "10m", "--why", "flood", "-c", room.config)
    assert (result.exit_code, result.stdout) == (0, "banned 192.0.2.7 for 10m: flood\n")
    assert room.node.banned["192.0.2.7"] == (1_600.0, "flood")


def test_cautions_go_to_stderr(room: ControlRoom, typed: Type) -> None:
    """What an operator should know of a ban stands beside the answer, not in it."""
    room.node.exempt_clients = networks("2001:db8::/32")
    result = typed("ban", "2001:db8::1", "-c", room.config)
    assert result.stdout == "banned 2001:db8::/64 for 1h\n"
    assert "note: an IPv6 client is its /64" in result.stderr
    assert "note: exempt.clients holds 2001:db8::/32" in result.stderr


@pytest.mark.parametrize(
    ("words", "code", "told"),
    [
        (("ban", "AS64500"), 2, "a whole ASN is not banned"),
        (("ban", "0.0.0.0/0"), 2, "wider than /8"),
        (("ban", "192.0.2.1", "--for", "soon"), 2, '"soon" is not allowed; allowed: a duration from 1s to 365d'),
        (("ban", "192.0.2.1", "--for", "-5"), 2, "is not allowed"),
        (("ban", "192.0.2.1", "--why", "x" * 300), 2, "up to 200 characters"),
        (("ban", "10.0.0.1"), 1, "trusted proxy"),
        (("ban",), 2, "Missing argument 'KEY'"),
        (("unban", "192.0.2.1"), 1, "No ban of 192.0.2.1 is in force."),
        (("unban", "../../status"), 2, "key: "),
        (("unban", "a b\n\x1b[31m"), 2, "key: "),
        (("allow", "192.0.2.1", "--end"), 1, "No allowance of 192.0.2.1 is in force."),
        (("allow", "::/0"), 2, "wider than /19"),
    ],
)
def test_what_the_node_declines_is_one_plain_line(
    room: ControlRoom, typed: Type, words: tuple[str, ...], code: int, told: str
) -> None:
    """A wrong order ends with 2, one that must not be or finds nothing with 1, each in one printable line."""
    room.node.proxies = networks("10.0.0.0/24")
    result = typed(*words, "-c", room.config)
    assert result.exit_code == code
    assert told in result.stderr
    assert result.stdout == ""
    assert all(line.isprintable() for line in result.stderr.splitlines())
    assert room.node.banned == {}


def test_bans_are_listed_in_every_form(room: ControlRoom, typed: Type, objects: Objects) -> None:
    """The list is a table for people, JSON lines and CSV for programs; the reason cannot do harm in any."""
    room.node.banned["192.0.2.7"] = (1_060.0, "=cmd|' /C calc'!A0\x1b[2J")
    table = typed("bans", "-c", room.config)
    assert "192.0.2.7" in table.stdout
    assert "1m" in table.stdout
    assert "\x1b" not in table.stdout
    (entry,) = objects(typed("bans", "--format", "json", "-c", room.config))
    assert (entry["key"], entry["remaining"]) == ("192.0.2.7", 60.0)
    header, line = typed("bans", "--format", "csv", "-c", room.config).stdout.splitlines()
    assert header == "key,remaining,cause,rung,by,node"
    assert ",'=cmd" in line


def test_an_empty_list_says_so(room: ControlRoom, typed: Type) -> None:
    """Nobody banned is said to people, and is no line for programs."""
    assert typed("bans", "-c", room.config).stdout == "nobody is banned\n"
    assert typed("bans", "--format", "json", "-c", room.config).stdout == ""
    assert typed("allow", "-c", room.config).stdout == "nobody is allowed by hand\n"


def test_unban_lifts(room: ControlRoom, typed: Type, objects: Objects) -> None:
    """Lifting says whose ban, and names the ban around it that still holds."""
    room.node.ban("192.0.2.0/24", 60, "")
    room.node.ban("192.0.2.7", 60, "")
    result = typed("unban", "192.0.2.7", "-c", room.config)
    assert result.stdout == "lifted the ban of 192.0.2.7\n"
    assert "still banned as part of 192.0.2.0/24" in result.stderr
    assert objects(typed("unban", "192.0.2.0/24", "--format", "json", "-c", room.config)) == [
        {"lifted": "192.0.2.0/24"}
    ]


def test_allow_gives_lists_and_ends(room: ControlRoom, typed: Type) -> None:
    """One command lets somebody through, shows who is, and ends it."""
    given = typed("allow", "192.0.2.7", "--for", "90", "--why", "citizen", "-c", room.config)
    assert given.stdout == "allowed 192.0.2.7 for 1m 30s: citizen\n"
    assert "citizen" in typed("allow", "-c", room.config).stdout
    assert typed("allow", "192.0.2.7", "--end", "-c", room.config).stdout == "ended the allowance of 192.0.2.7\n"


def test_reload_says_what_holds_now(room: ControlRoom, typed: Type, objects: Objects) -> None:
    """A reload that was taken names the policy."""
    assert typed("reload", "-c", room.config).stdout.startswith("reloaded, policy 0123456789abcdef")
    assert objects(typed("reload", "--format", "json", "-c", room.config))[0]["policy"].startswith("0123")


def test_a_refused_reload_names_every_problem_and_ends_with_2(room: ControlRoom, typed: Type) -> None:
    """A reload with problems lists them all and says that the old configuration stays."""
    room.node.problems = ("config.toml:3: server.mode: wrong", "config.toml:9: limits.x: wrong\x07")
    result = typed("reload", "-c", room.config)
    assert result.exit_code == 2
    assert result.stderr.splitlines() == [
        "config.toml:3: server.mode: wrong",
        "config.toml:9: limits.x: wrong\\x07",
        "not reloaded: the node keeps the configuration it has",
    ]


@pytest.mark.parametrize("words", [("status",), ("bans",), ("top",), ("reload",), ("ban", "192.0.2.1"), ("allow",)])
def test_a_node_that_does_not_run_is_exit_3_in_one_line(room: ControlRoom, typed: Type, words: tuple[str, ...]) -> None:
    """Without a node the answer is one plain line with the address and what to do, and exit code 3."""
    room.close()
    result = typed(*words, "-c", room.config)
    assert result.exit_code == 3
    assert result.stdout == ""
    (line,) = result.stderr.splitlines()
    assert line == (
        f"no node answers at {room.listen} (Connection refused); start one with: shieldproxy run, "
        "or name its configuration with -c"
    )


def test_a_node_that_never_ran_is_exit_3(tmp_path: Path, typed: Type) -> None:
    """Where no token was ever made nobody can be asked, and the line says where it looked."""
    config = tmp_path / "config.toml"
    config.write_text("")
    result = typed("status", "-c", config)
    assert result.exit_code == 3
    assert "control.token: is not there" in result.stderr
    assert "shieldproxy run" in result.stderr


def test_a_config_file_that_is_not_there_is_exit_2(tmp_path: Path, typed: Type) -> None:
    """A -c FILE that does not exist is wrong usage, named."""
    result = typed("bans", "-c", tmp_path / "absent.toml")
    assert result.exit_code == 2
    assert "absent.toml" in result.stderr


def test_a_foreign_token_is_exit_2(room: ControlRoom, typed: Type) -> None:
    """When the token file is not the node's, the refusal is said plainly."""
    room.token_file.write_text("0" * 64)
    result = typed("bans", "-c", room.config)
    assert result.exit_code == 2
    assert "token" in result.stderr


@pytest.mark.parametrize(("written", "sent"), [("90", 90.0), ("1.5", 1.5), ("10m", "10m"), ("x", "x"), ("-5", "-5")])
def test_a_plain_number_is_seconds(written: str, sent: object) -> None:
    """A time without a unit is seconds, as in config.toml."""
    assert amount(written) == sent


def nobody() -> str:
    """Fail as the standard library does for an account without a name."""
    raise KeyError("getpwuid(): uid not found: 1234")


def test_a_reload_is_told_whose_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever became root is named by the own name; an account without a name is nobody."""
    monkeypatch.setenv("SUDO_USER", "anna")
    assert whoever() == "anna"
    monkeypatch.delenv("SUDO_USER")
    monkeypatch.setattr("getpass.getuser", nobody)
    assert whoever() == ""
