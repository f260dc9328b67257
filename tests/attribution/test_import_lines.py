from __future__ import annotations

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shieldproxy.attribution.import_lines import LineWriter, plain, when_of
from shieldproxy.core.record import Record
from shieldproxy.intel.databases import Databases
from shieldproxy.intel.networks import Networks
from shieldproxy.intel.tables import read_classes, read_robots
from shieldproxy.journal.combined import Logged, parse_combined

WRITER = LineWriter("imported:web1", Networks(Databases(folders=()), read_classes(), read_robots()))
FORM = '{} - - [17/May/2015:10:05:03 +0200] "{}" {} {} "{}" "{}"'


def looked_at_closely(line: str, number: int) -> str:
    """Return the line of the journal that orjson makes of a line of a log."""
    request = parse_combined(line)
    return WRITER.line(request, when_of(request.time), number, WRITER.who(request.address), plain=False)


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
    assert plain(line.encode())
    quick = WRITER.quick(line, 12)
    if quick is not None:
        assert quick[1] == looked_at_closely(line, 12)
        assert quick[0] == orjson.loads(quick[1])["ts"]


def test_the_usual_line_is_written_the_quick_way() -> None:
    """And it is a record with every field."""
    found = WRITER.quick(FORM.format("66.249.66.1", "GET /a?b=c HTTP/1.1", 200, 5, "-", "Googlebot/2.1"), 31)
    assert found is not None
    fields = orjson.loads(found[1])
    assert list(fields) == list(Record._fields)
    assert (fields["path"], fields["query"], fields["rule"], fields["seq"]) == ("/a", "b=c", "crawler", 31)
    assert fields["id"] == "55584baf.import.1f"


@pytest.mark.parametrize("text", ["a\\b", "tab\t", "é", "\x7f", "\x00"])
def test_what_is_not_plain_is_looked_at_closely(text: str) -> None:
    """Text that JSON writes in another way."""
    assert not plain(text.encode())


def test_what_a_json_log_said_is_written_alike() -> None:
    """Texts without an escape as they stand, numbers beyond 64 bits as none."""
    one = Logged(1.5, "192.0.2.7", "GET", "/a b", "q", 200, "agent", "from", 7, "host", "1.1")
    when, who = when_of(one.time), WRITER.who(one.address)
    assert WRITER.line(one, when, 3, who, plain=True) == WRITER.line(one, when, 3, who, plain=False)
    odd = one._replace(size=1 << 70)
    assert orjson.loads(WRITER.line(odd, when, 3, who, plain=True))["bytes_out"] == 0


def test_who_is_nobody_has_no_line() -> None:
    """The log names something else than an address."""
    assert WRITER.quick(FORM.format("unknown", "GET / HTTP/1.1", 200, 5, "-", "-"), 1) == ("", "")


def test_writers_of_one_log_have_ids_of_their_own() -> None:
    """Each numbers its own lines."""
    second = LineWriter("imported:web1", WRITER._networks, 1)
    found = second.quick(FORM.format("192.0.2.7", "GET / HTTP/1.1", 200, 5, "-", "-"), 31)
    assert found is not None
    assert orjson.loads(found[1])["id"] == "55584baf.import1.1f"
