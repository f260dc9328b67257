"""Shots: what floods send, from whom, and when."""

from __future__ import annotations

from random import Random

from benchmarks.field.shots import swarm_volleys


def test_a_swarm_sends_at_its_rate_from_all_addresses_in_turn() -> None:
    """Each connection says whose it is and holds one request with a browser's head."""
    addresses = [f"192.0.2.{number}" for number in range(1, 11)]
    volleys = swarm_volleys(addresses, 20.0, 2.0, "www.example", Random(1))
    assert [volley.at for volley in volleys] == [number / 20.0 for number in range(40)]
    assert {volley.address for volley in volleys} == set(addresses)
    for volley in volleys:
        assert volley.sent.startswith(f"PROXY TCP4 {volley.address} ".encode())
        assert b"Mozilla/5.0" in volley.sent
        assert volley.sent.count(b" HTTP/1.1\r\n") == 1
