"""A journal that is a list."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from shieldproxy.core.ports import Draft
    from shieldproxy.core.record import Record


class ListJournal:
    """Serves as Journal of core.ports; beyond ``room`` records it loses them and counts, as a full queue does."""

    def __init__(self, room: int = 10_000) -> None:
        self.records: list[Record] = []
        self.room = room
        self.lost = 0

    def put(self, draft: Draft) -> None:
        """Keep the record of ``draft`` or count it as lost."""
        if len(self.records) < self.room:
            self.records.append(draft.record())
        else:
            self.lost += draft.weight
