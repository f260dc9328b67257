"""The token: made once, kept from others, named when something is wrong with it."""

from __future__ import annotations

from pathlib import Path

import pytest

from shieldproxy.control.token import keep_token, read_token
from shieldproxy.core.errors import StartError
from tests.fakes.chance import CountedChance


def test_a_token_is_made_once_and_kept(tmp_path: Path, chance: CountedChance) -> None:
    """The first start makes the file with mode 0600; the second start, and the commands, read the same token."""
    path = tmp_path / "state" / "control.token"
    token = keep_token(path, chance)
    assert len(token) == 64
    assert path.stat().st_mode & 0o777 == 0o600
    assert keep_token(path, chance) == read_token(path) == token


def test_an_operators_own_token_is_taken(tmp_path: Path, chance: CountedChance) -> None:
    """A token that somebody wrote into the file, and gave a group to read, is the node's."""
    path = tmp_path / "control.token"
    path.write_text("correct-horse-battery\n")
    path.chmod(0o640)
    assert keep_token(path, chance) == "correct-horse-battery"


@pytest.mark.parametrize(
    ("content", "mode", "told"),
    [
        (b"", 0o600, "holds no token of 16 characters"),
        (b"short", 0o600, "holds no token of 16 characters"),
        (b"two words that are long enough", 0o600, "holds no token"),
        (b"x" * 15 + b"\0" * 20, 0o600, "holds no token"),
        (b"f" * 64, 0o604, "everybody on this machine may read it"),
    ],
)
def test_a_file_that_is_no_secret_is_named(
    tmp_path: Path, chance: CountedChance, content: bytes, mode: int, told: str
) -> None:
    """A file without a token, or one everybody may read, is refused with its name and what to do."""
    path = tmp_path / "control.token"
    path.write_bytes(content)
    path.chmod(mode)
    for read in (read_token, lambda file: keep_token(file, chance)):
        with pytest.raises(StartError, match=told) as caught:
            read(path)
        assert str(path) in str(caught.value)


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    """Reading a token that nobody made says who makes it."""
    with pytest.raises(StartError, match="absent: is not there; a node makes it"):
        read_token(tmp_path / "absent")


def test_a_place_that_cannot_be_written_is_named(tmp_path: Path, chance: CountedChance) -> None:
    """A directory that cannot be made stops the start with the file's name."""
    (tmp_path / "file").write_text("x")
    with pytest.raises(StartError, match=r"control\.token"):
        keep_token(tmp_path / "file" / "control.token", chance)
