"""Timekeeping: how well the clock of this machine is kept, in the kernel's own words.

adjtimex(2) is asked, no daemon: the answer is the same under chrony, ntpd and systemd-timesyncd.
"""

from __future__ import annotations

import ctypes
from typing import NamedTuple

STA_UNSYNC = 0x0040
TIME_ERROR = 5


class Timex(ctypes.Structure):
    """struct timex of Linux as far as we read it, with room for the rest the kernel writes."""

    _fields_ = (
        ("modes", ctypes.c_uint),
        ("offset", ctypes.c_long),
        ("freq", ctypes.c_long),
        ("maxerror", ctypes.c_long),
        ("esterror", ctypes.c_long),
        ("status", ctypes.c_int),
        ("rest", ctypes.c_char * 256),
    )


class ClockState(NamedTuple):
    """Whether the kernel believes its clock is set right, and its own estimate of the greatest error in seconds."""

    synchronised: bool
    error: float


def clock_state() -> ClockState | None:
    """Return the state of the clock, None where the kernel does not tell."""
    try:
        adjtimex = ctypes.CDLL(None, use_errno=True).adjtimex
    except (OSError, AttributeError):
        return None
    timex = Timex()  # modes 0: only asks
    state = adjtimex(ctypes.byref(timex))
    if state < 0:
        return None
    return ClockState(state != TIME_ERROR and not timex.status & STA_UNSYNC, timex.maxerror / 1e6)
