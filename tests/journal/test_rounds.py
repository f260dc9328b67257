"""What a round of sealing says of itself."""

from __future__ import annotations

from shieldproxy.journal.rounds import BusyError, Sealed, SealError


def test_a_round_that_found_nothing_says_so() -> None:
    """Nothing sealed, nothing signed, nothing waiting, nothing wrong."""
    assert Sealed() == (0, 0, "", 0, ())


def test_a_busy_log_is_one_that_cannot_be_gone_on_with_for_now() -> None:
    """Who handles the one handles the other."""
    assert issubclass(BusyError, SealError)
