from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shieldproxy.journal.combined import Logged, apart, moment_of, parse_combined, parse_request
from shieldproxy.journal.json_logs import parse_json

LINE = (
    '192.0.2.7 - frank [24/Nov/2026:10:15:00 +0000] "GET /a/b?q=1 HTTP/1.1" 200 2326 '
    '"https://example.org/" "Mozilla/5.0 (X11)"'
)
TEN_FIFTEEN = 1_795_515_300.0


def test_a_combined_line_is_a_request() -> None:
    """Each part of the line stands in its own field."""
    assert parse_combined(LINE) == Logged(
        TEN_FIFTEEN,
        "192.0.2.7",
        "GET",
        "/a/b",
        "q=1",
        200,
        "Mozilla/5.0 (X11)",
        "https://example.org/",
        2326,
        "",
        "1.1",
    )


@pytest.mark.parametrize(
    ("line", "field", "value"),
    [
        (LINE.replace("+0000", "+0200"), "time", TEN_FIFTEEN - 7_200),
        (LINE.replace("+0000", "-0130"), "time", TEN_FIFTEEN + 5_400),
        (LINE.replace("Mozilla/5.0 (X11)", r"a \"quoted\" \x41gent"), "user_agent", 'a "quoted" Agent'),
        (LINE.replace("Mozilla/5.0 (X11)", "-"), "user_agent", ""),
        (LINE.replace("2326", "-"), "size", 0),
        (LINE.replace("frank", "frank the third"), "address", "192.0.2.7"),
        ("www.example.org:443 " + LINE, "host", "www.example.org"),
        ("www.example.org:443 " + LINE, "address", "192.0.2.7"),
        (LINE.replace("192.0.2.7", "2001:db8::1"), "address", "2001:db8::1"),
        (LINE.partition(' "https')[0], "user_agent", ""),
        (LINE.replace("GET /a/b?q=1 HTTP/1.1", r"\x16\x03\x01"), "method", ""),
        (LINE.replace("/a/b?q=1", "http://example.org/a/b?q=1"), "path", "/a/b"),
    ],
)
def test_lines_as_servers_write_them(line: str, field: str, value: object) -> None:
    """Zones, escapes, names with spaces, virtual hosts, IPv6, the common format, and bytes that are no request."""
    assert getattr(parse_combined(line), field) == value


@given(st.text('ab \\"-[]', max_size=12), st.text("ab \\-[]", max_size=12))
def test_the_quick_way_and_the_pattern_agree(agent: str, referer: str) -> None:
    """Cutting a line at its quotes gives what the pattern gives, whatever a client wrote; escaped, as servers do."""
    line = LINE.replace("Mozilla/5.0 (X11)", agent.replace("\\", r"\x5C").replace('"', r"\x22"))
    line = line.replace("https://example.org/", referer.replace("\\", r"\x5C"))
    found = parse_combined(line)
    assert found.user_agent == ("" if agent == "-" else agent)
    assert found.referer == ("" if referer == "-" else referer)


@pytest.mark.parametrize("line", ["", "hello", '1.2.3.4 - - [x] "GET /" 200 1', '{"a": 1}', "[1]"])
def test_what_is_no_request_says_so(line: str) -> None:
    """A ValueError, whichever format was meant."""
    with pytest.raises(ValueError, match=r"."):
        parse_json(line) if line.startswith("{") else parse_combined(line)


def test_moments_in_milliseconds_and_seconds() -> None:
    """A number far too large for seconds is milliseconds."""
    assert moment_of(1_795_515_300_000) == moment_of("1795515300") == TEN_FIFTEEN


def test_a_request_line_of_the_first_version() -> None:
    """HTTP/0.9 names no version."""
    assert parse_request("GET /") == ("GET", "/", "", "0.9")
    assert apart(LINE)[0] == "192.0.2.7"
