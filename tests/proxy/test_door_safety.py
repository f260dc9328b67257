"""Safety: nothing a client sends is repeated on our pages, forges a line of the log, or walks round our own paths."""

from __future__ import annotations

import pytest

from shieldproxy.core.buckets import Limit, Scope
from shieldproxy.core.policy import Policy
from shieldproxy.core.printing import printable
from shieldproxy.core.rules import Condition, Rule
from shieldproxy.core.verdict import Action
from tests.proxy.conftest import Open, RawOrigin, StartOrigin

HOST = b"Host: site.example\r\n"
MARK = b"xss7"
MARKUP = b"\"'><script>xss7</script><b"
ENCODED = b"%22%27%3E%3Cscript%3Exss7%3C/script%3E"
# What a browser, or somebody who is none, may say of itself; each is markup.
SAID = b"".join(
    name + b": " + MARKUP + b"\r\n"
    for name in (
        b"User-Agent",
        b"Referer",
        b"Cookie",
        b"Accept-Language",
        b"Accept-Charset",
        b"X-Request-Id",
        b"X-Xss7",
    )
)
DENIED = Policy(rules=(Rule("deny", Condition(), Action.REFUSE),))
THROTTLED = Policy(limits=(Limit("client", Scope.CLIENT, 0.001, 1, Action.THROTTLE),))
CHALLENGED = Policy(limits=(Limit("site", Scope.SITE, 0.001, 1, Action.CHALLENGE),))


def request(target: bytes, lines: bytes = b"", accept: bytes = b"text/html", method: bytes = b"GET") -> bytes:
    head = method + b" " + target + b" HTTP/1.1\r\n" + HOST + b"Accept: " + accept + b"\r\n" + SAID + lines
    return head + b"Connection: close\r\n\r\n"


MARKED = b"/" + MARKUP.replace(b" ", b"") + b"?q=" + MARKUP.replace(b" ", b"") + b"&r=" + ENCODED
OURS = [
    ("malformed", Policy(), request(MARKED, b"X : " + MARKUP + b"\r\n"), 400),
    ("a host that is none", Policy(), request(MARKED).replace(b"site.example", MARKUP), 400),
    ("a method that is not served", Policy(), request(MARKED, method=b"TRACE"), 405),
    ("a method that is none", Policy(), request(MARKED, method=b"XSS7"), 400),
    ("a version that is none", Policy(), request(MARKED).replace(b"HTTP/1.1", b"HTTP/2.0"), 505),
    ("a target too long", Policy(), request(MARKED + MARKUP.replace(b" ", b"") * 500), 414),
    ("an expectation", Policy(), request(MARKED, b"Expect: " + MARKUP + b"\r\n"), 417),
    ("a head too long", Policy(), request(MARKED, (b"X: " + MARKUP + b"\r\n") * 101), 431),
    ("refused", DENIED, request(MARKED), 403),
    ("an own path", Policy(), request(b"/.shieldproxy" + MARKED), 404),
    ("an origin that is down", Policy(), request(MARKED), 502),
]


@pytest.mark.parametrize("accept", [b"text/html", b"application/json", b"*/*", MARKUP])
@pytest.mark.parametrize(("what", "policy", "data", "status"), OURS, ids=[row[0] for row in OURS])
async def test_nothing_is_repeated_on_our_pages(
    open_shield: Open, what: str, policy: Policy, data: bytes, status: int, accept: bytes
) -> None:
    """Markup in path, query, host, agent and every other header: no page, in no form, has a letter of it."""
    shield = await open_shield(1, policy=policy)
    answer = await shield.talk(data.replace(b"Accept: text/html", b"Accept: " + accept))
    assert answer.startswith(b"HTTP/1.1 %d " % status), what
    assert MARK not in answer.lower()


@pytest.mark.parametrize(("policy", "status"), [(THROTTLED, 429), (CHALLENGED, 503)])
async def test_nothing_is_repeated_as_markup_where_the_way_back_is_kept(
    open_shield: Open, origin: RawOrigin, policy: Policy, status: int
) -> None:
    """The challenge keeps the target for the way back, escaped: no quote and no bracket of it stands in the page."""
    shield = await open_shield(origin, policy=policy)
    await shield.talk(request(b"/"))
    answer = await shield.talk(request(MARKED))
    assert answer.startswith(b"HTTP/1.1 %d " % status)
    assert b"<script>xss7" not in answer
    assert MARKUP not in answer
    head = answer.partition(b"\r\n\r\n")[0]
    assert MARK not in head.lower()
    if status == 429:
        assert MARK not in answer.lower()


async def test_the_operators_log_has_no_word_of_a_client(open_shield: Open, start_origin: StartOrigin) -> None:
    """What is told to the operator are sentences of ours, on one line each, whatever was sent."""
    origin = await start_origin(b"HTTP/1.1 200 " + MARKUP + b"\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nx")
    shield = await open_shield(origin)
    for _, _, data, _ in OURS:
        await shield.talk(data)
    await shield.talk(
        request(b"/").replace(b"Connection: close\r\n", b"Content-Length: 5\r\n") + b"abc", half_close=True
    )
    await shield.talk(b"POST / HTTP/1.1\r\n" + HOST + b"Transfer-Encoding: chunked\r\n\r\n" + MARKUP + b"\r\n")
    assert shield.failures
    for _, why in shield.failures:
        assert printable(why) == why
        assert MARK.decode() not in why.lower()


async def test_records_hold_what_was_sent_and_print_harmlessly(open_shield: Open, origin: RawOrigin) -> None:
    """A record keeps the bytes as evidence; printed, they are on one line and speak to no terminal."""
    shield = await open_shield(origin)
    await shield.talk(
        b"GET /a%1b[2J\xe2\x80\xaex?\xc2\x9b31m HTTP/1.1\r\n"
        + HOST
        + b"User-Agent: \xc2\x9b2J\xe2\x80\xa8y\r\nConnection: close\r\n\r\n"
    )
    record = shield.journal.records[0]
    assert record.path == "/a%1b[2J\xe2\x80\xaex"
    for text in (record.path, record.query, record.user_agent, record.host):
        assert printable(text).isprintable()


SPELLINGS = [
    b"/.shieldproxy/answer",
    b"/.shieldproxy/answer?x",
    b"/.shieldproxy/",
    b"/.shieldproxy//answer",
    b"/.shieldproxy/../.shieldproxy/answer",
    b"/.shieldproxy/../secret",
    b"/%2eshieldproxy/answer",
    b"/.%73hieldproxy/answer",
    b"/%2E%73%68ieldproxy/answer",
    b"//.shieldproxy/answer",
    b"/./.shieldproxy/answer",
    b"/a/../.shieldproxy/answer",
    b"/a/%2e%2e/.shieldproxy/answer",
    b"/a/..;x/.shieldproxy/answer",
    b"/.shieldproxy%2fanswer",
    b"/.shieldproxy\\answer",
    b"\\.shieldproxy/answer",
    b"http://site.example/.shieldproxy/answer",
    b"http://site.example//.shieldproxy/answer",
]


@pytest.mark.parametrize("target", SPELLINGS)
async def test_no_spelling_of_our_own_paths_reaches_the_origin(
    open_shield: Open, origin: RawOrigin, target: bytes
) -> None:
    """Whatever leads to our own paths is answered here or refused, and what they are called is no way round a limit."""
    shield = await open_shield(origin)
    answer = await shield.talk(b"GET " + target + b" HTTP/1.1\r\n" + HOST + b"Connection: close\r\n\r\n")
    assert answer.split()[1] in (b"400", b"404", b"405")
    assert origin.connections == 0


@pytest.mark.parametrize(
    "target",
    [
        b"/.SHIELDPROXY/answer",
        b"/.shieldproxyx/",
        b"/a/.shieldproxy/answer",
        b"/.shieldproxy;x=y/a",
        b"/?/.shieldproxy/answer",
    ],
)
async def test_what_only_resembles_our_own_paths_is_the_sites(
    open_shield: Open, origin: RawOrigin, target: bytes
) -> None:
    """Another case, another place, or a query: the site is asked, and judged as for any page."""
    limit = Limit("client", Scope.CLIENT, 0.001, 1, Action.THROTTLE)
    shield = await open_shield(origin, policy=Policy(limits=(limit,)))
    for status in (b"200", b"429"):
        answer = await shield.talk(b"GET " + target + b" HTTP/1.1\r\n" + HOST + b"Connection: close\r\n\r\n")
        assert answer.split()[1] == status


@pytest.mark.parametrize("path", [b"/healthz", b"/readyz", b"/metrics", b"/api/v1/status", b"/api/v1/bans"])
async def test_control_is_never_on_the_public_port(open_shield: Open, origin: RawOrigin, path: bytes) -> None:
    """What control calls its own is a path of the site here, like any other."""
    shield = await open_shield(origin)
    answer = await shield.talk(b"GET " + path + b" HTTP/1.1\r\n" + HOST + b"Connection: close\r\n\r\n")
    assert answer.endswith(b"\r\n\r\nok")
    assert origin.heads[0].startswith(b"GET " + path + b" ")


async def test_a_way_back_leads_to_this_site(open_shield: Open, origin: RawOrigin) -> None:
    """Whatever a form says of where to go, no answer of ours sends a browser to another site."""
    shield = await open_shield(origin)
    for target in (
        b"//evil.example/",
        b"https://evil.example/",
        b"/\\evil.example",
        b"/%0d%0aLocation:%20//evil.example",
        b"\t//evil.example",
    ):
        body = b"token=x&to=" + target
        answer = await shield.talk(
            b"POST /.shieldproxy/continue HTTP/1.1\r\n" + HOST + b"Content-Type: application/x-www-form-urlencoded\r\n"
            b"Content-Length: %d\r\nConnection: close\r\n\r\n%b" % (len(body), body)
        )
        assert b"evil.example" not in answer.partition(b"\r\n\r\n")[0]
        back = await shield.talk(
            b"GET /.shieldproxy/return?to="
            + target.strip()
            + b" HTTP/1.1\r\n"
            + HOST
            + b"Referer: https://evil.example/\r\nConnection: close\r\n\r\n"
        )
        assert b"evil.example" not in back
    assert origin.connections == 0


async def test_an_answer_of_the_site_cannot_forge_ours(open_shield: Open, start_origin: StartOrigin) -> None:
    """The ID in an answer is the one in the record, whatever the site says; a header of it stays one header."""
    origin = await start_origin(b"HTTP/1.1 200 OK\r\nX-Request-Id: forged\r\nX: a\tb\r\nContent-Length: 2\r\n\r\nok")
    shield = await open_shield(origin)
    for _ in range(3):
        answer = await shield.talk(b"GET / HTTP/1.1\r\n" + HOST + b"Connection: close\r\n\r\n")
        assert b"forged" not in answer
        assert answer.count(b"X-Request-Id: ") == 1
    ids = [record.id for record in shield.journal.records]
    assert len(set(ids)) == 3
