"""The situation: a few cells, written by one, read by all."""

from __future__ import annotations

from shieldproxy.core.facts import Posture, Tightening
from shieldproxy.state.situation import MARK_SECONDS, MARK_SLOTS, NodeSituation
from shieldproxy.state.slots import SlotTable, bytes_for


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


def situation() -> NodeSituation:
    """Return a situation with room for marks."""
    return NodeSituation(bytearray(4_096), SlotTable(bytearray(bytes_for(MARK_SLOTS))))


def test_a_marked_network_is_found_until_its_mark_lapses() -> None:
    """Marks are renewed each second; a supervisor that died keeps nobody out for ever."""
    found = situation()
    found.tighten([7 << 20], 100.0, everybody=False, sample=0.0)
    assert found.tightening(7 << 20, 1, 100.0 + MARK_SECONDS - 1.0) is Tightening.NETWORK
    assert found.tightening(7 << 20, 1, 100.0 + MARK_SECONDS) is Tightening.NONE
    assert found.tightening(8 << 20, 1, 100.0) is Tightening.NONE


def test_a_released_network_is_free_at_once() -> None:
    """Nobody waits for a mark to lapse."""
    found = situation()
    found.tighten([7], 100.0, everybody=False, sample=0.0)
    found.release(7)
    assert found.tightening(7, 1, 100.0) is Tightening.NONE


def test_everybody_is_everybody() -> None:
    """Until it is taken back."""
    found = situation()
    found.tighten([], 100.0, everybody=True, sample=0.0)
    assert found.tightening(7, 1, 100.0) is Tightening.EVERYBODY
    found.tighten([], 101.0, everybody=False, sample=0.0)
    assert found.tightening(7, 1, 101.0) is Tightening.NONE


def test_a_sample_is_as_large_as_it_says_and_always_the_same() -> None:
    """One client in a hundred, by its name, so nobody is asked twice by chance."""
    found, clients = situation(), [number * 0x9E3779B97F4A7C15 & (1 << 64) - 1 for number in range(20_000)]
    found.tighten([], 100.0, everybody=False, sample=0.01)
    chosen = [client for client in clients if found.tightening(7, client, 100.0) is Tightening.SAMPLE]
    assert 120 <= len(chosen) <= 280
    assert chosen == [client for client in clients if found.tightening(7, client, 105.0) is Tightening.SAMPLE]


def test_a_situation_without_marks_says_nothing_of_networks() -> None:
    """Who only reads the posture needs no table."""
    found = NodeSituation(bytearray(4_096))
    found.tighten([7], 100.0, everybody=False, sample=0.0)
    found.release(7)
    assert found.tightening(7, 1, 100.0) is Tightening.NONE


def test_the_open_episode_is_read_as_it_was_written() -> None:
    """Its whole ID passes through one cell; none is none."""
    memory = bytearray(4_096)
    supervisor, worker = NodeSituation(memory), NodeSituation(memory)
    assert worker.episode == ""
    for name in ("E-2026-11-24-1", "E-0001-01-01-65535", "E-9999-12-31-64", ""):
        supervisor.episode = name
        assert worker.episode == name


def test_cohorts_and_paths_are_pointed_out() -> None:
    """A newcomer who has the trait of a cohort is found by its place; paths that are not in excess are spared."""
    found = situation()
    assert found.cohort((7, 8), 100.0) == -1
    assert not found.spares(9, 100.0)
    found.point([8], [9], 100.0, narrow=True)
    assert found.cohort((7, 8), 100.0) == 1
    assert found.cohort((7,), 100.0) == -1
    assert (found.spares(9, 100.0), found.spares(10, 100.0)) == (False, True)
    found.point([], [9], 101.0, narrow=False)
    assert found.cohort((7, 8), 101.0) == -1
    assert not found.spares(10, 101.0)


def test_a_situation_without_marks_spares_and_finds_nobody() -> None:
    """One for reading the posture alone."""
    found = NodeSituation(bytearray(4_096))
    found.point([8], [9], 100.0, narrow=True)
    assert found.cohort((8,), 100.0) == -1
    assert not found.spares(10, 100.0)


def test_the_usual_of_networks_is_told() -> None:
    """Until it is forgotten; without a table for it nothing is known."""
    found = NodeSituation(bytearray(4_096), None, SlotTable(bytearray(bytes_for(64))))
    found.tell_usual(7 << 20, 4.5)
    assert (found.usual(7 << 20), found.usual(8 << 20)) == (4.5, 0.0)
    found.tell_usual(7 << 20, 6.0)
    assert found.usual(7 << 20) == 6.0
    found.tell_usual(7 << 20, 0.0)
    assert found.usual(7 << 20) == 0.0
    bare = NodeSituation(bytearray(4_096))
    bare.tell_usual(7 << 20, 4.5)
    assert bare.usual(7 << 20) == 0.0
