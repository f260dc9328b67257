"""Header fields: which end at this hop, and what a value is."""

from __future__ import annotations

import pytest

from shieldproxy.proxy.fields import Field, named_by_connection, values_of


def connection(*values: bytes) -> list[Field]:
    return [(b"connection", b"Connection", value) for value in values]


@pytest.mark.parametrize(
    ("values", "names"),
    [
        ((), set()),
        ((b"keep-alive",), set()),
        ((b"close",), set()),
        ((b"Keep-Alive, Close",), set()),
        ((b"X-Hop",), {b"x-hop"}),
        ((b" close ,\tX-Hop , ,Upgrade",), {b"x-hop", b"upgrade"}),
        ((b"X-One", b"X-Two"), {b"x-one", b"x-two"}),
    ],
)
def test_connection_names_what_ends_here(values: tuple[bytes, ...], names: set[bytes]) -> None:
    """Every name of every Connection line, in small letters, but for what Connection itself means."""
    assert named_by_connection(connection(*values)) == names


def test_a_value_has_no_blanks_round_it() -> None:
    """Spaces and tabs round a value are not of it; those within are, and nothing else is taken off."""
    fields: list[Field] = [(b"a", b"A", b" \tx y\t "), (b"b", b"B", b"no"), (b"a", b"a", b"\xa0z")]
    assert values_of(fields, b"a") == [b"x y", b"\xa0z"]
