"""Refusals given again on the wire: the same as a refusal judged in full, as long as nothing changed."""

from __future__ import annotations

import asyncio
import contextlib

from shieldproxy.core.buckets import Limit, Scope
from shieldproxy.core.ladder import Ban
from shieldproxy.core.policy import Policy
from shieldproxy.core.rules import Condition, Rule, compile_globs
from shieldproxy.core.verdict import Action
from tests.proxy.conftest import Client, Open, RawOrigin

STRICT = Policy(limits=(Limit("client", Scope.CLIENT, 0.01, 2, Action.THROTTLE),), digest="p")
LINES = b"Host: s.example\r\nUser-Agent: flood\r\n\r\n"


def get(target: bytes = b"/") -> bytes:
    return b"GET %b HTTP/1.1\r\n" % target + LINES


async def ask(client: Client, data: bytes) -> tuple[bytes, bytes]:
    client.send(data)
    return await client.response()


async def test_a_flood_is_refused_with_an_id_and_a_record_each(open_shield: Open, origin: RawOrigin) -> None:
    """Fifty requests beyond the limit: fifty different IDs in answer and record, each with the path it asked for."""
    shield = await open_shield(origin, policy=STRICT)
    client = await shield.connect()
    answers = [await ask(client, get(b"/%d?q=%d" % (number, number))) for number in range(52)]
    assert [head.split()[1] for head, _ in answers] == [b"200"] * 2 + [b"429"] * 50
    assert len(origin.heads) == 2
    for number, ((head, body), record) in enumerate(zip(answers, shield.journal.records, strict=True)):
        assert b"X-Request-Id: " + record.id.encode() + b"\r\n" in head
        assert number < 2 or record.id.encode() in body
        assert (record.path, record.query) == (f"/{number}", f"q={number}")
    assert len({record.id for record in shield.journal.records}) == 52
    last = shield.journal.records[-1]
    assert (last.action, last.stage, last.rule, last.status) == ("throttle", "over_own_limit", "client", 429)
    assert last.buckets[0][1] < 0.0
    assert len(origin.heads) == 2


async def test_what_is_repeated_is_charged_and_counted_like_any(open_shield: Open, origin: RawOrigin) -> None:
    """Tallies count each, and the ladder bans a flood that goes on, whichever way it was refused."""
    policy = STRICT._replace(bans=STRICT.bans._replace(floods=20))
    shield = await open_shield(origin, policy=policy)
    client = await shield.connect()
    served = 0
    with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
        for served in range(60):  # noqa: B007 - how far it came is what counts
            await ask(client, get())
    assert 20 <= served < 30
    assert shield.bans.find("127.0.0.1", "127.0.0.1", 0.0) is not None
    throttled = sum(count for (action, _), count in shield.tallies.verdicts.items() if action == Action.THROTTLE)
    assert throttled == sum(record.action == "throttle" for record in shield.journal.records)
    assert throttled == served - 2


async def test_other_words_are_judged_in_full(open_shield: Open, origin: RawOrigin) -> None:
    """A cookie more, another method, one of our own paths, a broken line: none is answered from memory."""
    shield = await open_shield(origin, policy=STRICT)
    client = await shield.connect()
    for _ in range(4):
        await ask(client, get())
    head, _ = await ask(client, b"GET /.shieldproxy/none HTTP/1.1\r\n" + LINES)
    assert head.startswith(b"HTTP/1.1 429 ")
    assert shield.journal.records[-1].path == "/.shieldproxy/none"
    head, _ = await ask(client, b"GET / HTTP/1.1\r\nCookie: a=1\r\n" + LINES)
    assert head.startswith(b"HTTP/1.1 429 ")
    assert "cookie" not in str(shield.journal.records[-1])
    head, _ = await ask(client, b"GET /a b HTTP/1.1\r\n" + LINES)
    assert head.startswith(b"HTTP/1.1 400 ")


async def test_a_bucket_that_filled_again_admits(open_shield: Open, origin: RawOrigin) -> None:
    """Who waits as told is served, on the same connection; one token is one request."""
    policy = Policy(limits=(Limit("client", Scope.CLIENT, 2.0, 1, Action.THROTTLE),))
    shield = await open_shield(origin, policy=policy)
    client = await shield.connect()
    statuses = [(await ask(client, get()))[0].split()[1] for _ in range(4)]
    assert statuses == [b"200", b"429", b"429", b"429"]
    await asyncio.sleep(0.55)
    statuses = [(await ask(client, get()))[0].split()[1] for _ in range(3)]
    assert statuses == [b"200", b"429", b"429"]


async def test_a_ban_ends_it(open_shield: Open, origin: RawOrigin) -> None:
    """Who is banned while being refused is dropped at the next request."""
    shield = await open_shield(origin, policy=STRICT)
    client = await shield.connect()
    for _ in range(4):
        await ask(client, get())
    shield.bans.put(Ban("127.0.0.1", 1e12, "test"))
    client.send(get())
    assert await client.read_all() == b""


async def test_a_new_policy_is_asked_at_once(open_shield: Open, origin: RawOrigin) -> None:
    """A limit that was lifted by a reload refuses nobody from memory."""
    shield = await open_shield(origin, policy=STRICT)
    client = await shield.connect()
    for _ in range(4):
        await ask(client, get())
    shield.door.guard.adopt(Policy(digest="new"))
    head, body = await ask(client, get())
    assert head.startswith(b"HTTP/1.1 200 ")
    assert body == b"ok"


async def test_rules_on_places_are_asked_for_each_place(open_shield: Open, origin: RawOrigin) -> None:
    """With a rule that refuses a path, a client over its limit gets what the rule says for that path."""
    rule = Rule("admin", Condition(path=compile_globs(("/admin*",))), Action.REFUSE)
    shield = await open_shield(origin, policy=STRICT._replace(rules=(rule,)))
    client = await shield.connect()
    for _ in range(4):
        await ask(client, get())
    assert (await ask(client, get(b"/admin/x")))[0].startswith(b"HTTP/1.1 403 ")
    assert shield.journal.records[-1].rule == "admin"


async def test_requests_that_come_together_are_all_answered(open_shield: Open, origin: RawOrigin) -> None:
    """Pipelined and cut requests between repeated ones change nothing."""
    shield = await open_shield(origin, policy=STRICT)
    client = await shield.connect()
    for _ in range(4):
        await ask(client, get())
    client.send(get() + get(b"/x"))
    assert [(await client.response())[0].split()[1] for _ in range(2)] == [b"429", b"429"]
    client.send(get()[:20])
    await asyncio.sleep(0.05)
    client.send(get()[20:] + get(b"/y"))
    assert [(await client.response())[0].split()[1] for _ in range(2)] == [b"429", b"429"]
    assert [record.path for record in shield.journal.records[-4:]] == ["/", "/x", "/", "/y"]
