"""Silence: how long a process has been able to give a sign of life and has not.

Time alone says nothing: a healthy process gives no sign while the machine is suspended, or gives the processor to
others. So only a process's own time counts: what it spent on a processor, or asleep by its own will.
"""

from __future__ import annotations

from typing import NamedTuple

# States of a thread, as proc_pid_stat(5) names them.
RUNNING, STOPPED = "R", "T"
# A debugger has it (t), or it has ended (Z, X): its silence is no illness.
EXCUSED = frozenset("tZX")


class Sign(NamedTuple):
    """What is seen of a process at one moment; of its main thread, in which its loop turns."""

    beats: int  # how often the loop came round
    state: str  # one letter
    cpu: float  # seconds it had a processor, since it started
    waited: float  # seconds it was ready to run and had none, since it started
    faults: int  # times it had to wait for memory to be read from a disk, since it started


class Silence(NamedTuple):
    """What is known: the last sign seen, and how long (seconds of the process's own time) no beat came."""

    seconds: float = 0.0
    sign: Sign | None = None


def listen(before: Silence, sign: Sign, elapsed: float, stolen: float) -> Silence:
    """Return what is known after ``sign``, seen ``elapsed`` seconds after the one before.

    ``stolen`` is how much of that a hypervisor gave to other machines.
    """
    last = before.sign
    if last is None or sign.beats != last.beats:
        return Silence(0.0, sign)
    return Silence(before.seconds + own_time(last, sign, elapsed, stolen), sign)


def own_time(last: Sign, sign: Sign, elapsed: float, stolen: float) -> float:
    """Return the seconds between two signs in which the process could do as it liked."""
    if sign.state in EXCUSED:
        return 0.0
    used = min(max(0.0, sign.cpu - last.cpu), elapsed)
    # Ready: what it did not use was not given to it. (How long it waits is known only once it runs again.)
    if sign.state == RUNNING or sign.faults != last.faults:
        return used
    return max(used, elapsed - stolen - max(0.0, sign.waited - last.waited))
