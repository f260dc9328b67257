from __future__ import annotations

from pathlib import Path

import pytest

from shieldproxy.core.record import rfc3339
from shieldproxy.journal.holds import FILE, is_held, lift_hold, read_holds, read_orders, set_hold
from shieldproxy.journal.segments import LATER, Segment
from tests.fakes.records import TEN_FIFTEEN

A, B, C, D = (rfc3339(TEN_FIFTEEN + hour * 3600) for hour in range(4))


def segment(first: str, last: str) -> Segment:
    return Segment(Path(), "", 0, first, last, "edge1.0", 1, sealed=True)


def test_a_hold_stands_until_it_is_lifted(tmp_path: Path) -> None:
    """Both orders stay written down, with their reasons; numbers are never used again."""
    assert read_holds(tmp_path) == {}
    hold = set_hold(tmp_path, A, B, "police request 4711", D)
    assert hold.id == "H1"
    assert read_holds(tmp_path) == {"H1": hold}
    assert lift_hold(tmp_path, "H1", "case closed", D) == hold
    assert read_holds(tmp_path) == {}
    assert [order["why"] for order in read_orders(tmp_path)] == ["police request 4711", "case closed"]
    assert set_hold(tmp_path, A, B, "again", D).id == "H2"
    with pytest.raises(KeyError):
        lift_hold(tmp_path, "H1", "", D)


def test_it_keeps_what_may_have_records_of_its_span(tmp_path: Path) -> None:
    """One common moment is enough; an open segment may still reach into it."""
    holds = [set_hold(tmp_path, B, C, "why", D)]
    assert is_held(segment(A, B), holds)
    assert is_held(segment(C, D), holds)
    assert is_held(segment("", LATER), holds)
    assert not is_held(segment(A, A), holds)
    assert not is_held(segment(D, D), holds)


def test_a_span_that_is_none_is_refused(tmp_path: Path) -> None:
    """Nothing is written then."""
    for since, until in ((B, A), ("yesterday", B), ("", "")):
        with pytest.raises(ValueError, match="earlier to a later"):
            set_hold(tmp_path, since, until, "why", D)
    assert not (tmp_path / FILE).exists()


@pytest.mark.parametrize(
    "text",
    [
        "half a li",
        '{"order":"set"}\n',
        "[1]\n",
        '{"order":"set","id":"H1","since":"x","until":"y","why":"","set_at":""}\n',
    ],
)
def test_a_damaged_file_is_named(tmp_path: Path, text: str) -> None:
    """Whoever deletes must not guess what was to stay."""
    (tmp_path / FILE).write_text(text)
    with pytest.raises(ValueError, match=r"damaged|no hold|no span"):
        read_holds(tmp_path)
