"""Settings become the Policy the judge reads."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from shieldproxy.core.policy import BanPolicy, ChallengePolicy, Policy
from shieldproxy.core.verdict import Action, Mode
from shieldproxy.settings.compiling import canonical, compile_policy
from shieldproxy.settings.reading import load
from shieldproxy.settings.schema import Settings

GOOD = Path(__file__).parent / "good"
ROOT = Path(__file__).parents[2]

ONE = """
[server]
hosts = ["a.example", "b.example"]   # in this order
[limits.b]
scope = "client"
rate = 10
[limits.a]
scope = "site"
rate = 5
match = { asn = [1, 2], path = ["/x", "/y"] }
[exempt]
clients = ["192.0.2.1", "10.0.0.0/8"]
paths = ["/p", "/q"]
[[rules]]
name = "light"
when = { header = { b = true, a = false } }
weight = 5
[[rules]]
name = "strict"
action = "drop"
when = { country = ["LI", "CH"] }
[challenge]
kinds = ["proof-of-work", "form"]
"""
OTHER = """
challenge.kinds = ["form", "proof-of-work"]
challenge.validity = "1d"
[[rules]]
when.country = ["CH", "LI"]
action = "drop"
name = "strict"
[[rules]]
name = "light"
weight = 5
when.header = { A = false, B = true }
[exempt]
paths = ["/q", "/p"]
clients = ["10.0.0.0/8", "192.0.2.1/32"]
[limits]
a = { scope = "site", rate = 5.0, burst = 25, action = "challenge", match = { path = ["/y", "/x"], asn = [2, 1] } }
b = { scope = "client", rate = 1e1 }
[server]
hosts = ["B.example", "a.example"]
"""


def digest(*overrides: str) -> str:
    """Return the digest of the built-in settings with something set."""
    return compile_policy(load(None, overrides)).digest


def test_order_and_spelling_change_nothing(tmp_path: Path) -> None:
    """Two files that mean the same are one policy with one digest."""
    one, other = tmp_path / "one.toml", tmp_path / "other.toml"
    one.write_text(ONE)
    other.write_text(OTHER)

    assert compile_policy(load(one)) == compile_policy(load(other))


@pytest.mark.parametrize(
    "override",
    [
        "limits.client.rate=11", "limits.client.burst=51", 'limits.client.action="refuse"', 'limits.asn.scope="network"',
        'limits.client.match={path="/x"}', 'limits.client.match={path="/X"}', "limits.client.match={header={a=true}}",
        "limits.client.match={header={a=false}}", 'limits.client.match={header={a="x"}}', "limits.client.match={asn=5}",
        'limits.client.match={network="192.0.2.0/24"}', 'limits.client.match={methods="GET"}',
        'limits.new={scope="site", rate=5}', "limits={}", "rules=[]",
        'rules=[{name="a", when={asn=1}, weight=1}]', 'rules=[{name="b", when={asn=1}, weight=1}]',
        'rules=[{name="a", when={asn=2}, weight=1}]', 'rules=[{name="a", when={asn=1}, weight=2}]',
        'limits.client.mode="observe"', 'rules=[{name="a", when={asn=1}, weight=1, mode="observe"}]',
        'rules=[{name="a", when={asn=1}, weight=1, enforce_share=0.5}]',
        'rules=[{name="a", when={asn=1}, action="drop"}]', 'rules=[{name="a", when={asn=1}, weight=1, why="x"}]',
        "challenge.suspicion=99", "challenge.suspicion.under_attack=29", "challenge.cost=999", 'challenge.kinds=["form"]',
        'challenge.validity="23h"', 'challenge.form_validity="2h"', 'challenge.form_wait="4s"', 'challenge.late_forms="1h"',
        'challenge.puzzle_validity="4m"', "challenge.epoch=2", "challenge.answers.rate=3", "challenge.answers.burst=61",
        'bans.ladder=["1m"]', "bans.offences=31", 'bans.window="61s"', "bans.floods=1", "bans.unanswered=61",
        'bans.memory="2d"', 'exempt.clients=["192.0.2.1"]', 'exempt.paths=["/x"]', 'exempt.paths=["/X"]',
        'server.mode="observe"', 'server.hosts=["a.example"]', 'server.trusted_proxies=["192.0.2.1"]',
    ],
)  # fmt: skip
def test_every_value_that_decides_changes_the_digest(override: str) -> None:
    """A record names the policy that made it, to the last value."""
    assert digest(override) != digest()


def test_all_digests_differ() -> None:
    """Who is believed about addresses decides whom a verdict is about."""
    trusted = 'server.trusted_proxies=["192.0.2.1"]'

    assert len({digest(trusted), digest(trusted, 'server.client_address="proxy-protocol"'), digest()}) == 3


@pytest.mark.parametrize(
    "override",
    [
        "server.workers=2",
        'server.listen=["127.0.0.1:1"]',
        'origin.url="http://b:1"',
        'journal.directory="x"',
        "state.buckets=2048",
        'challenge.title="x"',
        'control.listen="unix:/x"',
        'geo.refresh="2m"',
        'server.drain="1s"',
    ],
)
def test_what_decides_nothing_does_not_change_the_digest(override: str) -> None:
    """Where things lie and what pages say is no policy."""
    assert digest(override) == digest()


def test_the_digest_is_the_same_in_every_process(tmp_path: Path) -> None:
    """Neither the seed of hashes nor the working directory is in it, so all workers and nodes agree."""
    file = GOOD / "every-condition.toml"
    script = (
        "import sys; from pathlib import Path; from shieldproxy.settings.reading import load;"
        "from shieldproxy.settings.compiling import compile_policy; print(compile_policy(load(Path(sys.argv[1]))).digest)"
    )
    found = {
        subprocess.run(
            [sys.executable, "-c", script, file],
            cwd=place,
            env={**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": str(ROOT)},
            check=True,
            capture_output=True,
            text=True,
        ).stdout.strip()
        for seed, place in (("1", ROOT), ("2", tmp_path))
    }

    assert found == {compile_policy(load(file)).digest}


def test_patterns_count_as_they_were_written() -> None:
    """What Python compiles a pattern to differs between its versions; the digest must not."""
    settings = load(None, ['exempt.paths=["/b*", "/a?"]'])
    assert settings.exempt.paths is not None

    assert canonical(settings.exempt.paths, settings.globs)[0] == ["/a?", "/b*"]
    assert set(settings.globs.values()) >= {("/a?", "/b*")}


def test_defaults_are_those_of_the_judge() -> None:
    """Settings that nobody changed are the defaults of core, so that neither can drift."""
    policy = compile_policy(Settings())

    assert policy.challenge == ChallengePolicy()
    assert policy.bans == BanPolicy()
    assert policy._replace(digest="") == Policy()


def test_everything_arrives_in_the_policy() -> None:
    """Mode, names, exemptions and limits, the limits in the order of their names."""
    policy = compile_policy(load(GOOD / "behind-a-load-balancer.toml"))

    assert policy.mode is Mode.OBSERVE
    assert "*.example.org" in policy.hosts
    assert "www.example.org" in policy.hosts
    assert len(policy.exempt.clients) == 2
    assert policy.exempt.paths is not None
    assert policy.exempt.paths.match("/health")
    assert [limit.name for limit in policy.limits] == sorted(limit.name for limit in policy.limits)


def test_rules_are_in_the_order_of_their_strictness() -> None:
    """The strictest action first, then the heaviest weight; so the first reason is the strongest."""
    table = "{{name='{}', when={{asn=1}}, {}}}"
    written = [
        ("a", "weight=-5"),
        ("b", "weight=30"),
        ("c", "action='challenge'"),
        ("d", "action='drop'"),
        ("e", "weight=40"),
    ]
    settings = load(None, [f"rules=[{', '.join(table.format(*pair) for pair in written)}]"])
    rules = compile_policy(settings).rules

    assert [rule.name for rule in rules] == ["d", "c", "e", "b", "a"]
    assert rules[0].action is Action.DROP
