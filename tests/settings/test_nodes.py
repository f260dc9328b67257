"""Nodes: how the shared server is named, and what is said where it is named wrongly."""

from __future__ import annotations

from pathlib import Path

import pytest

from shieldproxy.core.errors import ConfigurationError
from shieldproxy.settings import consistency
from shieldproxy.settings.compiling import compile_policy
from shieldproxy.settings.flattening import flat
from shieldproxy.settings.nodes import SharedUrl, library_there, shared_url
from shieldproxy.settings.reading import load
from shieldproxy.settings.values import Wrong
from tests.pems import write_pair

SERVER = 'nodes.server="valkey://192.0.2.10"'


@pytest.mark.parametrize(
    ("written", "read", "spelled"),
    [
        ("valkey://192.0.2.10", SharedUrl("192.0.2.10"), "valkey://192.0.2.10:6379"),
        ("redis://valkey.example.org:7000/3", SharedUrl("valkey.example.org", 7_000, "", 3), ""),
        ("rediss://[2001:db8::1]:7000", SharedUrl("2001:db8::1", 7_000, tls=True), "valkeys://[2001:db8::1]:7000"),
        ("valkeys://a.example/", SharedUrl("a.example", tls=True), "valkeys://a.example:6379"),
        ("unix:/run/valkey.sock", SharedUrl(path="/run/valkey.sock"), "unix:/run/valkey.sock"),
    ],
)
def test_a_server_is_named_in_ways_that_people_know(written: str, read: SharedUrl, spelled: str) -> None:
    """By the schemes of either project; what it is spelled as names the same one again."""
    assert shared_url(written) == read
    assert shared_url(str(read)) == read
    assert str(read) == spelled or not spelled


@pytest.mark.parametrize(
    "written",
    [
        7,
        "192.0.2.10",
        "192.0.2.10:6379",
        "http://192.0.2.10",
        "redis://",
        "redis://192.0.2.10:0",
        "redis://192.0.2.10:65536",
        "redis://192.0.2.10/16",
        "redis://192.0.2.10/-1",
        "redis://192.0.2.10/a",
        "redis://192.0.2.10/1/2",
        "redis://192.0.2.10?db=1",
        "redis://192.0.2.10#1",
        "redis://192.0.2.10\n",
        "redis://[::1",
        "unix:relative.sock",
    ],
)
def test_anything_else_is_told_what_is_allowed(written: object) -> None:
    """In one sentence."""
    with pytest.raises(Wrong, match="allowed: "):
        shared_url(written)


def test_nothing_means_one_node() -> None:
    """As it is without any file."""
    assert shared_url("") is None
    assert load(None).nodes.server is None


def test_a_password_is_never_quoted() -> None:
    """A problem is logged."""
    with pytest.raises(Wrong) as caught:
        shared_url("redis://:geheim@192.0.2.10")
    assert "geheim" not in str(caught.value)
    assert "password_file" in str(caught.value)


def test_it_is_no_part_of_the_policy() -> None:
    """Two nodes with the same rules have the same digest, wherever the server is; what it is is in the history."""
    shared = load(None, (SERVER,))
    assert compile_policy(shared).digest == compile_policy(load(None)).digest
    assert "192.0.2.10" in flat(shared)["nodes.server"]


def problems(*overrides: str) -> list[str]:
    """Return what is wrong, by key and message."""
    with pytest.raises(ConfigurationError) as caught:
        load(None, overrides)
    return [f"{problem.key}: {problem.message}" for problem in caught.value.problems]


def test_without_its_library_the_way_to_it_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """Only who shares needs it."""
    assert library_there()
    monkeypatch.setattr(consistency, "library_there", lambda: False)
    (problem,) = problems(SERVER)
    assert problem.startswith('nodes.server: the library "valkey" is not installed; allowed: ')
    assert "[nodes]" in problem
    assert load(None).nodes.server is None


def test_what_goes_with_it_is_there_and_fits(tmp_path: Path) -> None:
    """A password file that is not there, a user without a password, an authority without TLS or that is none."""
    missing = tmp_path / "missing"
    (problem,) = problems(SERVER, f"nodes.password_file='{missing}'")
    assert problem == f'nodes.password_file: "{missing}" is not there; allowed: the path of a file'
    (problem,) = problems(SERVER, 'nodes.user="shield"')
    assert problem.startswith("nodes.password_file: missing beside nodes.user")
    (tmp_path / "none.pem").write_text("none")
    authority = f"nodes.tls_ca='{tmp_path}/none.pem'"
    assert len(problems('nodes.server="valkeys://192.0.2.10"', authority)) == 1
    good = f"nodes.tls_ca='{write_pair(tmp_path, 'one', 'one.example').certificate}'"
    assert problems(SERVER, good) == ['nodes.tls_ca: is for no TLS; allowed: a server such as "valkeys://host", or ""']
    assert load(None, ('nodes.server="valkeys://192.0.2.10"', good)).nodes.tls_ca is not None
