"""The writer: takes records from the event loop at no cost and writes them in a thread of its own."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence

from shieldproxy.core.errors import StartError
from shieldproxy.core.ports import Draft
from shieldproxy.journal.mending import Mended, probe
from shieldproxy.journal.pressure import Sums
from shieldproxy.journal.segment_writer import SegmentWriter

# A flood at 50,000 a second for two seconds of a stuck disk; about 100 MB when records are long.
QUEUE = 100_000

# Seconds between two looks at the queue: what a crash of the process costs (and, in a flood, the open sums).
INTERVAL = 0.2

# Of refusals that are alike (one client, one rule) so many are written singly in ten seconds, the rest summed: people
# who are refused do not ask more often, floods do, and each line costs as much as answering two requests.
SINGLY = 5

# From this share of the queue on none is written singly: 25,000 requests a second at the defaults.
PRESSURE = 0.05

# The thread encodes so many records before it lets the event loop go on: about a millisecond.
SLICE = 256
BREATH = 0.0002

# How long a stop waits for a disk that does not answer.
PATIENCE = 10.0


class Journal:
    """The Journal port of one worker: ``put`` from its event loop, everything else beside it.

    ``report`` is called in the writing thread with one sentence when writing begins to fail and when it works
    again. ``monotonic`` is seconds.
    """

    def __init__(
        self,
        segments: SegmentWriter,
        *,
        monotonic: Callable[[], float],
        report: Callable[[str], None],
        queue: int = QUEUE,
        interval: float = INTERVAL,
    ) -> None:
        self.written = 0
        self.problem = ""
        self._segments = segments
        self._monotonic = monotonic
        self._report = report
        self._queue = queue
        self._interval = interval
        self._pressed_from = int(queue * PRESSURE)
        self._waiting: list[Draft] = []
        self._held: Sequence[Draft] = []
        self._sums = Sums()
        # Each counter is written by one thread only, so none needs a lock.
        self._overflowed = 0
        self._failed = 0
        self._told = 0
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

    def put(self, draft: Draft) -> None:
        """Take ``draft``; never blocks, never raises: what does not fit is counted as lost."""
        waiting = self._waiting
        if len(waiting) < self._queue:
            waiting.append(draft)
        else:
            self._overflowed += draft.weight

    @property
    def lost(self) -> int:
        """How many requests have no record, since the start."""
        return self._overflowed + self._failed + self._segments.refused

    @property
    def waiting(self) -> int:
        """How many records are not written yet."""
        return len(self._waiting) + len(self._held) + len(self._sums)

    def open(self) -> Mended:
        """Mend what an earlier run left and start to write; raises StartError when the directory is not writable."""
        probe(self._segments.directory)
        try:
            mended = self._segments.open()
        except OSError as error:
            place = self._segments.directory
            raise StartError(f"journal directory {place}: cannot read it: {error.strerror or error}") from error
        self._stop.clear()
        self._thread = threading.Thread(target=self._run, name="journal", daemon=True)
        self._thread.start()
        return mended

    def close(self) -> None:
        """Write what waits, seal the segment and stop; waits PATIENCE seconds at most. What is left is lost."""
        thread, self._thread = self._thread, None
        if thread is None:
            return
        self._stop.set()
        thread.join(PATIENCE)

    def _run(self) -> None:
        while not self._stop.wait(self._interval):
            self.drain()
        self._finish()

    def _finish(self) -> None:
        self.drain()
        self._guarded(self._write_rest)
        self._guarded(self._segments.close)
        left = sum(draft.weight for draft in (*self._held, *self._waiting))
        if left:
            self._failed += left
            self._report(f"journal: stopped; {left} requests could not be written")

    def _write_rest(self) -> None:
        self._held = [*self._held, *self._sums.all()]  # also when drain() failed: then they are counted with the rest
        self._write_held()

    def drain(self) -> None:
        """Write what waits now; what the thread does at each interval. Never raises."""
        self._guarded(self._drain)

    def _drain(self) -> None:
        self._write_held()
        todo = len(self._waiting)
        pressed = todo > self._pressed_from
        while todo > 0:
            drafts = self._waiting[:SLICE]
            del self._waiting[:SLICE]  # the loop only appends, so these are the same
            todo -= len(drafts)
            self._held = self._sums.fold(drafts, self._monotonic(), 0 if pressed else SINGLY)
            self._write_held()
            self._stop.wait(BREATH)
        self._held = self._sums.due(self._monotonic())
        self._write_held()
        self._segments.seal_when_due()

    def _write_held(self) -> None:
        """Write the records in hand; on OSError they stay there for the next attempt."""
        if not self._held:
            return
        lost = self.lost
        count = self._segments.write(self._held, lost - self._told)
        self._held = []
        self.written += count
        if count:
            self._told = lost
        if self.problem:
            self.problem = ""
            self._report(f"journal: writing works again; {self.lost} requests have no record since the start")
        self._segments.seal_when_due()

    def _guarded(self, work: Callable[[], None]) -> None:
        try:
            work()
        except OSError as error:
            self._fail(f"{error.filename or self._segments.directory}: {error.strerror or error}")
        except Exception as error:  # noqa: BLE001 - a bug of ours must not end the thread: nothing would be written again
            self._failed += sum(draft.weight for draft in self._held)
            self._held = []
            self._fail(f"{type(error).__name__}: {error}")

    def _fail(self, reason: str) -> None:
        if not self.problem:
            self._report(f"journal: cannot write, requests go on: {reason}")
        self.problem = reason
