"""The quick lane says of every request what a lane says that asks gatherer and judge each time."""

from __future__ import annotations

from array import array
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shieldproxy.app.replay import quick as module
from shieldproxy.app.replay.blocks import Ask, Block
from shieldproxy.app.replay.callers import Callers
from shieldproxy.app.replay.lane import Lane
from shieldproxy.app.replay.quick import QuickLane
from shieldproxy.core.buckets import Limit, Scope
from shieldproxy.core.facts import Crawler, NetworkLabel
from shieldproxy.core.policy import BanPolicy, Exemptions, Policy
from shieldproxy.core.rules import Condition, HeaderTest, Rule, compile_globs
from shieldproxy.core.verdict import Action, Mode
from shieldproxy.journal.foreign import Logged
from shieldproxy.settings.schema import Posture as PostureSettings
from tests.fakes.networks import TableNetworks

NETWORKS = {
    "192.0.2.": NetworkLabel(64_496, "Hosting", "CH", "hosting"),
    "198.51.100.": NetworkLabel(64_497, "Carrier", "DE", "carrier"),
    "203.0.113.": NetworkLabel(0),
}
AGENTS = ("", "Firefox", "curl/8", "goodbot", "git/2")
PATHS = ("/", "/a.css", "/search", "/%73earch", "/feed.xml", "/open/x", "/robots.txt", "/.shieldproxy/answer")
LIMITS = (
    Limit("client", Scope.CLIENT, 1.0, 5.0, Action.THROTTLE),
    Limit("taste", Scope.CLIENT, 0.5, 4.0, Action.CHALLENGE),
    Limit("search", Scope.CLIENT, 0.2, 2.0, Action.REFUSE, Condition(path=compile_globs(("/search*",)))),
    Limit("clearance", Scope.CLEARANCE, 1.0, 3.0, Action.THROTTLE),
    Limit("network", Scope.NETWORK, 2.0, 6.0, Action.CHALLENGE),
    Limit("asn", Scope.ASN, 2.0, 6.0, Action.CHALLENGE, in_excess=True),
    Limit("path", Scope.PATH, 1.0, 8.0, Action.CHALLENGE),
    Limit("site", Scope.SITE, 5.0, 40.0, Action.CHALLENGE),
    Limit("robots", Scope.CLIENT, 1.0, 3.0, Action.THROTTLE, Condition(crawler=frozenset((Crawler.VERIFIED,)))),
    Limit("watched", Scope.CLIENT, 0.1, 1.0, Action.REFUSE, observed=True),
)
RULES = (
    Rule("post", Condition(method=frozenset(("POST",))), Action.REFUSE),
    Rule("curl", Condition(user_agent=compile_globs(("curl*",))), weight=60),
    Rule("hosting", Condition(network_class=frozenset(("hosting",))), weight=50),
    Rule("evil", Condition(header=(HeaderTest(b"referer", pattern=compile_globs(("*evil*",))),)), Action.THROTTLE),
    Rule("some", Condition(path=compile_globs(("/search",))), Action.CHALLENGE, enforce_share=0.5),
    Rule("feeds", Condition(path=compile_globs(("/feed*",)), country=frozenset(("DE",))), Action.ADMIT),
)

requests = st.lists(
    st.tuples(
        st.sampled_from([0.0, 0.0, 0.0, 0.1, 0.1, 0.4, 1.0, 1.0, 5.0, 90.0]),
        st.sampled_from([f"{network}{host}" for network in NETWORKS for host in (1, 2, 3)]),
        st.sampled_from(AGENTS),
        st.sampled_from(["GET", "GET", "GET", "POST", ""]),
        st.sampled_from(PATHS),
        st.sampled_from(["", "", "//evil/"]),
        st.booleans(),
    ),
    min_size=1,
    max_size=250,
)
policies = st.builds(
    Policy,
    limits=st.lists(st.sampled_from(LIMITS), unique=True).map(tuple),
    rules=st.lists(st.sampled_from(RULES), unique=True).map(tuple),
    exempt=st.sampled_from([Exemptions(), Exemptions(paths=compile_globs(("/open/*",)))]),
    bans=st.builds(BanPolicy, offences=st.integers(1, 9), floods=st.integers(1, 30), unanswered=st.integers(1, 9)),
    mode=st.sampled_from([Mode.ENFORCE, Mode.ENFORCE, Mode.OBSERVE]),
)


def label(address: str) -> NetworkLabel:
    return NETWORKS[address.rpartition(".")[0] + "."]


class Labels(TableNetworks):
    """Networks by the beginnings of addresses."""

    def label(self, address: str) -> NetworkLabel:
        """Return the label of the network."""
        return label(address)


def recognise(_label: NetworkLabel, agent: str) -> Crawler:
    return Crawler.VERIFIED if agent == "goodbot" else Crawler.NONE


def both(policy: Policy, told: list[tuple[Any, ...]], *, acting: bool, slots: int = 4_096) -> tuple[Any, Any]:
    """Return what the plain and the quick lane say of ``told``: actions and causes, bans and faults."""
    options: dict[str, Any] = {
        "own_path": "/.shieldproxy",
        "recognise": recognise,
        "class_of": lambda asn: "hosting" if asn == 64_496 else "other",
        "slots": slots,
        "acting": acting,
    }
    # A site so small that a few requests a second are an attack.
    posture = PostureSettings(floor=1.0, hold=5.0, sample=0.3)
    plain, quick = Lane(policy, posture, **options), QuickLane(policy, posture, **options)
    callers = Callers(Labels({}), recognise)
    now, one_by_one = 1_000.0, []
    pairs: list[tuple[str, str]] = []
    asks: list[Ask] = []
    moments: array[float] = array("d")
    who, what, held = array("H"), array("H"), bytearray()
    for gap, address, agent, method, path, referer, cleared in told:
        now += gap
        caller = callers.at(address, agent)
        assert caller is not None
        caller.session.passes = agent == "Firefox"
        logged = Logged(now, address, method, path, user_agent=agent, referer=referer, host="site", version="1.1")
        verdict = plain.judge(caller, logged, now, cleared=cleared)
        one_by_one.append((int(verdict.action), verdict.rule or verdict.stage))
        if (address, agent) not in pairs:
            pairs.append((address, agent))
        moments.append(now)
        who.append(pairs.index((address, agent)))
        what.append(len(asks))
        asks.append(Ask(method, "site", path, "1.1", referer))
        held.append(cleared)
    found: list[tuple[int, str]] = []
    half = len(told) // 2
    for part in (slice(0, half), slice(half, None)):
        block = Block(pairs, asks, moments[part], who[part], what[part], bytes(held[part]), bytes(len(held[part])))
        actions, codes = quick.judge_block(block, callers.all_of(pairs))
        found += zip(actions, [quick.words[code] for code in codes], strict=True)
    return (one_by_one, plain.bans, plain.faults), (found, quick.bans, quick.faults)


@settings(max_examples=150, deadline=None)
@given(policies, requests, st.booleans())
def test_quick_and_plain_say_the_same(policy: Policy, told: list[tuple[Any, ...]], acting: bool) -> None:  # noqa: FBT001
    """Whatever the policy and the log: actions, causes and bans, request by request."""
    one_by_one, quickly = both(policy, told, acting=acting)
    assert quickly == one_by_one


def flood(seconds: int) -> list[tuple[Any, ...]]:
    """Return people who look at pages, and a network that floods in the middle."""
    told: list[tuple[Any, ...]] = []
    for second in range(seconds):
        told.append((0.4, f"198.51.100.{second % 3 + 1}", "Firefox", "GET", "/", "", False))
        told.append((0.1, f"198.51.100.{second % 3 + 1}", "Firefox", "GET", "/a.css", "", False))
        if seconds // 3 < second < seconds // 2:
            told += [(0.01, f"192.0.2.{bot % 3 + 1}", "curl/8", "GET", "/search", "", False) for bot in range(30)]
        told.append((0.2, "192.0.2.9", "goodbot", "GET", "/open/x", "", False))
    return told


@pytest.mark.parametrize("courses", [50_000, 3])
@pytest.mark.parametrize("slots", [4_096, 8])
def test_a_flood_is_judged_alike(slots: int, courses: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Calm, elevated and under attack, with marks, bans, a table that is too small and courses that are forgotten."""
    monkeypatch.setattr(module, "MOST_COURSES", courses)
    monkeypatch.setattr(module, "MOST_CALLERS", courses)
    policy = Policy(limits=LIMITS[:9], rules=RULES, bans=BanPolicy(floods=60, unanswered=30))
    one_by_one, quickly = both(policy, flood(120), acting=True, slots=slots)
    assert quickly == one_by_one
    assert {Action.ADMIT, Action.CHALLENGE, Action.DROP} <= {action for action, _ in quickly[0]}


def test_a_stage_that_raises_is_counted_each_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """A broken stage is not remembered as if it had an opinion."""
    policy = Policy(limits=(LIMITS[0],))
    monkeypatch.setattr("shieldproxy.core.stages.strictest_overdrawn", lambda *_args, **_options: 1 / 0)
    one_by_one, quickly = both(policy, flood(10), acting=True)
    assert quickly == one_by_one
    assert quickly[2] > 0


def test_of_two_overdrawn_buckets_the_longer_wait_names_the_cause() -> None:
    """Which one it is changes from request to request, so the judge is asked each time."""
    limits = tuple(
        Limit(f"every-{seconds:g}s", Scope.CLIENT, 1.0 / seconds, 1.0, Action.THROTTLE) for seconds in (2.0, 3.0)
    )
    told = [(0.25, "192.0.2.1", "curl/8", "GET", "/", "", False) for _ in range(80)]
    one_by_one, quickly = both(Policy(limits=limits), told, acting=True)
    assert quickly == one_by_one
    assert {cause for _, cause in quickly[0]} == {"every-2s", "every-3s", "admit"}
