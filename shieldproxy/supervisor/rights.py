"""Rights: what this process may do that its children may not."""

from __future__ import annotations

import ctypes

# prctl(2) and capabilities(7).
PR_CAP_AMBIENT = 47
PR_CAP_AMBIENT_RAISE = 2
PR_CAP_AMBIENT_CLEAR_ALL = 4
CAP_NET_ADMIN = 12


def keep_from_children() -> bool:
    """Give no capability to programs started from this thread, or from threads it starts; keep ours.

    A service without root has its rights in the ambient set, which every child inherits. Workers read what strangers
    send: they get none. False where the system does not know ambient capabilities (then there are none to keep).
    """
    return _prctl(PR_CAP_AMBIENT_CLEAR_ALL, 0)


def lend_firewall_to_children() -> bool:
    """Let programs that are started from this thread, and from no other, change the firewall, if we may ourselves.

    Credentials belong to threads (credentials(7)), and a child has those of the thread that made it. False when we
    may not; as root nothing needs to be lent.
    """
    return _prctl(PR_CAP_AMBIENT_RAISE, CAP_NET_ADMIN)


def _prctl(order: int, capability: int) -> bool:
    try:
        prctl = ctypes.CDLL(None, use_errno=True).prctl
    except (OSError, AttributeError):
        return False
    unsigned = ctypes.c_ulong
    answer = prctl(PR_CAP_AMBIENT, unsigned(order), unsigned(capability), unsigned(0), unsigned(0))
    return bool(answer == 0)
