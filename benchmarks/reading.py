"""What one measured run said."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field


@dataclass(frozen=True, slots=True)
class Reading:
    """The result of a load generator: how many answers in how long, how fast, which, and what went wrong."""

    requests: int
    seconds: float
    p50_us: float
    p99_us: float
    refused: int
    """Answers with a status of 400 or above."""
    errors: dict[str, int] = field(default_factory=dict)
    statuses: dict[str, int] = field(default_factory=dict)
    """By status where the generator can tell; wrk counts only what is above 399."""
    clients: int = 1

    @property
    def rate(self) -> float:
        """Requests a second of wall time."""
        return self.requests / self.seconds if self.seconds else 0.0

    def as_dict(self) -> dict[str, object]:
        """For JSON."""
        return {**asdict(self), "rate": self.rate}


@dataclass(frozen=True, slots=True)
class Round:
    """One reading of one server, with the processor time it cost that server and the two around it."""

    reading: Reading
    server_cpu: float
    """Processor seconds, user and system, of the server and all its children while the load ran."""
    origin_cpu: float
    load_cpu: float
    other_cpu: float
    """Processor seconds of everything else on this machine, on all cores: the noise of this round."""
    elapsed: float
    """Wall seconds between the two looks at the processor time."""

    @property
    def cpu_us(self) -> float:
        """Microseconds of the server's processor for one request."""
        return self.server_cpu * 1e6 / self.reading.requests if self.reading.requests else float("inf")

    @property
    def capacity(self) -> float:
        """Requests a second that one core of this server can do, from the processor time of one request."""
        return 1e6 / self.cpu_us if self.cpu_us else 0.0

    @property
    def busy(self) -> float:
        """Share of one core that the server used (above 1.0 with more than one core)."""
        return self.server_cpu / self.elapsed if self.elapsed else 0.0

    @property
    def noise(self) -> float:
        """How many cores everything else kept busy."""
        return self.other_cpu / self.elapsed if self.elapsed else 0.0

    def as_dict(self) -> dict[str, object]:
        """For JSON."""
        return {
            "reading": self.reading.as_dict(),
            "server_cpu_s": self.server_cpu,
            "origin_cpu_s": self.origin_cpu,
            "load_cpu_s": self.load_cpu,
            "other_cpu_s": self.other_cpu,
            "elapsed_s": self.elapsed,
            "cpu_us_per_request": self.cpu_us,
            "capacity": self.capacity,
            "busy": self.busy,
        }
