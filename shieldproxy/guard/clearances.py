"""Clearances as visitors bring them: found in the Cookie header, verified once, remembered while they last."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from cachetools import LRUCache

from shieldproxy.core.clearance import TOKEN_LENGTH, Clearance, Refusal, bind, unseal
from shieldproxy.guard.cookies import MARK, tokens_in

if TYPE_CHECKING:
    from shieldproxy.core.ports import WallClock

# Verified clearances remembered by one worker, about 700 bytes each; the rest are verified again (some 10 µs).
KEPT = 16_384
# A longer user agent is no browser's: its clearance is verified each time rather than kept in memory.
MAX_AGENT = 512


# token, binding prefix, user agent
Key = tuple[bytes, str, bytes]


class Clearances:
    """Reads clearances. Refusals are not remembered: tokens at random would drive the good ones out."""

    def __init__(self, keys: Sequence[bytes], epoch: int, clock: WallClock, late: float = 0.0) -> None:
        self._keys = tuple(keys)
        self._epoch = epoch
        self._late = late
        self._clock = clock
        self._verified: LRUCache[Key, Clearance] = LRUCache(KEPT)

    def adopt(self, keys: Sequence[bytes], epoch: int, late: float = 0.0) -> None:
        """Accept the clearances of these ``keys`` from now on, none older than ``epoch``.

        ``read_late`` accepts them ``late`` seconds longer.
        """
        self._keys = tuple(keys)
        self._epoch = epoch
        self._late = late
        self._verified.clear()

    def read(self, cookies: bytes, prefix: str, user_agent: bytes) -> Clearance | Refusal | None:
        """Return the clearance in a Cookie header, why there is none in force, or None without a token of ours.

        ``prefix`` is the visitor's binding prefix. Of several tokens one that is good suffices: a stale cookie of
        another path or name must not hide a fresh one.
        """
        # A token that was verified is good wherever it stands, so the usual visitor costs one search and one look-up.
        start = cookies.find(MARK)
        if start < 0:
            return None
        start += len(MARK)
        try:
            known = self._verified[cookies[start : start + TOKEN_LENGTH], prefix, user_agent]
        except KeyError:
            pass
        else:
            if known.expires > self._clock():
                return known
        refusal: Refusal | None = None
        for token in tokens_in(cookies):
            found = self._verify(token, prefix, user_agent)
            if isinstance(found, Clearance):
                return found
            refusal = refusal or found
        return refusal

    def read_late(self, cookies: bytes, prefix: str, user_agent: bytes) -> Clearance | Refusal | None:
        """Return what ``read`` would have returned ``late`` seconds ago, or more; nothing of it is remembered."""
        binding, refusal = bind(prefix, user_agent), None
        then = self._clock() - self._late
        for token in tokens_in(cookies):
            found = unseal(self._keys, token.decode("latin-1"), binding=binding, now=then, epoch=self._epoch)
            if isinstance(found, Clearance):
                return found
            refusal = refusal or found
        return refusal

    def _verify(self, token: bytes, prefix: str, user_agent: bytes) -> Clearance | Refusal:
        key = (token, prefix, user_agent)
        now = self._clock()
        known = self._verified.get(key)
        if known is not None:
            return known if known.expires > now else Refusal.EXPIRED
        binding = bind(prefix, user_agent)
        found = unseal(self._keys, token.decode("latin-1"), binding=binding, now=now, epoch=self._epoch)
        if isinstance(found, Clearance) and len(user_agent) <= MAX_AGENT:
            self._verified[key] = found
        return found
