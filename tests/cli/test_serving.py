"""``shieldproxy run``: which configuration it serves by, and how it ends when it cannot serve."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from shieldproxy.cli import serving
from shieldproxy.core.errors import StartError
from shieldproxy.settings.schema import Settings

Load = Callable[[], Settings]


class Served:
    """Stands for the node: reads its settings as the node does, and ends as the test says."""

    def __init__(self) -> None:
        self.settings: list[Settings] = []
        self.end: Callable[[], int] = lambda: 0
        self.load: Load | None = None

    def __call__(self, load: Load) -> int:
        self.load = load
        self.settings.append(load())
        return self.end()


@pytest.fixture
def served(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Served:
    """An empty folder, and a node that only looks at its settings."""
    node = Served()
    monkeypatch.setattr(serving, "serve", node)
    monkeypatch.setattr("shieldproxy.oplog.configure", lambda: None)
    monkeypatch.chdir(tmp_path)
    return node


def run(*arguments: str) -> Result:
    """Run the command."""
    return CliRunner().invoke(serving.run, arguments)


def test_without_a_file_the_defaults_are_served(served: Served) -> None:
    """One command in an empty folder, and exit 0 when it was told to end."""
    assert run().exit_code == 0
    assert served.settings[0].source_path is None
    assert str(served.settings[0].origin.url) == "http://127.0.0.1:9000"


def test_a_file_in_this_folder_is_found(served: Served) -> None:
    """./config.toml is read without being named; another one when it is."""
    Path("config.toml").write_text("[server]\nworkers = 3\n")
    Path("other.toml").write_text("[server]\nworkers = 4\n")
    assert run().exit_code == run("-c", "other.toml").exit_code == 0
    assert [found.server.workers for found in served.settings] == [3, 4]


def test_the_command_line_beats_the_file(served: Served) -> None:
    """--origin, --listen and --set are on top, at the start and at each reload."""
    Path("config.toml").write_text("[server]\nworkers = 3\n")
    asked = ("--origin", "http://192.0.2.1:80", "--listen", "0.0.0.0:80", "--set", "server.workers=5")
    assert run(*asked).exit_code == 0
    Path("config.toml").write_text("[server]\nworkers = 6\nmax_connections = 77\n")
    assert served.load is not None
    for found in (served.settings[0], served.load()):
        assert str(found.origin.url) == "http://192.0.2.1:80"
        assert str(found.server.listen[0]) == "0.0.0.0:80"
        assert found.server.workers == 5
    assert served.load().server.max_connections == 77


def test_a_file_that_is_missing_is_no_file_to_serve_by(served: Served) -> None:
    """Whoever names a file does not want the defaults; exit 2, and the file is named."""
    done = run("-c", "missing.toml")
    assert done.exit_code == 2
    assert "missing.toml" in done.stderr
    assert served.settings == []


def test_every_problem_is_told_and_nothing_is_served(served: Served) -> None:
    """All of them with file and line, on stderr, exit 2."""
    Path("config.toml").write_text("[server]\nworkers = -1\n[limits.a]\nscope = 'client'\nrate = 0\n")
    done = run()
    assert (done.exit_code, done.stdout) == (2, "")
    assert [line.split(": ")[:2] for line in done.stderr.splitlines()] == [
        ["config.toml:2", "server.workers"],
        ["config.toml:5", "limits.a.rate"],
    ]


def test_a_start_that_fails_is_one_sentence(served: Served) -> None:
    """The place is named, without a traceback, exit 2."""

    def fail() -> int:
        raise StartError("cannot listen on 127.0.0.1:80: Permission denied")

    served.end = fail
    done = run()
    assert (done.exit_code, done.stderr) == (2, "cannot listen on 127.0.0.1:80: Permission denied\n")


def test_the_exit_code_is_that_of_the_node(served: Served) -> None:
    """Whoever supervises us learns how it ended."""
    served.end = lambda: 3
    assert run().exit_code == 3
