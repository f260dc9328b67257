"""The situation: a few cells, written by one, read by all."""

from __future__ import annotations

from shieldproxy.core.facts import Posture
from shieldproxy.state.situation import NodeSituation


def test_what_the_supervisor_writes_every_worker_reads() -> None:
    """Posture, generation and epoch pass through the shared memory; a fresh one is calm."""
    memory = bytearray(4_096)
    supervisor, worker = NodeSituation(memory), NodeSituation(memory)
    assert (worker.posture, worker.generation, worker.epoch) == (Posture.CALM, 0, 0)
    for posture in Posture:
        supervisor.posture = posture
        assert worker.posture is posture
    supervisor.generation, supervisor.epoch = 3, 7
    assert (worker.generation, worker.epoch) == (3, 7)
