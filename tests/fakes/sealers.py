"""Sealers whose clock, key and circumstances are the test's."""

from __future__ import annotations

from pathlib import Path

from shieldproxy.journal.rounds import Circumstances
from shieldproxy.journal.sealing import Sealer
from shieldproxy.journal.signing import Signer
from shieldproxy.journal.timekeeping import ClockState
from tests.fakes.clock import HandClock
from tests.fakes.records import TEN_FIFTEEN

KEPT = ClockState(synchronised=True, error=0.004)
DATABASES = [{"built": "2026-06-17", "kind": "asn", "sha256": "ab" * 32, "type": "asn"}]


def signer_of(node: str, seed: bytes = bytes(32)) -> Signer:
    """Return the signer of ``node``."""
    return Signer(f"{node}/shieldproxy", seed)


def sealer_of(
    journal: Path,
    node: str = "edge1",
    *,
    seed: bytes = bytes(32),
    clock: HandClock | None = None,
    anchor: Path | None = None,
) -> Sealer:
    """Return an open sealer of ``node``; its anchor lies beside the journal."""
    circumstances = Circumstances(
        clock or HandClock(TEN_FIFTEEN + 60), lambda: KEPT, lambda: {"software": "0.1.0", "databases": DATABASES}
    )
    sealer = Sealer(
        journal,
        node,
        signer_of(node, seed),
        anchor or journal.with_name(f"{journal.name}-{node}.checkpoint"),
        circumstances,
    )
    sealer.open()
    return sealer
