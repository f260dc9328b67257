"""How the site stands: a few cells the supervisor writes and every worker reads, and the networks it has marked."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import date

from shieldproxy.core.facts import Posture, Tightening
from shieldproxy.state.slots import SlotTable

POSTURES = tuple(Posture)
# By names of this module: to ask an enumeration for a member costs more than to look into the table.
MARKED, ALL, SAMPLED, NOT_TIGHTENED = (
    Tightening.NETWORK,
    Tightening.EVERYBODY,
    Tightening.SAMPLE,
    Tightening.NONE,
)
POSTURE, GENERATION, EPOCH, EVERYBODY, SAMPLE, EPISODE, NARROW, COHORTS = range(8)
# An episode is told as its day and its number in that day.
OF_DAY = 1 << 16
# Newcomers are sampled by eight bits of a name that nobody outside can foretell, in parts of 2**16.
SAMPLE_SHIFT, SAMPLE_OF = 20, 1 << 16
# Networks marked at once find room with plenty to spare, so that no set of the table is full.
MARK_SLOTS = 16_384
# Networks whose usual is worth telling: those that ask often.
RATE_SLOTS = 16_384
# A mark that is not renewed ends (seconds): marks do not outlive a supervisor that died.
MARK_SECONDS = 10.0


class NodeSituation:
    """The port ``Situation`` over shared cells. One process writes, all may read; each cell is whole at any time.

    ``marks`` is where marked networks stand, ``rates`` what networks usually ask for; None: there are none (a situation
    for reading the posture alone).
    """

    __slots__ = ("_cells", "_marks", "_rates")

    def __init__(
        self, buffer: memoryview | bytearray, marks: SlotTable | None = None, rates: SlotTable | None = None
    ) -> None:
        self._cells = memoryview(buffer)[:64].cast("Q")
        self._marks = marks
        self._rates = rates

    @property
    def posture(self) -> Posture:
        """The posture of this second."""
        return POSTURES[self._cells[POSTURE]]

    @posture.setter
    def posture(self, posture: Posture) -> None:
        self._cells[POSTURE] = POSTURES.index(posture)

    def tightening(self, network: int, client: int, now: float) -> Tightening:
        """Return whether a newcomer is challenged for the excess it may be part of; names are those of buckets."""
        if self._marks is not None and self._marks.get(network) > now:
            return MARKED
        cells = self._cells
        if cells[EVERYBODY]:
            return ALL
        if client >> SAMPLE_SHIFT & SAMPLE_OF - 1 < cells[SAMPLE]:
            return SAMPLED
        return NOT_TIGHTENED

    def cohort(self, traits: tuple[int, ...], now: float) -> int:
        """Return which of a request's ``traits`` (names) is that of a cohort, -1 when none is."""
        marks = self._marks
        if marks is not None and self._cells[COHORTS]:
            for place, name in enumerate(traits):
                if marks.get(name) > now:
                    return place
        return -1

    def spares(self, path: int, now: float) -> bool:
        """Tell whether the excess asks for other paths than ``path`` (a name), so that its newcomers are left alone."""
        return bool(self._cells[NARROW]) and self._marks is not None and self._marks.get(path) <= now

    def point(self, cohorts: Collection[int], paths: Iterable[int], now: float, *, narrow: bool) -> None:
        """Mark cohorts and paths in excess (names) for a while; ``narrow``: newcomers are left alone on other paths."""
        if self._marks is not None:
            for name in (*cohorts, *paths):
                self._marks.put_if_room(name, now + MARK_SECONDS, now)
        self._cells[NARROW] = int(narrow)
        self._cells[COHORTS] = len(cohorts)

    def tighten(self, networks: Iterable[int], now: float, *, everybody: bool, sample: float) -> None:
        """Mark ``networks`` (names) for a while, and say whether all newcomers, or which share of them, is tested."""
        if self._marks is not None:
            for network in networks:
                self._marks.put_if_room(network, now + MARK_SECONDS, now)
        self._cells[EVERYBODY] = int(everybody)
        self._cells[SAMPLE] = int(sample * SAMPLE_OF)

    def usual(self, network: int) -> float:
        """Return how often newcomers of a network (a name) usually ask a second; 0 for little or not known."""
        return 0.0 if self._rates is None else self._rates.get(network)

    def tell_usual(self, network: int, rate: float) -> None:
        """Write down how often a network usually asks; 0 forgets it. What finds no room is not known."""
        if self._rates is None:
            return
        if rate > 0.0:
            self._rates.put_if_room(network, rate, 0.0)
        else:
            self._rates.drop(network)

    def release(self, name: int) -> None:
        """End the mark of a network, cohort or path at once."""
        if self._marks is not None:
            self._marks.drop(name)

    @property
    def episode(self) -> str:
        """The ID of the episode that is open; '' when none is."""
        day, number = divmod(self._cells[EPISODE], OF_DAY)
        return f"E-{date.fromordinal(day)}-{number}" if day else ""

    @episode.setter
    def episode(self, episode: str) -> None:
        day, number = episode[2:12], episode[13:]
        self._cells[EPISODE] = date.fromisoformat(day).toordinal() * OF_DAY + int(number) if episode else 0

    @property
    def generation(self) -> int:
        """How often the policy was replaced; a worker that holds an older one loads it again."""
        return self._cells[GENERATION]

    @generation.setter
    def generation(self, generation: int) -> None:
        self._cells[GENERATION] = generation

    @property
    def epoch(self) -> int:
        """The epoch below which clearances are revoked."""
        return self._cells[EPOCH]

    @epoch.setter
    def epoch(self, epoch: int) -> None:
        self._cells[EPOCH] = epoch
