"""Sight: requests look alike when the policy has nothing to tell them apart by, and only then."""

from __future__ import annotations

import pytest

from shieldproxy.app.replay import sight as module
from shieldproxy.app.replay.blocks import Ask
from shieldproxy.app.replay.sight import Sight, headers_of
from shieldproxy.core.buckets import Limit, Scope
from shieldproxy.core.policy import Exemptions, Policy
from shieldproxy.core.rules import Condition, HeaderTest, Rule, compile_globs
from shieldproxy.core.verdict import Action

POLICY = Policy(
    limits=(Limit("login", Scope.CLIENT, 1, 1, Action.THROTTLE, Condition(path=compile_globs(("/login*",)))),),
    rules=(
        Rule("post", Condition(method=frozenset(("POST",))), weight=1),
        Rule("curl", Condition(user_agent=compile_globs(("curl*",))), weight=1),
        Rule("evil", Condition(header=(HeaderTest(b"referer", pattern=compile_globs(("*evil*",))),)), weight=1),
    ),
    exempt=Exemptions(paths=compile_globs(("/open/*",))),
)


def ask(path: str, method: str = "GET") -> Ask:
    return Ask(method, "", path, "1.1")


def test_places_that_a_policy_tells_apart() -> None:
    """By limits, rules, exemptions, kinds of pages and our own paths; not by names it does not know."""
    sight = Sight(POLICY, "/own")
    different = [
        *(ask("/"), ask("/login"), ask("/", "POST"), ask("/open/"), ask("/a.css"), ask("/own/x")),
        *(ask("/feed"), ask("", "")),
    ]
    assert len({sight.place(one) for one in different}) == len(different)
    for one, other in (("/", "/other"), ("/login", "/%6Cogin2"), ("/a.css", "/b.js")):
        assert sight.place(ask(one)) == sight.place(ask(other))


def test_heads_that_a_policy_tells_apart() -> None:
    """By user agents and referers that rules name, and by tools that get no pages."""
    sight = Sight(POLICY, "/own")
    different = [("Firefox", ""), ("curl/8", ""), ("Firefox", "//evil/"), ("git/2", "")]
    assert len({sight.head(*one) for one in different}) == len(different)
    assert sight.head("Firefox", "") == sight.head("Chrome", "//good/") == sight.head("", "")


def test_looks_that_are_forgotten_get_another_number(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two looks never share a number, however many there are."""
    monkeypatch.setattr(module, "MOST_LOOKS", 1)
    sight = Sight(POLICY, "/own")
    assert len({sight.place(ask(path)) for path in ("/", "/login", "/open/")}) == 3


def test_headers_of_a_log() -> None:
    """What is not told was not sent; letters beyond Latin-1 were never on the wire."""
    assert headers_of("") == {}
    assert headers_of("a\u4e00", "b") == {b"user-agent": b"a?", b"referer": b"b"}
