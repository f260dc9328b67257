"""The ring of keys and the node's secret."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from shieldproxy.core.errors import StartError
from shieldproxy.state.keys import (
    CLEARANCE_KEYS,
    EVIDENCE_KEY,
    NODE_SECRET,
    load_evidence_seed,
    load_node_secret,
    load_ring,
    rotate,
)
from tests.fakes.chance import CountedChance


def test_the_first_start_makes_a_key(tmp_path: Path, chance: CountedChance) -> None:
    """One key of 32 bytes, in a private file; the next start finds the same."""
    ring = load_ring(tmp_path / "state", chance)
    assert [len(key) for key in ring.keys] == [32]
    assert load_ring(tmp_path / "state", chance) == ring
    assert stat.S_IMODE((tmp_path / "state" / CLEARANCE_KEYS).stat().st_mode) == 0o600


def test_rotation_keeps_the_previous_key(tmp_path: Path, chance: CountedChance) -> None:
    """After a rotation a new key signs and the one before it is accepted; after the next it is forgotten."""
    first = load_ring(tmp_path, chance).current
    second = rotate(tmp_path, chance)
    assert second.keys == (second.current, first)
    assert second.current != first
    assert load_ring(tmp_path, chance) == second
    third = rotate(tmp_path, chance)
    assert third.keys == (third.current, second.current)


@pytest.mark.parametrize(
    "text", ["", "# only a comment\n", "abc\n", "00\n", f"{'0' * 64}\n" * 3, f"{'0' * 64}\nno key\n"]
)
def test_a_damaged_ring_stops_the_start(tmp_path: Path, chance: CountedChance, text: str) -> None:
    """The file is named and not overwritten: nobody's clearance becomes void in silence."""
    load_ring(tmp_path, chance)
    (tmp_path / CLEARANCE_KEYS).write_text(text)
    for use in (load_ring, rotate):
        with pytest.raises(StartError, match=CLEARANCE_KEYS):
            use(tmp_path, chance)
    assert (tmp_path / CLEARANCE_KEYS).read_text() == text


def test_the_node_has_a_secret_of_its_own(tmp_path: Path, chance: CountedChance) -> None:
    """32 bytes that stay from start to start; a damaged file is named."""
    secret = load_node_secret(tmp_path, chance)
    assert len(secret) == 32
    assert load_node_secret(tmp_path, chance) == secret
    assert secret != load_ring(tmp_path, chance).current
    (tmp_path / NODE_SECRET).write_text("zz\n")
    with pytest.raises(StartError, match=NODE_SECRET):
        load_node_secret(tmp_path, chance)


def test_the_key_of_the_journal_is_made_once_and_is_private(tmp_path: Path, chance: CountedChance) -> None:
    """Whoever reads it could sign a forged journal; whoever loses it cannot go on with the log."""
    seed = load_evidence_seed(tmp_path, chance)
    assert len(seed) == 32
    assert load_evidence_seed(tmp_path, chance) == seed
    assert (tmp_path / EVIDENCE_KEY).stat().st_mode & 0o777 == 0o600
    (tmp_path / EVIDENCE_KEY).write_text("damaged\n")
    with pytest.raises(StartError, match="is damaged"):
        load_evidence_seed(tmp_path, chance)
