"""Decision records: facts, verdict and outcome of one request, as they stand in the journal for years."""

from __future__ import annotations

from typing import Any, NamedTuple

VERSION = 1


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
            if not isinstance(value, expected):
                raise ValueError(f"{name}: {value!r} is not {' or '.join(kind.__name__ for kind in expected)}")
        if "reasons" in known:
            known["reasons"] = tuple(known["reasons"])
        if "buckets" in known:
            known["buckets"] = tuple(known["buckets"].items())
        return cls(**known)


def _field_types() -> dict[str, tuple[type, ...]]:
    kinds: dict[str, tuple[type, ...]] = {}
    for name, default in Record._field_defaults.items():
        kinds[name] = (int, float) if isinstance(default, float) else (type(default),)
    return kinds | {"reasons": (list, tuple), "buckets": (dict,)}


FIELD_TYPES = _field_types()
