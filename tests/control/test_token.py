"""The token: made once, readable by its owner alone."""

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


@pytest.mark.parametrize(
    ("content", "mode", "told"),
    [
        (b"", 0o600, "holds no token of 16 characters"),
        (b"short", 0o600, "holds no token of 16 characters"),
        (b"two words that are long enough", 0o600, "holds no token"),
        (b"x" * 15 + b"\0" * 20, 0o600, "holds no token"),
        (b"f" * 64, 0o604, "everybody may read it; do: chmod o-rwx"),
    ],
)
def test_a_file_that_is_no_secret_is_named(tmp_path: Path, content: bytes, mode: int, told: str) -> None:
    """A file without a token, or one everybody may read, is refused with what to do."""
    path = tmp_path / "control.token"
    path.write_bytes(content)
    path.chmod(mode)
    with pytest.raises(StartError, match=told) as caught:
        read_token(path)
    assert str(path) in str(caught.value)


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    """Reading a token that nobody made names the file."""
    with pytest.raises(StartError, match=r"control\.token_file .*absent: No such file"):
        read_token(tmp_path / "absent")


def test_a_place_that_cannot_be_written_is_named(tmp_path: Path, chance: CountedChance) -> None:
    """A directory that cannot be made stops the start with its name."""
    (tmp_path / "file").write_text("x")
    with pytest.raises(StartError, match=r"control\.token_file"):
        keep_token(tmp_path / "file" / "control.token", chance)
