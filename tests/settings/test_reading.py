"""config.toml and the command line become Settings, or every problem at once."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shieldproxy.core.errors import ConfigurationError, Problem
from shieldproxy.core.facts import Posture
from shieldproxy.core.verdict import Mode
from shieldproxy.settings.compiling import compile_policy
from shieldproxy.settings.endpoints import Listen, OriginUrl
from shieldproxy.settings.reading import load

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
GOOD = sorted((HERE / "good").glob("*.toml"))
BAD = sorted((HERE / "bad").glob("*.toml"))
EXPECTED = re.compile(r"^# expect: (.*)$", re.MULTILINE)


def problems(path: Path | None, overrides: list[str] | None = None, **flags: str) -> list[str]:
    """Return what load says is wrong, one text a problem."""
    with pytest.raises(ConfigurationError) as caught:
        load(path, overrides or [], **flags)
    return [str(problem) for problem in caught.value.problems]


@pytest.mark.parametrize("path", GOOD, ids=lambda path: path.stem)
def test_a_good_file_is_read_and_compiled(path: Path) -> None:
    """Every file in good/ becomes settings and a policy."""
    settings = load(path)

    assert settings.source_path == path
    assert re.fullmatch(r"[0-9a-f]{16}", compile_policy(settings).digest)


@pytest.mark.parametrize("path", BAD, ids=lambda path: path.stem)
def test_a_bad_file_gets_exactly_the_problems_it_states(path: Path) -> None:
    """Every file in bad/ states in its first lines all that will be said about it, with line and key."""
    expected = EXPECTED.findall(path.read_text(encoding="utf-8"))

    assert expected, "a bad file states what it expects"
    assert [f"{path}:{text}" for text in expected] == problems(path)


def test_there_are_enough_bad_files() -> None:
    """The collection of mistakes is not lost by a careless pattern of names."""
    assert len(BAD) >= 80


def test_the_reference_says_what_holds_without_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """config.toml of the repository and no file at all are the same settings and the same policy."""
    monkeypatch.chdir(ROOT)
    written, built_in = load(Path("config.toml")), load(None)

    assert written == built_in
    assert compile_policy(written) == compile_policy(built_in)


def test_no_file_protects() -> None:
    """Without any file a site has individual and collective limits, and rules that weigh."""
    settings = load(None)

    assert set(settings.limits) == {"client", "clearance", "network", "asn", "robots"}
    assert {rule.name for rule in settings.rules} >= {"hosting-network", "impostor-crawler"}
    assert settings.source_path is None


def test_what_a_file_leaves_out_keeps_its_built_in_value() -> None:
    """An empty file is no file."""
    settings = load(HERE / "good" / "empty.toml")

    assert compile_policy(settings) == compile_policy(load(None))
    assert (settings.server, settings.origin, settings.challenge) == (
        load(None).server,
        load(None).origin,
        load(None).challenge,
    )


def test_limits_in_a_file_replace_the_built_in_ones() -> None:
    """A limit that is not in a file with limits does not hold; rules are another matter."""
    settings = load(HERE / "good" / "one-limit.toml")

    assert list(settings.limits) == ["client"]
    assert settings.limits["client"].burst == 10.0, "five seconds of the rate"
    assert settings.rules == load(None).rules


def test_both_lists_can_be_emptied() -> None:
    """An empty [limits] and an empty list of rules mean none."""
    settings = load(HERE / "good" / "no-limits-no-rules.toml")

    assert not settings.limits
    assert settings.rules == ()


def test_every_spelling_of_toml_is_read() -> None:
    """Quotes, dots, comments, hexadecimal numbers and inline tables say what they say."""
    settings = load(HERE / "good" / "spelled-differently.toml")

    assert settings.server.listen == (Listen("127.0.0.1", 8081),)
    assert settings.server.mode is Mode.OBSERVE
    assert (settings.server.timeouts.header, settings.server.timeouts.idle) == (90.0, 60.0)
    assert (settings.limits["client"].rate, settings.limits["client"].burst) == (10.0, 50.0)
    assert settings.server.sizes.head == 32_768


def test_a_file_of_another_system_is_read(tmp_path: Path) -> None:
    """A byte order mark and line ends of Windows change neither values nor line numbers."""
    path = tmp_path / "windows.toml"
    path.write_bytes(b'\xef\xbb\xbf[server]\r\n# a comment\r\nworkers = 99\r\nmode = "observe"\r\n')

    assert problems(path) == [f"{path}:3: server.workers: 99 is not allowed; allowed: a whole number from 0 to 64"]


def test_relative_paths_start_at_the_folder_of_the_file(tmp_path: Path) -> None:
    """The journal of a configuration is found from every working directory."""
    path = tmp_path / "config.toml"
    path.write_text('[journal]\ndirectory = "j"\n[geo]\nasn = "/abs/asn.mmdb"\ncountry = "c.mmdb"\n')
    settings = load(path)

    assert settings.journal.directory == tmp_path / "j"
    assert settings.state.directory == tmp_path / "var/state"
    assert settings.geo.asn == Path("/abs/asn.mmdb")
    assert settings.geo.country == tmp_path / "c.mmdb"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", "var/state/control.token"),
        ('[control]\ntoken_file = ""\n', "var/state/control.token"),
        ('[state]\ndirectory = "s"\n', "s/control.token"),
        ('[state]\ndirectory = "s"\n[control]\ntoken_file = "t"\n', "t"),
    ],
)
def test_the_token_moves_with_the_state(tmp_path: Path, text: str, expected: str) -> None:
    """Unless it is named, the token lies in the directory of the state."""
    path = tmp_path / "config.toml"
    path.write_text(text)

    assert load(path).control.token_file == tmp_path / expected


@pytest.mark.parametrize(("given_buckets", "expected"), [(1024, 1024), (1025, 2048), (1 << 20, 1 << 20)])
def test_the_table_of_buckets_has_a_power_of_two(given_buckets: int, expected: int) -> None:
    """The number of places is rounded up."""
    assert load(None, [f"state.buckets={given_buckets}"]).state.buckets == expected


def test_the_command_line_goes_over_the_file() -> None:
    """--set, --origin and --listen say the last word, --set the very last."""
    path = HERE / "good" / "one-limit.toml"
    settings = load(
        path,
        ["limits.client.rate=7", 'server.mode = "observe"', "challenge.suspicion.calm=80", "exempt.paths=['/x']"],
        origin="https://site.example",
        listen="[::1]:8443",
    )

    assert settings.limits["client"].rate == 7.0
    assert settings.server.mode is Mode.OBSERVE
    assert dict(settings.challenge.suspicion)[Posture.CALM] == 80
    assert settings.origin.url == OriginUrl("https", "site.example", 443)
    assert settings.server.listen == (Listen("::1", 8443),)
    assert load(path, ['origin.url="http://a:1"'], origin="http://b:2").origin.url == OriginUrl("http", "a", 1)


def test_one_value_of_a_built_in_limit_can_be_set() -> None:
    """--set changes one limit of a file that has none, and leaves the others."""
    settings = load(None, ["limits.client.rate=1"])

    assert settings.limits["client"].rate == 1.0
    assert settings.limits["client"].burst == 50.0
    assert settings.limits["asn"] == load(None).limits["asn"]
    assert load(None).limits["client"].rate == 10.0, "the built-in values are not touched"


def test_problems_of_the_command_line_name_it() -> None:
    """A mistake on the command line is told with the flag, and the how-manieth --set it was."""
    found = problems(
        HERE / "good" / "one-limit.toml",
        ["limits.client.rate=0", "nonsense", "server.mode=observe", "server.listen.port=1", 'origin.url="ftp://x"'],
        listen="8080",
    )

    assert [text.partition(";")[0] for text in found] == [
        '--listen:1: server.listen[1]: "8080" is not allowed',
        "--set:1: limits.client.rate: 0 is not allowed",
        '--set:2: syntax: "nonsense" is not KEY=VALUE',
        '--set:3: server.mode: "observe" is no value of TOML',
        "--set:4: server.listen.port: server.listen is a list of 1, not a table",
        '--set:5: origin.url: "ftp://x" is no address of an origin',
    ]
    assert "'\"observe\"'" in found[3], "how to quote it for a shell"


def test_a_flag_over_a_broken_section_is_a_problem(tmp_path: Path) -> None:
    """--origin cannot be put into an origin that is no table; both are said."""
    path = tmp_path / "config.toml"
    path.write_text("origin = 5\n")

    assert [text.partition(";")[0] for text in problems(path, origin="http://127.0.0.1:1")] == [
        f"{path}:1: origin: 5 is not a table",
        "--origin:1: origin.url: origin is 5, not a table",
    ]


def test_a_value_from_the_command_line_that_meets_one_of_the_file_is_told_once(tmp_path: Path) -> None:
    """What does not go together is told at the key that was written last."""
    path = tmp_path / "config.toml"
    path.write_text('[control]\nlisten = "127.0.0.1:9100"\n')

    assert [text.partition(" is ")[0] for text in problems(path, origin="http://127.0.0.1:9100")] == [
        '--origin:1: origin.url: "http://127.0.0.1:9100"'
    ]


def test_places_tell_where_limits_and_rules_stand(tmp_path: Path) -> None:
    """An explanation can name the line behind a decision."""
    path = tmp_path / "config.toml"
    path.write_text('\n[limits.client]\nscope = "client"\nrate = 1\n')
    settings = load(path, ['limits.new={scope="site", rate=5}'])

    assert settings.places["limits.client"] == f"{path}:2"
    assert settings.places["limits.new"] == "--set:1"
    assert settings.places["rules.no-accept"] == "built-in"
    assert load(ROOT / "config.toml").places["rules.no-accept"].startswith(f"{ROOT / 'config.toml'}:")


def test_text_that_moves_the_cursor_is_written_out(tmp_path: Path) -> None:
    """A problem is one line, whatever the file holds."""
    path = tmp_path / "config.toml"
    path.write_text('[server]\nmode = "a\\u001b[2J\\nb"\n"key\\nwith line" = 1\n')

    for text in problems(path):
        assert text.isprintable()


KEYS = st.sampled_from(
    [
        "server.listen", "server.workers", "server.mode", "server.trusted_proxies", "server.client_address",
        "server.hosts", "server.own_path", "server.tls", "server.tls.key", "server.timeouts.header", "server.sizes",
        "server.sizes.head", "origin.url", "origin.rate", "origin.tls_ca", "limits", "limits.client",
        "limits.client.scope", "limits.client.rate", "limits.client.burst", "limits.client.action",
        "limits.client.match", "limits.client.match.path", "limits.client.match.header", "limits.x.match.asn",
        "challenge.kinds", "challenge.suspicion", "challenge.suspicion.calm", "challenge.answers", "challenge.logo",
        "challenge.contact", "bans.ladder", "exempt.clients", "exempt.paths", "rules", "geo.asn", "journal.directory",
        "state.buckets", "state", "control.listen", "control.token_file", "offload.backend", "made.up.key",
    ]
)  # fmt: skip
WORDS = st.sampled_from(
    [
        "",
        "*",
        "/",
        "[",
        "[a-",
        "[!]",
        "**?",
        "10s",
        "1h30m",
        "32KiB",
        "enforce",
        "client",
        "CH",
        "GET",
        "::1",
        "::/0",
        "127.0.0.1:80",
        "unix:/x",
        "unix:",
        "http://[",
        "http://a:b@c",
        "http://:80",
        "http://[::1%a]",
        "a.example",
        "/%2F",
        "192.0.2.1/24",
        "\x00",
        "\u202e",
        "proof-of-work",
        "verified",
        "9" * 400,
        "a" * 2000,
    ]
)
ATOMS = st.one_of(
    st.booleans(), st.integers(), st.integers(min_value=-(10**30), max_value=10**6000), st.floats(), WORDS, st.text()
)
VALUES = st.recursive(
    ATOMS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8) | KEYS, inner, max_size=4),
    max_leaves=8,
)


def to_toml(value: Any) -> str:
    """Return ``value`` as TOML writes it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int) and abs(value) > 2**63:
        return hex(value) if value > 0 else "-1"
    if isinstance(value, str):
        return quoted(value)
    if isinstance(value, list):
        return f"[{', '.join(to_toml(item) for item in value)}]"
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{quoted(key)} = {to_toml(item)}" for key, item in value.items()) + "}"
    return repr(value)


def quoted(text: str) -> str:
    """Return a basic string."""
    return '"' + "".join(f"\\U{ord(mark):08x}" if not mark.isalnum() else mark for mark in text) + '"'


@given(entries=st.lists(st.tuples(KEYS, VALUES), max_size=4))
def test_whatever_is_set_only_problems_are_raised(entries: list[tuple[str, Any]]) -> None:
    """No value of any type for any key raises anything but ConfigurationError, and what is read can be compiled."""
    found: tuple[Problem, ...] = ()
    try:
        compile_policy(load(None, [f"{key} = {to_toml(value)}" for key, value in entries]))
    except ConfigurationError as error:
        found = error.problems
    assert all(str(problem).isprintable() for problem in found)
    assert all("allowed:" in problem.message for problem in found)


@given(data=st.binary(max_size=200) | st.text(alphabet="[]{}=\".'\n#ab1-\\", max_size=60).map(str.encode))
def test_whatever_a_file_holds_only_problems_are_raised(tmp_path_factory: pytest.TempPathFactory, data: bytes) -> None:
    """No bytes in a file raise anything but ConfigurationError."""
    path = tmp_path_factory.getbasetemp() / "any.toml"
    path.write_bytes(data)
    with contextlib.suppress(ConfigurationError):
        compile_policy(load(path))
