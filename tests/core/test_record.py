"""Records: what is written today is read in years, by this version or a later one."""

from __future__ import annotations

import json
from typing import Any

import orjson
import pytest
from hypothesis import given

from shieldproxy.core.record import FIELD_TYPES, VERSION, Record
from tests.strategies import records

# The contract names these; anything may be added behind them.
CONTRACT = """
    v seq ts id node src_ip src_port dst_ip dst_port client asn as_name country network_class method host path query
    http tls ja4 user_agent referer fingerprint action enforced stage rule reasons suspicion retry_after status
    bytes_in bytes_out duration_us side challenge posture episode policy geo weight
""".split()  # noqa: SIM905 - a paragraph of the contract, as it stands there


@given(records)
def test_record_to_dict_to_record_is_the_record(record: Record) -> None:
    """Nothing is lost or changed on the way to a dict and back."""
    assert Record.from_dict(record.to_dict()) == record


@given(records)
def test_record_to_json_to_record_is_the_record(record: Record) -> None:
    """Nothing is lost or changed through a line of JSON, whichever library writes and reads it."""
    line = orjson.dumps(record.to_dict())
    assert b"\n" not in line
    assert Record.from_dict(orjson.loads(line)) == record
    assert Record.from_dict(json.loads(line)) == record
    assert Record.from_dict(orjson.loads(json.dumps(record.to_dict()))) == record


@given(records)
def test_types_survive_too(record: Record) -> None:
    """True stays true and 1 stays 1: each field comes back as the type it had."""
    back = Record.from_dict(orjson.loads(orjson.dumps(record.to_dict())))
    assert [type(value) for value in back] == [type(value) for value in record]


def test_the_fields_of_the_contract_hold() -> None:
    """Scripts rely on these names in this order; new ones come behind."""
    assert list(Record._fields[: len(CONTRACT)]) == CONTRACT
    assert list(Record().to_dict()) == list(Record._fields)


def test_secrets_have_no_field() -> None:
    """Cookies, authorisation and bodies cannot be written down by accident: there is no place for them."""
    assert not {"cookie", "cookies", "authorization", "body", "headers"} & set(Record._fields)


def test_every_field_has_a_type() -> None:
    """A field without a known type would take anything from a damaged journal."""
    assert set(FIELD_TYPES) == set(Record._fields)


def test_an_empty_record_is_one_ordinary_request() -> None:
    """Defaults say: one request, admitted, on our own word, of this version."""
    record = Record()
    assert (record.v, record.weight, record.action, record.enforced) == (VERSION, 1, "admit", True)


def test_a_later_version_is_read_as_far_as_it_is_known() -> None:
    """Fields that a later version adds are left aside, fields that an earlier one had not have their default."""
    assert Record.from_dict({"v": 7, "path": "/", "mood": "sunny"}) == Record(v=7, path="/")


def test_a_whole_number_is_a_number() -> None:
    """Some programs write 3.0 as 3; the wait is still three seconds."""
    assert Record.from_dict({"retry_after": 3}) == Record(retry_after=3.0)


WRONG: list[tuple[dict[str, Any], str]] = [
    ({"asn": "64500"}, "asn: '64500' is not int"),
    ({"asn": None}, "asn: None is not int"),
    ({"asn": 1.5}, "asn: 1.5 is not int"),
    ({"asn": True}, "asn: True is not int"),
    ({"enforced": 1}, "enforced: 1 is not bool"),
    ({"path": 7}, "path: 7 is not str"),
    ({"path": b"/"}, "path: b'/' is not str"),
    ({"retry_after": "soon"}, "retry_after: 'soon' is not int or float"),
    ({"retry_after": False}, "retry_after: False is not int or float"),
    ({"reasons": "flood"}, "reasons: 'flood' is not list or tuple"),
    ({"reasons": ["flood", 7]}, "reasons: "),
    ({"buckets": [["client", 1.0]]}, "buckets: "),
    ({"buckets": {"client": "full"}}, "buckets: "),
    ({"buckets": {"client": True}}, "buckets: "),
]


@pytest.mark.parametrize(("fields", "message"), WRONG)
def test_what_the_journal_never_writes_is_refused(fields: dict[str, Any], message: str) -> None:
    """A damaged line is named by its field and its value instead of becoming a wrong record."""
    with pytest.raises(ValueError, match=r"^\w+: ") as refusal:
        Record.from_dict(fields)
    assert str(refusal.value).startswith(message)
