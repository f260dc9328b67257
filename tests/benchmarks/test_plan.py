"""The bounds of a run."""

from __future__ import annotations

import pytest

from benchmarks.loopback import Target
from benchmarks.plan import MAX_CONNECTIONS, MAX_REQUESTS, MAX_SECONDS, Plan, Via


@pytest.mark.parametrize(
    "bounds",
    [
        {"seconds": 0},
        {"seconds": MAX_SECONDS + 1},
        {"seconds": float("nan")},
        {"seconds": float("inf")},
        {"count": 0},
        {"count": MAX_REQUESTS + 1},
        {"connections": 0},
        {"connections": MAX_CONNECTIONS + 1},
        {"clients": 0},
        {"clients": 1 << 25},
        {"via": Via.SOURCE, "clients": 1 << 23},
        {"per_connection": -1},
    ],
)
def test_a_plan_without_bounds_is_refused(bounds: dict[str, object]) -> None:
    """Each bound has both an end and a beginning."""
    with pytest.raises(ValueError, match=r"must be"):
        Plan(Target("127.0.0.1", 80), **bounds)  # type: ignore[arg-type]


def test_source_addresses_need_ipv4() -> None:
    """There is only one ::1."""
    with pytest.raises(ValueError, match=r"127\.0\.0\.0/8"):
        Plan(Target("::1", 80), via=Via.SOURCE)
