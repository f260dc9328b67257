"""Pieces are what a whole request of the same line would say."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shieldproxy.journal.foreign import ForeignLog, Logged, parse_request
from shieldproxy.journal.log_files import UnreadableLogError
from shieldproxy.journal.pieces import PieceLog
from tests.fakes.logs import combined

ODD = (
    "",
    "broken",
    '"' * 6,
    f"www.example.org:443 {combined(0, '192.0.2.1')}",
    combined(0, "2001:db8::1"),
    combined(0, "192.0.2.1", agent='a \\"b\\"'),
    combined(0, "192.0.2.1").replace(" 200 1000", " 200 -"),
    combined(0, "192.0.2.1").replace(" 200 1000", " 200 x"),
    combined(0, "192.0.2.1").replace(" 200 1000", "  200 1000"),
    combined(0, "192.0.2.1").replace(" 200 ", " 2000 "),
    combined(0, "192.0.2.1").replace("Nov", "Nov!"),
    combined(0, "192.0.2.1").replace("GET /", "\x16\x03"),
    combined(0, "192.0.2.1", "/a?b c?d"),
    combined(0, "192.0.2.1", agent="-"),
    combined(0, "192.0.2.1") + "\r",
    '{"time": 1, "ip": "192.0.2.1", "path": "/\u00e9", "status": 200}',
    '{"time": 1}',
)
lines = st.lists(
    st.one_of(
        st.sampled_from(ODD),
        st.builds(combined, st.integers(0, 5), st.sampled_from(["192.0.2.1", "host"]), st.sampled_from(["/", "/a?b"])),
        st.text(st.characters(codec="latin-1", exclude_characters="\n\r"), max_size=40),
    ),
    max_size=30,
)


@settings(deadline=None)
@given(lines)
def test_every_line_says_the_same_in_pieces(tmp_path_factory: pytest.TempPathFactory, given_lines: list[str]) -> None:
    """Plain lines and odd ones, and as many of them are broken."""
    path = tmp_path_factory.mktemp("logs") / "a.log"
    path.write_bytes(b"\n".join(line.encode("utf-8" if line[:1] == "{" else "latin-1") for line in given_lines))
    whole, cut = ForeignLog(path), PieceLog(path)
    expected = list(whole.requests())
    found = list(cut.pieces())
    assert [one if isinstance(one, Logged) else one[:3] for one in found] == [
        want if isinstance(one, Logged) else (want.time, want.address, want.user_agent)
        for one, want in zip(found, expected, strict=True)
    ]
    for one, want in zip(found, expected, strict=True):
        if not isinstance(one, Logged):
            assert parse_request(one[3]) == (want.method, want.path, want.query, want.version)
            assert (one[4], want.host, want.fields) == (want.status, "", None)
    assert (cut.broken, cut.broken_lines) == (whole.broken, whole.broken_lines)


def test_plain_lines_are_cut(tmp_path: Path) -> None:
    """What nearly every line is, is never made into a request."""
    path = tmp_path / "a.log"
    path.write_text("\n".join(combined(second, "192.0.2.1") for second in range(3)))
    assert not any(isinstance(one, Logged) for one in PieceLog(path).pieces())
    assert not PieceLog(path).of_json()


def test_a_file_that_is_no_log_is_given_up(tmp_path: Path) -> None:
    """A picture named by mistake is not read to its end."""
    path = tmp_path / "picture"
    path.write_bytes(b"x\n" * 5_000)
    with pytest.raises(UnreadableLogError, match="no log"):
        list(PieceLog(path).pieces())
