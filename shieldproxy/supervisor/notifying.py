"""Notifying: what systemd is told of the node's life, by the protocol of sd_notify(3)."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING

from shieldproxy.oplog import harmless

if TYPE_CHECKING:
    from collections.abc import MutableMapping

WORDS = ("NOTIFY_SOCKET", "WATCHDOG_PID", "WATCHDOG_USEC")


class Notifier:
    """Tells whoever started the process ``pid`` and asked for it; does nothing where nobody did.

    What ``environ`` says of it is taken out of it: children have nothing to tell. ``interval`` is how often (seconds)
    ``alive`` is to be called, 0.0 when nobody waits for it.
    """

    def __init__(self, environ: MutableMapping[str, str], pid: int) -> None:
        words = {word: environ.pop(word, "") for word in WORDS}
        self._place = words["NOTIFY_SOCKET"]
        if self._place.startswith("@"):  # an abstract name, unix(7)
            self._place = "\0" + self._place[1:]
        usec = words["WATCHDOG_USEC"]
        wanted = self._place and words["WATCHDOG_PID"] in ("", str(pid)) and usec.isascii() and usec.isdigit()
        # Twice within the time, as sd_watchdog_enabled(3) recommends.
        self.interval = int(usec) / 2e6 if wanted else 0.0

    def ready(self, status: str) -> None:
        """Say that visitors are accepted; ``status`` is a sentence for people."""
        self._say("READY=1", f"STATUS={harmless(status)}")

    def reloading(self, now: float) -> None:
        """Say that a reload begins, at ``now`` (monotonic seconds); ``ready`` ends it."""
        self._say("RELOADING=1", f"MONOTONIC_USEC={int(now * 1e6)}")

    def stopping(self) -> None:
        """Say that the end begins."""
        self._say("STOPPING=1", "STATUS=draining")

    async def alive(self) -> None:
        """Say that we still do what we should."""
        self._say("WATCHDOG=1")

    def _say(self, *words: str) -> None:
        if not self._place:
            return
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as teller:
            teller.setblocking(False)
            try:
                teller.sendto("\n".join(words).encode(), self._place)
            except OSError:
                return  # nobody listens any more, or not fast enough: serving does not depend on it
