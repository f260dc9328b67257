"""Decision records: facts, verdict and outcome of one request, as they stand in the journal for years."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from functools import lru_cache
from operator import itemgetter
from typing import Any, NamedTuple

VERSION = 1

# Longer texts are cut, queries later than others: they say nothing more about a decision, and a flood of long ones
# would fill the disk.
MAX_TEXT, MAX_QUERY = 512, 1_024


def rfc3339(unix_seconds: float) -> str:
    """Return the moment as records write it: RFC 3339, UTC, microseconds, ``Z`` (``2026-11-24T10:15:00.000123Z``).

    ``unix_seconds`` is seconds since 1970. All results are 27 characters long, so they sort as text. Raises
    ValueError or OverflowError when it is no moment of the years 1 to 9999.
    """
    seconds, micros = divmod(round(unix_seconds * 1e6), 1_000_000)
    return f"{_whole_second(seconds)}.{micros:06d}Z"


@lru_cache(maxsize=64)  # requests of one second share it; 64 covers the queue and slow requests
def _whole_second(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).replace(tzinfo=None).isoformat()


class Record(NamedTuple):
    """One line of the journal. Field names are the contract; add to them, rename none.

    ``ts`` is UTC, RFC 3339 with microseconds and ``Z``. ``weight`` is how many requests the line stands for.
    ``retry_after`` is seconds, ``duration_us`` microseconds. Cookies, Authorization and bodies have no field.
    """

    v: int = VERSION
    seq: int = 0
    ts: str = ""
    id: str = ""
    node: str = ""
    src_ip: str = ""
    src_port: int = 0
    dst_ip: str = ""
    dst_port: int = 0
    client: str = ""
    asn: int = 0
    as_name: str = ""
    country: str = ""
    network_class: str = "other"
    method: str = ""
    host: str = ""
    path: str = ""
    query: str = ""
    http: str = ""
    tls: str = ""
    ja4: str = ""
    user_agent: str = ""
    referer: str = ""
    fingerprint: str = ""
    action: str = "admit"
    enforced: bool = True
    stage: str = ""
    rule: str = ""
    reasons: tuple[str, ...] = ()
    suspicion: int = 0
    retry_after: float = 0.0
    status: int = 0
    bytes_in: int = 0
    bytes_out: int = 0
    duration_us: int = 0
    side: str = ""
    challenge: str = ""
    posture: str = "calm"
    episode: str = ""
    policy: str = ""
    geo: str = ""
    weight: int = 1
    buckets: tuple[tuple[str, float], ...] = ()
    lost_before: int = 0

    def alike(self) -> tuple[object, ...] | None:
        """Return what records must agree in to be summed into one; None for what was admitted: that is never summed.

        Whatever people count by is in it, or a sum would be wrong by it.
        """
        return None if self.action == "admit" else pick_alike(self)

    def line(self, seq: int, lost_before: int) -> tuple[str, bytes] | None:  # noqa: ARG002 - the port's
        """Return None: what is finished is encoded like any record."""
        return None

    def record(self) -> Record:
        """Return the record itself: a record is a draft that is finished."""
        return self

    def to_dict(self) -> dict[str, Any]:
        """Return the record as JSON takes it: lists for tuples, bucket levels as an object."""
        fields = self._asdict()
        fields["reasons"] = list(self.reasons)
        fields["buckets"] = dict(self.buckets)
        return fields

    @classmethod
    def from_dict(cls, fields: dict[str, Any]) -> Record:
        """Return the record of a journal line; unknown fields of a later version are left aside.

        Raises ValueError when a field has a type the journal never writes.
        """
        known = {name: fields[name] for name in cls._fields if name in fields}
        for name, value in known.items():
            expected = FIELD_TYPES[name]
            # By type and not isinstance: true is no count of bytes.
            if type(value) not in expected:
                raise ValueError(f"{name}: {value!r} is not {' or '.join(kind.__name__ for kind in expected)}")
        if not all(isinstance(reason, str) for reason in known.get("reasons", ())):
            raise ValueError("reasons: not all of them are words")
        if not all(type(level) in (int, float) for level in known.get("buckets", {}).values()):
            raise ValueError("buckets: not all levels are numbers")
        if "reasons" in known:
            known["reasons"] = tuple(known["reasons"])
        if "buckets" in known:
            known["buckets"] = tuple(known["buckets"].items())
        return cls(**known)


# What records of one sum agree in.
ALIKE = ("client", "action", "stage", "rule", "enforced", "challenge", "host", "episode")
pick_alike: Callable[[Record], tuple[object, ...]] = itemgetter(*(Record._fields.index(name) for name in ALIKE))


def _field_types() -> dict[str, tuple[type, ...]]:
    kinds: dict[str, tuple[type, ...]] = {}
    for name, default in Record._field_defaults.items():
        kinds[name] = (int, float) if isinstance(default, float) else (type(default),)
    return kinds | {"reasons": (list, tuple), "buckets": (dict,)}


FIELD_TYPES = _field_types()
