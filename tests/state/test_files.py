"""Private files: made once, replaced as a whole, readable by nobody else."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from shieldproxy.core.errors import StartError
from shieldproxy.state.files import make_private, make_secret, read_secret, replace_secret


def test_a_file_is_private_whatever_the_umask(tmp_path: Path) -> None:
    """Made and replaced alike, it is readable by its owner alone, and nothing is left beside it."""
    path = tmp_path / "state" / "a.secret"
    before = os.umask(0)
    try:
        make_secret(path, "one\n")
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        replace_secret(path, "two\n")
    finally:
        os.umask(before)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert read_secret(path) == "two\n"
    assert [entry.name for entry in path.parent.iterdir()] == ["a.secret"]


def test_what_is_there_is_not_made_anew(tmp_path: Path) -> None:
    """Of two that start at once both hold what the first one made."""
    path = tmp_path / "a.secret"
    assert make_secret(path, "one\n") == "one\n"
    assert make_secret(path, "two\n") == "one\n"


def test_no_file_is_no_secret(tmp_path: Path) -> None:
    """A file that is not there is told from one that cannot be read."""
    assert read_secret(tmp_path / "none") is None
    with pytest.raises(StartError, match="cannot be read"):
        read_secret(tmp_path)


def test_a_file_that_everybody_reads_is_no_secret(tmp_path: Path) -> None:
    """It stops the start and says what to do."""
    path = tmp_path / "a.secret"
    make_secret(path, "one\n")
    path.chmod(0o644)
    with pytest.raises(StartError, match="chmod 600"):
        read_secret(path)


@pytest.mark.parametrize("content", [b"\xff\xfe", b"x" * 5_000])
def test_a_file_of_another_kind_is_named(tmp_path: Path, content: bytes) -> None:
    """Bytes that are no text, or too many, are damage."""
    path = tmp_path / "a.secret"
    make_secret(path, "")
    path.write_bytes(content)
    with pytest.raises(StartError, match="is damaged"):
        read_secret(path)


def test_a_place_that_takes_no_file_is_named(tmp_path: Path) -> None:
    """A directory that cannot be made stops the start and is named."""
    (tmp_path / "file").write_text("")
    for write in (make_secret, replace_secret):
        with pytest.raises(StartError, match="cannot be written"):
            write(tmp_path / "file" / "a.secret", "one\n")


def test_a_private_folder_may_be_there_already(tmp_path: Path) -> None:
    """A second start finds what the first one made."""
    make_private(tmp_path / "a" / "b")
    make_private(tmp_path / "a" / "b")
    assert stat.S_IMODE((tmp_path / "a" / "b").stat().st_mode) == 0o700
