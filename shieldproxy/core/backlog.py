"""The backlog: how many connections may wait to be accepted, so that nobody is served who has gone meanwhile. Pure.

A long queue is good for a burst and bad for a flood: when connections come faster than they are accepted for long, it
stands full, everybody waits as long as it is deep, and clients give up before their turn. Then it is shortened to what
is accepted in a second: who finds it full tries again by itself (TCP does after one second, and after three), and who
is in it is served in time.
"""

from __future__ import annotations

# As many as the kernel may queue; net.core.somaxconn caps it.
LONGEST = 4_096
# Never shorter: a browser opens six connections at once, and a worker that pauses must not turn away a handful.
SHORTEST = 128
# So many seconds is a connection to wait at most, while the queue stands.
PATIENCE = 1.0


def backlog(queued: int, accepted: int, before: int) -> int:
    """Return how long the queue may be: ``queued`` wait now, ``accepted`` were in the last second, ``before`` held.

    It is shortened when more wait than are accepted in PATIENCE, follows while it stands, and is long again once half
    of what is accepted in a second waits or fewer.
    """
    fits = min(LONGEST, max(SHORTEST, int(accepted * PATIENCE)))
    if queued > fits or (before < LONGEST and queued * 2 > fits):
        return fits
    return LONGEST
