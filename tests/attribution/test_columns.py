from __future__ import annotations

import pytest

from shieldproxy.attribution.columns import COLUMNS, NAMES, milliseconds, parameters, values
from tests.fakes.records import TEN_FIFTEEN, record_at


def test_a_row_has_what_its_line_has() -> None:
    """In the order of the columns, numbers as numbers; what later versions may leave out has its default."""
    row = dict(zip(NAMES, values(record_at(1.5, weight=7).to_dict()), strict=True))
    assert row["ts"] == int((TEN_FIFTEEN + 1.5) * 1000)
    assert (row["asn"], row["weight"], row["enforced"], row["query"]) == (64500, 7, 1, "q=")
    fields = record_at().to_dict()
    del fields["weight"], fields["enforced"]
    row = dict(zip(NAMES, values(fields), strict=True))
    assert (row["weight"], row["enforced"]) == (1, 1)


def test_an_address_is_kept_where_it_is_not_the_client() -> None:
    """Of IPv6 the client is a /64, and the address stands beside it."""
    place = NAMES.index("address")
    assert values(record_at().to_dict())[place] is None
    six = record_at(src_ip="2001:db8::1", client="2001:db8::/64")
    assert values(six.to_dict())[place] == "2001:db8::1"


@pytest.mark.parametrize(
    ("query", "names"), [("q=secret&page=2", "q=&page="), ("", ""), ("f0e1d2", "*"), ("a=b=c", "a="), ("&a=", "&a=")]
)
def test_values_of_parameters_are_left_out(query: str, names: str) -> None:
    """They are random, or nobody's business."""
    assert parameters(query) == names


def test_a_ts_that_is_none_is_refused() -> None:
    """Only moments count."""
    assert milliseconds("1970-01-01T00:00:01.234567Z") == 1_234
    with pytest.raises(ValueError, match="nonsense"):
        milliseconds("nonsense")


def test_column_names_are_plain() -> None:
    """They stand in SQL as they are."""
    assert all(column.name.isidentifier() for column in COLUMNS)
