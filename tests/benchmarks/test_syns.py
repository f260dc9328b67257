"""Attempts to connect."""

from __future__ import annotations

import pytest

from benchmarks.syns import attempt


@pytest.mark.parametrize(("source", "host"), [("192.0.2.1", "198.51.100.1"), ("127.0.0.1", "192.0.2.1")])
def test_never_leave_the_network_of_the_benchmark(source: str, host: str) -> None:
    """Addresses that no machine of the world has, or nothing is sent."""
    with pytest.raises(ValueError, match="only within"):
        attempt(source, host, 80, 0.1, 1)
