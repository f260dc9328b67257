from __future__ import annotations

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shieldproxy.attribution.import_lines import Batch, LineWriter
from shieldproxy.core.record import Record, rfc3339
from shieldproxy.intel.databases import Databases
from shieldproxy.intel.networks import Networks
from shieldproxy.intel.tables import read_classes, read_robots
from shieldproxy.journal.combined import Logged, parse_combined
from shieldproxy.journal.json_logs import parse_json

WRITER = LineWriter("imported:web1", Networks(Databases(folders=()), read_classes(), read_robots()))
FORM = '{} - - [17/May/2015:10:05:03 +0200] "{}" {} {} "{}" "{}"'


def looked_at_closely(line: str, number: int) -> tuple[str, str]:
    """Return ts and line of the journal that orjson makes of a line of a log."""
    return WRITER.line(parse_json(line) if line[0] == "{" else parse_combined(line), number)


def quick(line: str, number: int, writer: LineWriter = WRITER) -> tuple[str, str] | None:
    """Return ts and line as the quick way writes them, '' and '' for no address, None where it leaves the line."""
    batch = Batch()
    done = writer.objects([line.encode()], number, batch) if line[0] == "{" else writer.usual([line], number, batch)
    if not done:
        return None
    return (batch.stamps[0], batch.lines[0]) if batch.lines else ("", "")


word = st.text(st.characters(min_codepoint=32, max_codepoint=126, exclude_characters='"\\'), max_size=600)
request = st.one_of(
    word,
    st.builds(
        "{} {} {}".format, st.sampled_from(["GET", "POST", "get", "G1"]), word, st.sampled_from(["HTTP/1.1", "x"])
    ),
    st.builds("GET /{} HTTP/2.0".format, word.map(lambda text: text.replace(" ", "?"))),
)


@given(
    st.sampled_from(["192.0.2.7", "2001:db8::5", "66.249.66.1", "www.example.org:443 192.0.2.9", "::ffff:192.0.2.1"]),
    request,
    st.sampled_from(["200", "404", "000", "007", "99", "1000", "-"]),
    st.sampled_from(["0", "-", "00", "123", "999999999999999999999999"]),
    word,
    st.sampled_from(["-", "", "Googlebot/2.1", "Mozilla/5.0 (X11)", "x" * 700]),
)
def test_the_quick_way_writes_what_orjson_writes(
    address: str, request: str, status: str, size: str, referer: str, agent: str
) -> None:
    """Byte for byte; where it does not, it leaves the line to be looked at closely."""
    line = FORM.format(address, request, status, size, referer, agent)
    found = quick(line, 12)
    if found is not None:
        assert found == looked_at_closely(line, 12)
        assert found[0] == orjson.loads(found[1])["ts"]


@given(
    st.sampled_from([1_795_515_300.25, "2026-11-24T10:15:00Z", "2026-11-24T10:15:00.07Z", "2026-11-24 10:15:00.1Z"])
    | st.integers(946_684_800_000_000, 4_102_444_799_999_999).map(lambda micros: rfc3339(micros / 1e6)),
    st.sampled_from(["192.0.2.7", "66.249.66.1", "2001:db8::5"]),
    word,
    st.one_of(st.integers(-5, 1 << 70), st.sampled_from(["200", "x", "-", ""])),
    word,
    st.sampled_from(["-", "", "Googlebot/2.1", "Mozilla/5.0 (X11)", "\x7f", "x" * 700]),
)
def test_the_quick_way_with_json_writes_what_orjson_writes(
    moment: str | float, address: str, target: str, number: int | str, referer: str, agent: str
) -> None:
    """Byte for byte, to the microsecond, cut alike."""
    fields = {"time": moment, "ip": address, "method": "GET", "uri": f"/{target}", "status": number, "agent": agent}
    try:
        line = orjson.dumps(fields | {"referer": referer}).decode()
    except TypeError:  # more than JSON of 64 bits holds
        return
    found = quick(line, 12)
    assert found is None or found == looked_at_closely(line, 12)


def test_the_usual_line_is_written_the_quick_way() -> None:
    """And it is a record with every field."""
    found = quick(FORM.format("66.249.66.1", "GET /a?b=c HTTP/1.1", 200, 5, "-", "Googlebot/2.1"), 31)
    assert found is not None
    fields = orjson.loads(found[1])
    assert list(fields) == list(Record._fields)
    assert (fields["path"], fields["query"], fields["rule"], fields["seq"]) == ("/a", "b=c", "crawler", 31)
    assert fields["id"] == "55584baf.import.1f"


@pytest.mark.parametrize("text", ["a\\b", "tab\t", "é", "\x7f", "\x00"])
def test_what_is_not_plain_is_looked_at_closely(text: str) -> None:
    """Text that JSON writes in another way."""
    assert quick(FORM.format("192.0.2.7", "GET / HTTP/1.1", 200, 5, "-", text), 1) is None


def test_numbers_beyond_64_bits_are_none() -> None:
    """JSON of orjson does not hold them."""
    one = Logged(1.5, "192.0.2.7", "GET", "/a b", "q", 200, "agent", "from", 1 << 70, "host", "1.1")
    assert orjson.loads(WRITER.line(one, 3)[1])["bytes_out"] == 0


def test_who_is_nobody_has_no_line() -> None:
    """The log names something else than an address."""
    assert quick(FORM.format("unknown", "GET / HTTP/1.1", 200, 5, "-", "-"), 1) == ("", "")


def test_writers_of_one_log_have_ids_of_their_own() -> None:
    """Each numbers its own lines."""
    second = LineWriter("imported:web1", WRITER._networks, 1)
    found = quick(FORM.format("192.0.2.7", "GET / HTTP/1.1", 200, 5, "-", "-"), 31, second)
    assert found is not None
    assert orjson.loads(found[1])["id"] == "55584baf.import1.1f"
