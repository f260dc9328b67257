"""Encoding: how a record becomes one line of JSON, its fields always in the order of the contract."""

from __future__ import annotations

from typing import Any

import orjson

from shieldproxy.core.record import Record


class Encoder:
    """Turns records into lines. It fills one dictionary again and again, so each thread needs its own."""

    def __init__(self) -> None:
        self._fields: dict[str, Any] = dict.fromkeys(Record._fields)

    def line(self, record: Record, seq: int, lost_before: int) -> bytes:
        """Return the line of ``record`` without its newline, numbered ``seq``.

        Text that is no Unicode (lone surrogates) is written with backslashes rather than lost. Raises ValueError
        when a field holds what JSON cannot say at all.
        """
        fields = self._fields
        fields.update(zip(Record._fields, record, strict=False))  # strict costs a tenth; a NamedTuple always fits
        fields["seq"] = seq
        fields["lost_before"] = record.lost_before + lost_before
        fields["buckets"] = dict(record.buckets)
        try:
            return orjson.dumps(fields)
        except TypeError:
            return _repaired(fields)


def _repaired(fields: dict[str, Any]) -> bytes:
    try:
        return orjson.dumps({name: _repair(value) for name, value in fields.items()})
    except TypeError as error:
        raise ValueError(f"a record cannot be written: {error}") from error


def _repair(value: Any) -> Any:
    if isinstance(value, str):
        return value.encode("utf-8", "backslashreplace").decode()
    if isinstance(value, tuple | list):
        return [_repair(part) for part in value]
    if isinstance(value, dict):
        return {_repair(name): _repair(part) for name, part in value.items()}
    return value
