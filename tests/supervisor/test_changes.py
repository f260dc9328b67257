"""Changes: a reload takes over what it can, and says what of the new configuration waits."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from shieldproxy.settings.endpoints import Listen
from shieldproxy.settings.reading import load
from shieldproxy.supervisor.changes import WAITING, takeover
from tests.pems import write_pair

RUNNING = load(None)


@pytest.mark.parametrize(
    "override",
    [
        "limits.client.rate=1",
        "challenge.cost=2000",
        "bans.offences=5",
        'server.mode="observe"',
        'server.timeouts.idle="5s"',
        'server.hosts=["example.org"]',
        'origin.url="http://127.0.0.1:9001"',
        "origin.rate=10",
        'journal.retention="30d"',
        'exempt.clients=["192.0.2.1"]',
    ],
)
def test_what_decides_is_taken_over_at_once(override: str) -> None:
    """Nothing of these waits, and what holds is what was wanted."""
    wanted = load(None, (override,))
    assert wanted != RUNNING
    assert takeover(RUNNING, wanted) == (wanted, ())


def test_what_is_made_once_waits_for_the_next_start() -> None:
    """The old values hold, the keys are named as config.toml names them, and the rest is taken over."""
    wanted = load(None, ('server.listen=["127.0.0.1:1"]', "server.workers=7", "limits.client.rate=1"))
    settings, waiting = takeover(RUNNING, wanted)
    assert waiting == ("server.listen", "server.workers")
    assert settings.server.listen == (Listen("127.0.0.1", 8080),)
    assert settings.server.workers == RUNNING.server.workers
    assert settings.limits["client"].rate == 1


def test_nothing_changed_is_nothing_waiting() -> None:
    """The same file again is no news."""
    assert takeover(RUNNING, load(None)) == (RUNNING, ())


def test_the_file_it_came_from_is_the_new_one() -> None:
    """Where limits and rules stand is told by the file that was read last."""
    wanted = dataclasses.replace(load(None, ("server.workers=7",)), source_path=Path("config.toml"))
    settings, _ = takeover(RUNNING, wanted)
    assert settings.source_path == Path("config.toml")
    assert settings.places is wanted.places


def test_other_certificates_are_taken_over_and_tls_itself_waits(tmp_path: Path) -> None:
    """Files, names and rates change under the same sockets; between TLS and none lies a start."""
    one, two = write_pair(tmp_path, "one", "one.example"), write_pair(tmp_path, "two", "two.example")
    before = load(None, (f"server.tls={{certificate='{one.certificate}', key='{one.key}'}}",))
    beside = f"certificates=[{{certificate='{one.certificate}', key='{one.key}'}}]"
    after = load(
        None, (f"server.tls={{certificate='{two.certificate}', key='{two.key}', handshake_rate=5, {beside}}}",)
    )
    assert takeover(before, after) == (after, ())
    assert takeover(RUNNING, after) == (RUNNING, ("server.tls",))
    assert takeover(after, RUNNING) == (after, ("server.tls",))


@pytest.mark.parametrize(("section", "key"), WAITING)
def test_every_key_that_waits_exists(section: str, key: str) -> None:
    """A key that was renamed would be taken over in silence."""
    assert hasattr(getattr(RUNNING, section), key)
