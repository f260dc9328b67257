"""A lane: the detector and the ladder live on the clock of the log."""

from __future__ import annotations

from shieldproxy.app.replay.callers import Caller, Session
from shieldproxy.app.replay.lane import Lane, askable
from shieldproxy.core.facts import Crawler, Posture
from shieldproxy.core.policy import ChallengePolicy, Policy
from shieldproxy.core.rules import Condition, HeaderTest, Rule, compile_globs
from shieldproxy.core.verdict import Action
from shieldproxy.journal.foreign import Logged
from shieldproxy.settings.schema import Posture as PostureSettings
from tests.scenes import visitor


def lane(policy: Policy) -> Lane:
    return Lane(
        policy,
        PostureSettings(),
        own_path="/.shieldproxy",
        recognise=lambda _label, _agent: Crawler.NONE,
        class_of=lambda _asn: "other",
        slots=4_096,
    )


def caller(address: str = "192.0.2.1") -> Caller:
    return Caller(visitor(address), "Firefox", Session(robot=False, tame=False))


def page(path: str = "/", referer: str = "", method: str = "GET") -> Logged:
    return Logged(0.0, "192.0.2.1", method, path, referer=referer, user_agent="Firefox")


def test_an_attack_in_the_log_raises_the_posture() -> None:
    """Who looks a little suspicious is challenged only while the log shows an attack, as it would have been."""
    weight = Rule("odd", Condition(path=compile_globs(("*",))), weight=60)
    policy = Policy(rules=(weight,), challenge=ChallengePolicy(suspicion=((Posture.CALM, 100), (Posture.ELEVATED, 50))))
    replayed, visitor_ = lane(policy), caller()
    calm = [replayed.judge(visitor_, page(), 1_000.0 + second, cleared=False).action for second in range(60)]
    stormy = [replayed.judge(visitor_, page(), 1_060.0 + n / 200, cleared=False).action for n in range(4_000)]
    late = replayed.judge(visitor_, page(), 5_000.0, cleared=False).action
    assert set(calm) == {Action.ADMIT}
    assert stormy[-1] is not Action.ADMIT
    assert late is Action.ADMIT


def test_a_rule_on_the_referer_is_asked() -> None:
    """Logs hold the referer, so what rules say of it counts."""
    test = HeaderTest(b"referer", pattern=compile_globs(("*evil*",)))
    replayed = lane(Policy(rules=(Rule("evil", Condition(header=(test,)), Action.REFUSE),)))
    actions = [replayed.judge(caller(), page(referer=text), 1_000.0, cleared=False).action for text in ("", "//evil/")]
    assert actions == [Action.ADMIT, Action.REFUSE]


def test_bytes_that_are_no_request_are_refused() -> None:
    """What a server logged as garbage is malformed here too."""
    assert lane(Policy()).judge(caller(), page(method=""), 1_000.0, cleared=False).stage == "malformed"


def test_rules_about_what_logs_hold_stay() -> None:
    """Only rules that ask for another header go."""
    known = Rule("known", Condition(header=(HeaderTest(b"user-agent"),)), weight=1)
    unknown = Rule("unknown", Condition(header=(HeaderTest(b"user-agent"), HeaderTest(b"accept"))), weight=1)
    policy, left_out = askable(Policy(rules=(known, unknown)))
    assert (policy.rules, left_out) == ((known,), ("unknown",))
