"""The soak, short; the whole of it with ``make soak``."""

from __future__ import annotations

import json
import os
from collections import Counter
from typing import TYPE_CHECKING

import click
import pytest

from benchmarks.resident import Resident
from benchmarks.soak import MIB, Soaked, soak

if TYPE_CHECKING:
    from pathlib import Path

SECONDS = float(os.environ.get("SOAK_SECONDS") or (600 if os.environ.get("SOAK") else 15))


@pytest.mark.soak
@pytest.mark.timeout(SECONDS + 180)
def test_a_node_is_afterwards_what_it_was(tmp_path: Path) -> None:
    """People, floods, bans, reloads, uploads, WebSockets and slow clients: no record lost, nobody hurt, nothing grows."""
    found = soak(SECONDS, tmp_path)
    click.echo(json.dumps(found.summary(), indent=1))
    assert found.complaints() == []
    assert set(found.sent) >= {"person", "stranger", "flood", "refused", "forger", "uploader", "talker", "slow"}
    assert found.answers["flood 429"] > 0
    assert found.reloads > 0


def soaked(*, looks: list[Resident], written: int = 10, hurt: int = 0) -> Soaked:
    return Soaked(60.0, Counter(a=10), Counter(), hurt, written, 1, looks)


FLAT = [Resident(100 * MIB, 0, 50)] * 8


@pytest.mark.parametrize(
    ("found", "said"),
    [
        (soaked(looks=FLAT), ""),
        (soaked(looks=FLAT, written=9), "the journal has 9 of 10"),
        (soaked(looks=FLAT, written=11), "the journal has 11 of 10"),
        (soaked(looks=FLAT, hurt=2), "2 requests of people"),
        (soaked(looks=[*FLAT[:5], *[Resident(120 * MIB, 0, 50)] * 3]), "memory grew"),
        (soaked(looks=[*FLAT[:5], *[Resident(100 * MIB, 0, 150)] * 3]), "open files grew"),
    ],
)
def test_what_is_not_as_it_should_be_is_said(found: Soaked, said: str) -> None:
    """A record too few or too many, memory, files and people each have their sentence."""
    assert said in "; ".join(found.complaints())
    assert bool(found.complaints()) is bool(said)


def test_a_soak_that_is_too_short_is_none(tmp_path: Path) -> None:
    """A few seconds show nothing, and say so at once."""
    with pytest.raises(ValueError, match="too short"):
        soak(1.0, tmp_path)
