"""Certificates in use: which there are, when the first of them ends, and what is said of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from shieldproxy.settings.certificate_files import lasting

if TYPE_CHECKING:
    from shieldproxy.settings.schema import Settings

# One that ends soon is said so often (seconds), beside each start and reload: once a day in the operational log.
ROUND = 86_400.0


class InUse:
    """The certificates that workers show under ``settings``, as their files are at the start and at each reload."""

    def __init__(self, settings: Settings) -> None:
        tls = settings.server.tls
        self._found = lasting(tls.pairs if tls is not None else ())

    def left(self, now: float) -> float | None:
        """Return how many seconds are left until the first of them ends; None when there is none."""
        return min((one.ends - now for one in self._found), default=None)

    def say(self, log: Any, now: float) -> None:
        """Warn of each that ends soon, has ended, or is not valid yet."""
        for one in self._found:
            if what := one.warning(now):
                log.warning("a certificate needs care", file=str(one.file), why=what, names=list(one.names[:10]))
