"""Foreign logs: what other servers wrote down becomes requests, and what is no request is named."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shieldproxy.journal.foreign import (
    ForeignLog,
    Logged,
    apart,
    moment_of,
    parse_combined,
    parse_json,
    parse_request,
)
from shieldproxy.journal.log_files import UnreadableLogError

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


@pytest.mark.parametrize(
    "line",
    [
        '{"time_iso8601":"2026-11-24T10:15:00+00:00","remote_addr":"192.0.2.7","request":"GET /a?q=1 HTTP/1.1","status":"200"}',
        '{"msec":1795515300.0,"remote_addr":"192.0.2.7","request_method":"GET","request_uri":"/a?q=1","status":200}',
        '{"ts":1795515300.0,"request":{"remote_ip":"192.0.2.7","method":"GET","uri":"/a?q=1","headers":{}},"status":200}',
        (
            '{"@timestamp":"2026-11-24T10:15:00.000Z","source":{"ip":"192.0.2.7"},"http":{"request":{"method":"GET"},'
            '"response":{"status_code":200}},"url":{"path":"/a","query":"q=1"}}'
        ),
        (
            '{"StartUTC":"2026-11-24T10:15:00Z","ClientHost":"192.0.2.7","RequestMethod":"GET","RequestPath":"/a?q=1",'
            '"DownstreamStatus":200}'
        ),
    ],
    ids=["nginx", "nginx-parts", "caddy", "ecs", "traefik"],
)
def test_json_lines_of_many_servers(line: str) -> None:
    """The same request under the names that each server gives its fields."""
    found = parse_json(line)
    assert (found.time, found.address, found.method, found.path, found.query, found.status) == (
        *(TEN_FIFTEEN, "192.0.2.7", "GET", "/a", "q=1"),
        200,
    )


def test_moments_in_milliseconds_and_seconds() -> None:
    """A number far too large for seconds is milliseconds."""
    assert moment_of(1_795_515_300_000) == moment_of("1795515300") == TEN_FIFTEEN


def test_a_request_line_of_the_first_version() -> None:
    """HTTP/0.9 names no version."""
    assert parse_request("GET /") == ("GET", "/", "", "0.9")
    assert apart(LINE)[0] == "192.0.2.7"


def test_a_file_is_read_to_its_end_and_broken_lines_are_named(tmp_path: Path) -> None:
    """Packed or plain, with or without a last newline; a broken line costs nothing but itself."""
    plain, packed = tmp_path / "a.log", tmp_path / "a.log.gz"
    text = f"{LINE}\nbroken\n{LINE}".encode()
    plain.write_bytes(text)
    packed.write_bytes(gzip.compress(text))
    for path in (plain, packed):
        log = ForeignLog(path)
        assert len(list(log.requests())) == 2
        assert log.broken_lines == [f"{path}:2: neither the combined format nor JSON"]


def test_a_file_that_is_no_log_is_given_up(tmp_path: Path) -> None:
    """A picture named by mistake is not read to its end."""
    path = tmp_path / "picture"
    path.write_bytes(b"x\n" * 5_000)
    log = ForeignLog(path)
    with pytest.raises(UnreadableLogError, match="no log"):
        list(log.requests())
    assert log.lines == 1_000


def test_a_broken_archive_is_said_plainly(tmp_path: Path) -> None:
    """A gzip file cut short is no traceback."""
    path = tmp_path / "cut.gz"
    path.write_bytes(gzip.compress(LINE.encode() * 100)[:60])
    with pytest.raises(UnreadableLogError, match=r"cut\.gz"):
        list(ForeignLog(path).requests())
