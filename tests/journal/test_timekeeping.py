from __future__ import annotations

from shieldproxy.journal.timekeeping import clock_state


def test_the_kernel_says_how_its_clock_is_kept() -> None:
    """Without privileges and without a daemon; a kernel that does not tell is no error."""
    state = clock_state()
    assert state is None or (state.error >= 0.0 and state.synchronised in (True, False))
