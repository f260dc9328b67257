"""The claim: of all nodes on one network stack, one has the table."""

from __future__ import annotations

import contextlib
import socket

from shieldproxy.core.errors import OffloadError

# An abstract name (unix(7)) belongs to a network namespace, as the table does, and goes with the process that has it.
NAME = "\0shieldproxy/offload"


class Claim:
    """Held from ``take`` to ``release``, or to the end of the process."""

    def __init__(self, name: str = NAME) -> None:
        self._name = name
        self._held: socket.socket | None = None

    def take(self) -> None:
        """Take the claim; having it already is fine. Raises OffloadError while another process has it."""
        if self._held is not None:
            return
        trial = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        try:
            trial.bind(self._name)
        except OSError as error:
            trial.close()
            raise OffloadError("another node on this machine has the kernel's table; only one can") from error
        self._held = trial

    def release(self) -> None:
        """Let another node have it."""
        held, self._held = self._held, None
        if held is not None:
            with contextlib.suppress(OSError):
                held.close()
