"""The pulse: workers whose loop stands still are found, named with the place where they are stuck, and replaced."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from shieldproxy.core.silence import STOPPED, Silence, listen
from shieldproxy.supervisor.vital_signs import sign_of, stolen_time

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from shieldproxy.oplog import Log
    from shieldproxy.state.beats import Beats
    from shieldproxy.supervisor.workers import WorkerProcess

ROUND = 1.0
# One look counts so much (seconds) at most: a supervisor that was held up itself knows nothing of the time between.
MOST = 1.5 * ROUND
# So many seconds of its own may pass in a worker without its loop coming round. Turns last milliseconds; its visitors
# wait for all of them, and those in its queue with them.
STUCK = 10.0
# Before it is ready: it reads databases of the operator's, perhaps from a slow disk. As long as the first start may.
STUCK_AT_START = 30.0
DOING = {
    "R": "working",
    "S": "waiting for a call to return",
    "D": "waiting in the kernel",
    STOPPED: "stopped by a signal",
}


class Pulse:
    """Looks at ``workers`` once a ``ROUND``. ``clock`` is monotonic seconds."""

    def __init__(self, beats: Beats, workers: Sequence[WorkerProcess], *, clock: Callable[[], float], log: Log) -> None:
        self._beats = beats
        self._workers = workers
        self._clock = clock
        self._log = log
        self._looked_at = -math.inf
        self._stolen: dict[str, float] = {}
        # By worker: the process that fills the slot, and what is known of it.
        self._known: dict[int, tuple[int, Silence]] = {}

    async def look(self) -> None:
        """Take note of each worker, and end those that are stuck."""
        now, before = self._clock(), self._stolen
        elapsed, self._looked_at = min(now - self._looked_at, MOST), now
        self._stolen = stolen_time()
        stolen = max((given - before.get(cpu, given) for cpu, given in self._stolen.items()), default=0.0)
        for worker in self._workers:
            silence = self._listen(worker, elapsed, stolen)
            if silence.seconds >= (STUCK if worker.alive else STUCK_AT_START) and not worker.ending:
                await self._replace(worker, silence)

    def _listen(self, worker: WorkerProcess, elapsed: float, stolen: float) -> Silence:
        pid = worker.pid
        known_pid, silence = self._known.get(worker.index, (0, Silence()))
        if pid != known_pid:
            silence = Silence()
        sign = sign_of(pid, self._beats.count(worker.index)) if pid else None
        silence = listen(silence, sign, elapsed, stolen) if sign is not None else Silence()
        self._known[worker.index] = (pid, silence)
        return silence

    async def _replace(self, worker: WorkerProcess, silence: Silence) -> None:
        pid, beats = worker.pid, self._beats.count(worker.index)
        state = silence.sign.state if silence.sign is not None else ""
        where = "" if state == STOPPED else await worker.whereabouts()
        told = {"worker": worker.index, "pid": pid, "silent": round(silence.seconds, 1), "where": where}
        if worker.pid != pid:
            return  # it ended meanwhile
        if self._beats.count(worker.index) != beats:
            # It came round while it was asked. Nobody is ended for having been slow.
            self._log.warning("a worker was stuck for a while", **told)
            return
        self._log.error("a worker is stuck and is ended", doing=DOING.get(state, state), **told)
        worker.kill()
