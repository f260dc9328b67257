"""The fields of our own forms."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shieldproxy.guard.forms import MAX_FIELDS, read_form


@pytest.mark.parametrize(
    ("body", "fields"),
    [
        (b"", {}),
        (b"token=a.b&to=%2Fx%3Fy%3D1", {"token": "a.b", "to": "/x?y=1"}),
        (b"to=/a&to=/b", {"to": "/a"}),
        (b"to=", {"to": ""}),
        (b"to=/a;b", {"to": "/a;b"}),
        (b"to=%zz", {"to": "%zz"}),
        (b"to=\xff", {}),
        (b"&".join([b"a=b"] * (MAX_FIELDS + 1)), {}),
    ],
)
def test_the_first_of_each_name_counts(body: bytes, fields: dict[str, str]) -> None:
    """Fields are read as browsers write them; a form that cannot be ours has none."""
    assert read_form(body) == fields


@given(st.binary(max_size=500))
def test_no_body_is_too_odd(body: bytes) -> None:
    """Whatever is sent gives fields or none, and no error."""
    assert isinstance(read_form(body), dict)
