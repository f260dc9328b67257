"""Checkups: each question about machine, files and node has its answers."""

from __future__ import annotations

import resource
from pathlib import Path
from typing import Any

import pytest

from shieldproxy.cli import checkups
from shieldproxy.cli.checkups import GIB, MIB, Level
from shieldproxy.cli.geo import databases_of
from shieldproxy.cli.machine import Machine, OpenFiles, Space
from shieldproxy.control.node import JournalState, Origin, Status
from shieldproxy.control.problems import plain
from shieldproxy.journal.timekeeping import ClockState
from shieldproxy.settings.certificate_files import Lasting
from shieldproxy.settings.reading import load


class PaperMachine(Machine):
    """A machine whose answers are written down."""

    def __init__(
        self, *, writable: bool = True, kernel: dict[str, int] | None = None, space: Space | None = None
    ) -> None:
        super().__init__(Path("/nowhere"))
        self._writable = writable
        self._kernel = kernel or {}
        self._space = space

    def writable(self, directory: Path) -> bool:
        return self._writable

    def kernel(self, name: str) -> int | None:
        return self._kernel.get(name)

    def space(self, directory: Path) -> Space:
        if self._space is None:
            raise OSError(5, "Input/output error")
        return self._space


@pytest.mark.parametrize(
    ("begins", "ends", "level", "told"),
    [
        (-1.0, 60.5, Level.OK, "site.pem for a.example: 60 days left"),
        (-1.0, 3.5, Level.WARN, "site.pem for a.example ends in 3 days"),
        (-90.0, -3.5, Level.FAIL, "site.pem for a.example ended 3 days ago: browsers warn every visitor"),
        (0.5, 60.0, Level.FAIL, "site.pem for a.example is not valid yet"),
    ],
)
def test_a_certificate(begins: float, ends: float, level: Level, told: str) -> None:
    """Days left; the last two weeks are a warning, beyond the end it does not work."""
    now, day = 1_800_000_000.0, 86_400.0
    found = checkups.check_certificate(
        Lasting(Path("site.pem"), ("a.example",), now + begins * day, now + ends * day), now
    )
    assert found.level is level
    assert found.text.startswith(told)
    assert bool(found.todo) == (level is not Level.OK)


ROOMY = Space(100 * GIB, 200 * GIB, 1_000_000)


@pytest.mark.parametrize(
    ("state", "level", "told"),
    [
        (ClockState(synchronised=True, error=0.02), Level.OK, "wrong by 20 ms at most"),
        (ClockState(synchronised=True, error=3.0), Level.WARN, "may be wrong by 3.0 s"),
        (ClockState(synchronised=False, error=16.0), Level.WARN, "nobody keeps the clock right"),
        (None, Level.WARN, "does not tell"),
    ],
)
def test_the_clock(state: ClockState | None, level: Level, told: str) -> None:
    """A clock nobody keeps right is a warning that says what to run."""
    finding = checkups.check_clock(state)
    assert finding.level is level
    assert told in finding.text
    assert bool(finding.todo) == (level is not Level.OK)


def test_secrets(tmp_path: Path) -> None:
    """A secret is well when only its owner's group reads it, or not made yet; one for everybody is a failure."""
    path = tmp_path / "node.secret"
    assert checkups.check_secret(path, "keys").level is Level.OK
    path.write_text("x" * 64)
    path.chmod(0o640)
    assert "mode 0640" in checkups.check_secret(path, "keys").text
    path.chmod(0o644)
    finding = checkups.check_secret(path, "keys")
    assert finding.level is Level.FAIL
    assert f"chmod 600 {path}" in finding.todo


def test_directories(tmp_path: Path) -> None:
    """A directory is there, or will be made, or cannot be written, or is no directory at all."""
    there = list(checkups.check_directory(tmp_path, "journal", PaperMachine(space=ROOMY)))
    assert [finding.level for finding in there] == [Level.OK, Level.OK]
    assert "can be written" in there[0].text
    later = next(iter(checkups.check_directory(tmp_path / "a" / "b", "journal", PaperMachine(space=ROOMY))))
    assert "not there yet" in later.text
    closed = next(iter(checkups.check_directory(tmp_path, "journal", PaperMachine(writable=False, space=ROOMY))))
    assert closed.level is Level.FAIL
    (tmp_path / "file").write_text("")
    (blocked,) = checkups.check_directory(tmp_path / "file" / "journal", "journal", PaperMachine(space=ROOMY))
    assert blocked.level is Level.FAIL
    assert "is no directory" in blocked.text
    *_, silent = checkups.check_directory(tmp_path, "journal", PaperMachine())
    assert silent.level is Level.FAIL


def test_a_relative_directory_that_exists_is_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A directory named relative to the working directory is found like any other."""
    (tmp_path / "var").mkdir()
    monkeypatch.chdir(tmp_path)
    first = next(iter(checkups.check_directory(Path("var"), "journal", PaperMachine(space=ROOMY))))
    assert "can be written" in first.text


@pytest.mark.parametrize(
    ("space", "level"),
    [
        (ROOMY, Level.OK),
        (Space(100 * GIB, 200 * GIB, -1), Level.OK),
        (Space(2 * GIB, 200 * GIB, 1_000_000), Level.WARN),
        (Space(100 * MIB, 200 * GIB, 1_000_000), Level.FAIL),
        (Space(100 * GIB, 200 * GIB, 10), Level.FAIL),
    ],
)
def test_space(space: Space, level: Level) -> None:
    """Little room is a warning, none a failure, and so is a file system that takes no more files."""
    assert checkups.check_space(space, "journal disk").level is level


def test_open_files() -> None:
    """The limit must hold all visitors and all connections to the origin."""
    settings = load(None, ["server.max_connections=1000", "origin.max_connections=100"])
    assert checkups.check_open_files(OpenFiles(1_300, 1_300, "x"), settings).level is Level.OK
    assert checkups.check_open_files(OpenFiles(resource.RLIM_INFINITY, -1, "x"), settings).level is Level.OK
    finding = checkups.check_open_files(OpenFiles(1_024, 4_096, "the running node"), settings)
    assert finding.level is Level.WARN
    assert "LimitNOFILE=1300" in finding.todo


def test_databases() -> None:
    """A problem and an old database are warnings; a fresh one is well."""
    (database, _) = databases_of(load(None)).databases()
    made = database.built.timestamp()
    assert [finding.level for finding in checkups.check_databases([database], [], made + 86_400)] == [Level.OK]
    old = list(checkups.check_databases([database], ["x is broken"], made + 40 * 86_400))
    assert [finding.level for finding in old] == [Level.WARN, Level.WARN]


def test_kernel() -> None:
    """A small backlog and no SYN cookies are warnings with the command; what is not shown is not spoken of."""
    assert list(checkups.check_kernel(PaperMachine())) == []
    names = ("net.core.somaxconn", "net.ipv4.tcp_syncookies")
    good = checkups.check_kernel(PaperMachine(kernel=dict(zip(names, (4096, 1), strict=True))))
    assert [finding.level for finding in good] == [Level.OK, Level.OK]
    bad = list(checkups.check_kernel(PaperMachine(kernel=dict(zip(names, (128, 0), strict=True)))))
    assert [finding.level for finding in bad] == [Level.WARN, Level.WARN]
    assert all(finding.todo.startswith("sysctl -w") for finding in bad)


def test_memory() -> None:
    """The table of buckets must fit well into what is available."""
    settings = load(None, ["state.buckets=16777216"])
    assert checkups.check_memory(None, settings) is None
    for available, level in ((2 * GIB, Level.OK), (300 * MIB, Level.WARN)):
        finding = checkups.check_memory(available, settings)
        assert finding is not None
        assert finding.level is level


def spoken(**fields: Any) -> list[tuple[Level, str]]:
    status = plain(Status(node="shield-1", version="9", workers=2, workers_wanted=2, policy="abc")._replace(**fields))
    return [(finding.level, finding.text) for finding in checkups.check_node(status, "abc")]


def test_the_node() -> None:
    """A node that is well is one line; each trouble it tells of is one more."""
    assert [level for level, _ in spoken()] == [Level.OK]
    assert (Level.WARN, "runs another policy than the configuration says") in spoken(policy="other")
    assert (Level.WARN, "refused the last reload: x") in spoken(reload_refused=("x",))
    assert (Level.WARN, "no ASN is known") in spoken(degraded=("no ASN is known",))
    assert (Level.FAIL, "1 of 2 workers are alive") in spoken(workers=1)
    assert (Level.FAIL, "http://x does not answer") in spoken(origin=Origin("http://x", up=False))
    assert (Level.WARN, "4 records could not be written since the start") in spoken(journal=JournalState(lost=4))
