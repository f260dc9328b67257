from __future__ import annotations

import json

import pytest
from hypothesis import given

from shieldproxy.core.record import Record
from shieldproxy.journal.encoding import Encoder
from tests.fakes.records import record_at
from tests.strategies import any_text, records


@given(records)
def test_a_line_read_back_is_the_record(record: Record) -> None:
    """Whatever a record holds, its line read as JSON is the same record under the number the writer gave."""
    line = Encoder().line(record, 7, 0)
    assert Record.from_dict(json.loads(line)) == record._replace(seq=7)


@given(records)
def test_a_line_has_the_fields_in_the_order_of_the_contract(record: Record) -> None:
    """Scripts that cut by position find each field where it always was."""
    assert tuple(json.loads(Encoder().line(record, 1, 0))) == Record._fields


@given(any_text)
def test_text_that_is_no_unicode_is_written_with_backslashes(text: str) -> None:
    """A lone surrogate costs no record; the line stays one line of valid UTF-8."""
    line = Encoder().line(record_at(path=text, reasons=(text,), buckets=((text, 1.0),)), 1, 0)
    assert b"\n" not in line
    assert json.loads(line)["path"] == text.encode("utf-8", "backslashreplace").decode()


def test_lines_do_not_leak_into_each_other() -> None:
    """The dictionary that is used again keeps nothing of the record before."""
    encoder = Encoder()
    encoder.line(record_at(episode="e1", buckets=(("asn", 1.0),)), 1, 5)
    second = json.loads(encoder.line(record_at(buckets=()), 2, 0))
    assert (second["episode"], second["buckets"], second["lost_before"]) == ("", {}, 0)


def test_lost_before_is_added_to_what_the_record_brought() -> None:
    """A record that is written anew keeps the gap it stood behind."""
    assert json.loads(Encoder().line(record_at(lost_before=2), 1, 3))["lost_before"] == 5


def test_what_json_cannot_say_is_refused_by_name() -> None:
    """A number beyond 64 bits is a ValueError and not a broken line."""
    with pytest.raises(ValueError, match="cannot be written"):
        Encoder().line(record_at(bytes_out=1 << 70), 1, 0)
