"""Rulings: what one node decided for all nodes of a site, and which of two about the same key holds."""

from __future__ import annotations

from typing import NamedTuple


class Ruling(NamedTuple):
    """One ruling about ``key``: a ban or an allowance (``list``: ``ban``, ``allow``), or the end of one (``ends``).

    ``made`` is unix milliseconds and puts rulings about one key in order; ``until`` is unix seconds, of an end until
    when it must be remembered. ``node`` is who ruled, ``by`` ``ladder`` or ``operator``; ``rung`` counts until
    ``remembered`` (unix seconds, 0: it does not count).
    """

    list: str
    key: str
    made: int
    until: float
    node: str = ""
    ends: bool = False
    why: str = ""
    by: str = "operator"
    rung: int = 0
    remembered: float = 0.0


class Standing(NamedTuple):
    """What is known of a key on one list: ``made`` and ``until`` of the ruling that holds, ``ended`` of the last end.

    -1 stands for none.
    """

    made: int = -1
    until: float = -1.0
    ended: int = -1


def next_made(wall: float, standing: Standing) -> int:
    """Return when a ruling is made at ``wall`` (unix seconds): later than all that is known of its key.

    So the clocks of two nodes need not agree: who lifts a ban has seen it, and the end is the later one.
    """
    return max(int(wall * 1_000), standing.made + 1, standing.ended + 1)


def takes(standing: Standing, ruling: Ruling) -> bool:
    """Tell whether ``ruling`` changes what is known of its key.

    Whatever was made before the last end is over. Of two bans the longer one holds, as on one node; of two allowances
    the later one. The same ruling again changes nothing, so rulings may arrive in any order and any number of times.
    """
    if ruling.made <= standing.ended:
        return False
    if ruling.ends or standing.made < 0:
        return True
    if ruling.list == "ban":
        return (ruling.until, ruling.made) > (standing.until, standing.made)
    return (ruling.made, ruling.until) > (standing.made, standing.until)


def lifts(standing: Standing, end: Ruling) -> bool:
    """Tell whether what holds was made before ``end`` and is over with it."""
    return 0 <= standing.made <= end.made
