"""Names of slots: stable in one node, apart by label, never 0."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from shieldproxy.state.names import Names

SECRET = bytes(range(32))


@given(st.text(), st.text(), st.text(), st.text())
def test_another_label_or_text_is_another_name(label: str, text: str, other_label: str, other: str) -> None:
    """Two pairs have one name only if they are one pair, however label and text are cut."""
    same = (label, text) == (other_label, other)
    assert (Names(SECRET, label).name(text) == Names(SECRET, other_label).name(other)) is same


@given(st.text())
def test_a_name_has_64_bits_and_depends_on_the_secret(text: str) -> None:
    """Two tables over one secret agree; over another nobody can tell which slot a client has."""
    name = Names(SECRET, "client").name(text)
    assert name == Names(SECRET, "client").name(text)
    assert 0 < name < 2**64
    assert name != Names(bytes(32), "client").name(text)
