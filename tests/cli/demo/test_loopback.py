"""The guard before every byte the demo sends."""

from __future__ import annotations

import pytest

from shieldproxy.cli.demo.loopback import NotLoopbackError, loopback


@pytest.mark.parametrize("host", ["127.0.0.1", "127.9.9.9", "::1"])
def test_this_machine_is_allowed(host: str) -> None:
    """Literal addresses of loopback pass as they are."""
    assert loopback(host) == host


@pytest.mark.parametrize(
    "host", ["192.0.2.1", "0.0.0.0", "::", "localhost", "127.1", "2130706433", "", "127.0.0.1.example.org", "10.0.0.1"]
)
def test_everything_else_is_refused(host: str) -> None:
    """Other machines, names and ways of writing that programs disagree about are no targets."""
    with pytest.raises(NotLoopbackError):
        loopback(host)
