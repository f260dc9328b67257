from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from shieldproxy.attribution.ledger import read_ledger
from shieldproxy.attribution.upkeep import find, keep_up, policy_of, written
from shieldproxy.core.episodes import EpisodePolicy
from tests.fakes.records import TEN_FIFTEEN

LATER = TEN_FIFTEEN + 86_400


def test_the_index_and_the_ledger_are_brought_up_to_date(flooded: Path) -> None:
    """Once; what is up to date is left as it is."""
    assert keep_up(flooded, EpisodePolicy(), LATER).files == 1
    (entry,) = read_ledger(flooded)
    assert keep_up(flooded, EpisodePolicy(), LATER).files == 0
    with find(flooded, EpisodePolicy(), LATER) as found:
        assert found.ledger == [entry]


def test_a_policy_is_an_argument() -> None:
    """Whatever stands in it."""
    policy = EpisodePolicy(alarm=9.5, floor=2.0)
    assert policy_of(written(policy)) == policy


def test_as_a_program_it_gives_way(flooded: Path) -> None:
    """It ends when it has done so, and whoever else works goes first."""
    program = "import os, sys; from shieldproxy.attribution.upkeep import main; main(sys.argv[1:]); print(os.nice(0))"
    done = subprocess.run(
        [sys.executable, "-c", program, str(flooded), written(EpisodePolicy())],
        check=True,
        capture_output=True,
        text=True,
        env=os.environ | {"PYTHONPATH": str(Path(__file__).parents[2])},
    )
    assert done.stdout.split() == ["19"]
    assert (flooded / "index").is_dir()


def test_what_an_end_in_the_middle_left_is_done_by_the_next(flooded: Path) -> None:
    """Files half written, sums without their records, a catalogue that names what is not there."""
    keep_up(flooded, EpisodePolicy(), LATER)
    (records,) = (flooded / "index").glob("*/day-????????????.parquet")
    (sums,) = (flooded / "index").glob("*/*.times.parquet")
    sums.unlink()
    records.with_name("day-000000000000.clients.parquet").write_bytes(b"PAR1")
    records.with_suffix(".new").write_bytes(b"half")
    assert keep_up(flooded, EpisodePolicy(), LATER).files == 1
    assert len(list(records.parent.iterdir())) == 5
