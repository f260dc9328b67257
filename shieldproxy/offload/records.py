"""Records: what the kernel dropped, as it stands in the journal.

A packet is no request. What is counted is packets that ask for a connection (SYN), and an ordinary client that gets no
answer repeats one up to six times. So ``weight`` is attempts to connect: more than connections, and nobody knows how
many requests each would have carried. Whoever adds up requests leaves out the rule ``offload``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import NamedTuple

from shieldproxy.core.facts import NetworkLabel
from shieldproxy.core.record import Record
from shieldproxy.core.verdict import Action
from shieldproxy.offload.counting import UNCLAIMED

STAGE, RULE = "banned", "offload"
ENDED = "bans that had ended before they were counted"


class Shared(NamedTuple):
    """What all records of one look share; ``policy`` and ``geo`` as other records name them."""

    ts: str
    node: str
    policy: str = ""
    geo: str = ""
    posture: str = "calm"
    dst_port: int = 0
    episode: str = ""


def records_of(
    dropped: Mapping[str, int],
    causes: Mapping[str, str],
    shared: Shared,
    *,
    label: Callable[[str], NetworkLabel],
    next_id: Callable[[], str],
) -> Iterator[Record]:
    """Yield one record for each ban with attempts that were ``dropped``, the heaviest first.

    ``causes`` says why by the key of the ban. The source of a network or of an IPv6 client is its first address, as
    nobody knows which of its addresses it was.
    """
    for key, count in sorted(dropped.items(), key=lambda item: (-item[1], item[0])):
        if count <= 0:
            continue
        address = key.partition("/")[0]
        named = label(address) if key != UNCLAIMED else NetworkLabel()
        yield Record(
            ts=shared.ts,
            id=next_id(),
            node=shared.node,
            src_ip=address,
            dst_port=shared.dst_port,
            client=key,
            asn=named.asn,
            as_name=named.as_name,
            country=named.country,
            network_class=named.network_class,
            action=Action.DROP.word,
            stage=STAGE,
            rule=RULE,
            reasons=(causes.get(key, "banned") if key != UNCLAIMED else ENDED,),
            posture=shared.posture,
            episode=shared.episode,
            policy=shared.policy,
            geo=shared.geo,
            weight=count,
        )
