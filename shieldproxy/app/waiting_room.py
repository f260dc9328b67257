"""The waiting room of one process, wired: the node's line, the keys of this node, and how the page looks."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING

from shieldproxy.guard.waiting import WaitingRoom
from shieldproxy.state.line import NodeLine
from shieldproxy.state.memory import NodeMemory, Region

if TYPE_CHECKING:
    from shieldproxy.guard.appearance import Appearance
    from shieldproxy.guard.phrasebook import Phrasebook
    from shieldproxy.settings.schema import Settings
    from shieldproxy.state.keys import KeyRing


def waiting_room(  # noqa: PLR0913, PLR0917 - one argument for each part
    settings: Settings, memory: NodeMemory, index: int, keys: KeyRing, appearance: Appearance, phrasebook: Phrasebook
) -> WaitingRoom:
    """Return the waiting room of the process that has number ``index`` on its node."""
    return WaitingRoom(
        NodeLine(memory.region(Region.LINE), index),
        keys,
        appearance=appearance,
        phrasebook=phrasebook,
        own_path=settings.server.own_path,
        seconds=pass_seconds(settings),
        clock=time.time,
        chance=os.urandom,
    )


def pass_seconds(settings: Settings) -> float:
    """Return for how many seconds who waited in line goes in and out; 0 where nobody waits on a page."""
    return settings.origin.waiting_pass if settings.origin.waiting_page else 0.0
