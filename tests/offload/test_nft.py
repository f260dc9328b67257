"""The nft command: a small program of the test's stands for it, so every way it may fail is played."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from shieldproxy.core.errors import OffloadError
from shieldproxy.offload.nft import MAX_ERROR, Nft, find_nft


def program(folder: Path, text: str) -> str:
    path = folder / "nft"
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return str(path)


def test_a_script_is_read_from_standard_input(tmp_path: Path) -> None:
    """No file, no shell, no word of it on a command line; and nothing of our environment."""
    said, asked, around = tmp_path / "said", tmp_path / "asked", tmp_path / "around"
    command = program(tmp_path, f'/bin/cat > {said}; echo "$@" > {asked}; /usr/bin/env > {around}')
    Nft((command,)).run("add table inet shieldproxy\n")
    assert said.read_text() == "add table inet shieldproxy\n"
    assert asked.read_text() == "-f -\n"
    assert "LC_ALL=C" in around.read_text()
    assert "HOME" not in around.read_text()


def test_a_listing_is_asked_for_as_json(tmp_path: Path) -> None:
    """Only our table, whatever else there is."""
    assert Nft((program(tmp_path, 'echo "$@"'),)).list_table() == "-j list table inet shieldproxy\n"


@pytest.mark.parametrize(
    ("does", "told"),
    [
        ("echo 'Error: Operation not permitted' >&2; echo second >&2; exit 1", "nft: Error: Operation not permitted"),
        ("exit 3", "nft ended with 3 and said nothing"),
        ("kill -9 $$", "nft ended with -9 and said nothing"),
    ],
)
def test_an_error_is_told_in_its_first_line(tmp_path: Path, does: str, told: str) -> None:
    """What nft says, or that it said nothing."""
    with pytest.raises(OffloadError) as caught:
        Nft((program(tmp_path, does),)).run("")
    assert str(caught.value) == told


def test_a_long_error_is_cut(tmp_path: Path) -> None:
    """Nft quotes the line it refuses."""
    with pytest.raises(OffloadError) as caught:
        Nft((program(tmp_path, "/usr/bin/printf '%05000d' 1 >&2; exit 1"),)).run("")
    assert len(str(caught.value)) == MAX_ERROR + len("nft: ")


def test_a_command_that_hangs_is_ended(tmp_path: Path) -> None:
    """The thread that waits for it is free again."""
    with pytest.raises(OffloadError, match=r"did not end within 0\.2 s"):
        Nft((program(tmp_path, "exec /bin/sleep 60"),), patience=0.2).run("")


def test_a_command_that_is_not_there_is_named(tmp_path: Path) -> None:
    """With the package that has it."""
    with pytest.raises(OffloadError, match="package nftables"):
        Nft(("",)).run("")
    with pytest.raises(OffloadError, match="cannot be started: No such file"):
        Nft((str(tmp_path / "nowhere"),)).run("")


def test_the_command_is_found_where_administrators_have_it(tmp_path: Path) -> None:
    """In PATH first; a service started without /usr/sbin finds it too, where it is installed."""
    command = program(tmp_path, "")
    assert find_nft({"PATH": f"{tmp_path}{os.pathsep}/nowhere"}) == command
    assert find_nft({"PATH": "/nowhere"}) in ("", "/usr/sbin/nft", "/sbin/nft", "/usr/local/sbin/nft")
