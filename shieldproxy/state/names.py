"""Names of slots: 64 bits that stand for a text, the same in every worker, foretold by nobody outside the node."""

from __future__ import annotations

from hashlib import blake2b

from_bytes = int.from_bytes


class Names:
    """Names under one label, by keyed BLAKE2b (RFC 7693) of 8 bytes.

    The key keeps a hostile client from choosing addresses that fall into one set of a table. ``secret`` is at most
    64 bytes. Labels are kept apart by their length, so no label and text ever read like another pair.
    """

    __slots__ = ("_started",)

    def __init__(self, secret: bytes, label: str) -> None:
        started = blake2b(digest_size=8, key=secret)
        told = label.encode()
        started.update(b"%d:%s" % (len(told), told))
        self._started = started

    def name(self, text: str) -> int:
        """Return the name of ``text``; never 0, which marks a slot that was never used."""
        state = self._started.copy()  # a copy of the keyed state costs less than keying anew
        state.update(text.encode())
        return from_bytes(state.digest(), "little") or 1
