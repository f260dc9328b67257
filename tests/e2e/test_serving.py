"""A real web server behind the shield serves as it did before: files, ranges, conditions, encodings, errors."""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from contextlib import closing

import pytest

from tests.e2e.nodes import BROWSER, Node, ask, until
from tests.e2e.origins import BIG, Nginx

ROOMY = "[limits.client]\nscope = 'client'\nrate = 10000\nburst = 10000"


@pytest.fixture(scope="module")
def node(nginx: Nginx, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Node]:
    """One node for all tests of this file, before nginx."""
    with closing(Node(tmp_path_factory.mktemp("serving"), nginx.url, ROOMY)) as running:
        yield running.start()


def test_a_page_is_the_page(node: Node) -> None:
    """What the site says arrives as it said it, with an ID of ours beside it."""
    answer = node.get("/")
    assert (answer.status, answer.headers["content-type"]) == (200, "text/html")
    assert b"<h1>Welcome</h1>" in answer.body
    assert answer.headers["server"].startswith("nginx")
    assert answer.id


def test_a_large_file_arrives_whole(node: Node, nginx: Nginx) -> None:
    """Six megabytes, byte by byte."""
    answer = node.get("/big.bin")
    assert (answer.status, answer.headers["content-length"]) == (200, str(BIG))
    assert answer.body == nginx.big


def test_a_part_of_a_file_is_that_part(node: Node, nginx: Nginx) -> None:
    """Ranges pass: a download goes on where it broke off, and a range beyond the end is told so."""
    answer = node.get("/big.bin", Range="bytes=1000-1999")
    assert (answer.status, answer.headers["content-range"]) == (206, f"bytes 1000-1999/{BIG}")
    assert answer.body == nginx.big[1_000:2_000]
    assert node.get("/big.bin", Range=f"bytes={BIG}-").status == 416


def test_what_a_browser_has_is_not_sent_again(node: Node) -> None:
    """Both conditions pass, and 304 has no body; a stale one gets the file."""
    first = node.get("/")
    for condition in ({"If_None_Match": first.headers["etag"]}, {"If_Modified_Since": first.headers["last-modified"]}):
        answer = node.get("/", **condition)
        assert (answer.status, answer.body) == (304, b"")
    assert node.get("/", If_None_Match='"another"').body == first.body


def test_what_is_packed_stays_packed(node: Node) -> None:
    """A packed file is passed on as it is to who takes it, and unpacked to who does not."""
    packed = node.get("/style.css", Accept_Encoding="gzip")
    plain = node.get("/style.css")
    assert packed.headers["content-encoding"] == "gzip"
    assert "content-encoding" not in plain.headers
    assert gzip.decompress(packed.body) == plain.body


def test_the_sites_own_errors_are_its_own(node: Node) -> None:
    """Its 404 is not ours: nothing of it is replaced, and it counts against nobody."""
    answer = node.get("/missing")
    assert answer.status == 404
    assert b"nginx" in answer.body


def test_a_listing_with_odd_names(node: Node) -> None:
    """Spaces and the like reach the site as the browser wrote them."""
    listing = node.get("/list/")
    assert b'<a href="a%20file.html">' in listing.body
    assert node.get("/list/a%20file.html").body == b"one"
    assert node.get("/list").status == 301


def test_a_head_has_no_body(node: Node) -> None:
    """HEAD tells the length and sends nothing, and the connection goes on."""
    with closing(node.connect()) as connection:
        answer = ask(connection, "/big.bin", method="HEAD")
        assert (answer.status, answer.headers["content-length"], answer.body) == (200, str(BIG), b"")
        assert ask(connection, "/").status == 200


def test_the_site_learns_who_asks(node: Node) -> None:
    """The address a trusted server told us, the scheme, our ID, and the host the visitor typed."""
    answer = node.get("/echo", "192.0.2.9", X_Request_Id="forged")
    client, scheme, request_id, host = answer.body.decode().removeprefix("GET ").split("|")
    assert client == "192.0.2.9, 127.0.0.1"
    assert (scheme, request_id) == ("http", answer.id)
    assert host == f"127.0.0.1:{node.port}"


def test_a_form_is_sent_on(node: Node) -> None:
    """A POST with a body reaches the site; so does one in chunks, whose length nobody knew."""
    with closing(node.connect()) as connection:
        for body, headers in ((b"a=1", {}), (iter([b"a=", b"1"]), {"Transfer-Encoding": "chunked"})):
            connection.request("POST", "/echo", body=body, headers=BROWSER | headers, encode_chunked=bool(headers))
            answer = connection.getresponse()
            assert answer.status == 200
            assert answer.read().startswith(b"POST ")


def test_one_connection_serves_many_requests(node: Node) -> None:
    """A browser that keeps its connection keeps its worker; each request has an ID of its own."""
    with closing(node.connect()) as connection:
        answers = [ask(connection, path) for path in ("/", "/missing", "/style.css", "/echo", "/")]
    assert [answer.status for answer in answers] == [200, 404, 200, 200, 200]
    assert len({answer.id for answer in answers}) == 5


def test_every_request_is_in_the_journal(node: Node) -> None:
    """What was served can be told by its ID a moment later: who, what, how much."""
    answer = node.get("/style.css", "192.0.2.77")
    record = until(
        lambda: next((line for line in node.logged("--action", "any") if line["id"] == answer.id), None), "journal"
    )
    assert (record["client"], record["path"], record["status"]) == ("192.0.2.77", "/style.css", 200)
    assert record["bytes_out"] > len(answer.body)
