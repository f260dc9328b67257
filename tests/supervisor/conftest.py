"""What the tests of the supervisor are given."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from shieldproxy.supervisor import workers
from tests.supervisor.players import PROLOGUE, Play, Slot


@pytest.fixture
async def play(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Play]:
    """A function that fills a slot with a script."""
    slots: list[Slot] = []

    def begin(script: str) -> Slot:
        monkeypatch.setattr(workers, "entry", lambda: ("-I", "-S", "-c", PROLOGUE + script))
        slots.append(Slot())
        return slots[-1]

    yield begin
    monkeypatch.setattr(workers, "LAST_WORDS", 0.5)
    for slot in slots:
        await slot.end()
