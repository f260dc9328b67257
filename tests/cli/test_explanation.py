from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given

from shieldproxy.cli.explanation import BUILT_IN, PASSED, Explanation
from shieldproxy.core.record import Record
from shieldproxy.core.stages import STAGE_NAMES
from shieldproxy.settings.compiling import compile_policy
from shieldproxy.settings.reading import load
from shieldproxy.settings.schema import Settings
from tests.fakes.records import record_at
from tests.strategies import records

CONFIG = """\
[limits.client]
scope = "client"
rate = 10
burst = 50
action = "throttle"

[bans]
ladder = ["1m"]

[[rules]]
name = "old-phones"
when = { path = "/x" }
weight = 40
why = "comes from a museum"

[[rules]]
name = "gate"
when = { path = "/y" }
action = "challenge"
"""


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    file = tmp_path / "config.toml"
    file.write_text(CONFIG)
    return load(file)


def test_the_stages_before_said_nothing_and_those_after_were_not_asked(settings: Settings) -> None:
    """In the order of the judge, whichever stage decided."""
    for position, stage in enumerate(STAGE_NAMES):
        steps = Explanation(record_at(stage=stage), settings).steps()
        assert [step.stage for step in steps] == list(STAGE_NAMES)
        assert [step.said for step in steps] == (
            ["nothing"] * position + ["decided"] + ["not asked"] * (len(STAGE_NAMES) - position - 1)
        )
        assert steps[position].words


def test_every_stage_has_words_for_having_said_nothing() -> None:
    """A new stage needs its sentence; the last one always decides."""
    assert (*PASSED, "admit") == STAGE_NAMES


def test_a_decision_of_the_door_is_told_as_such(settings: Settings) -> None:
    """A stage the judge does not have stands alone, with its reasons."""
    (step,) = Explanation(record_at(stage="capacity", reasons=("too many connections",)), settings).steps()
    assert (step.stage, step.said, step.words) == ("capacity", "decided", "too many connections")


def test_levels_are_told_in_requests_with_rate_and_burst(settings: Settings) -> None:
    """Credit in seconds times the rate is requests; the overdrawn bucket comes first."""
    record = record_at(buckets=(("client", 2.5), ("gone", 1.0)))
    client, gone = Explanation(record, settings).levels()
    assert client.words == "25.0 left (at most 50, 10 a second, each client)"
    assert client.place.endswith("config.toml:3")
    assert "no such limit any more" in gone.words
    (client,) = Explanation(record_at(buckets=(("client", -0.1),)), settings).levels()
    assert client.words.startswith("overdrawn, next in 0.1 s")


def test_rules_that_counted_are_told_with_weight_reason_and_line(settings: Settings) -> None:
    """Only those: a reason that is no rule's name is no rule."""
    record = record_at(stage="suspicious", rule="old-phones", reasons=("old-phones", "something else"))
    (match,) = Explanation(record, settings).matches()
    assert match.words == "weight 40: comes from a museum"
    assert match.place.endswith("config.toml:10")


@pytest.mark.parametrize(
    ("fields", "cause"),
    [
        ({}, "limits.client.rate ({file}:3)"),
        ({"stage": "suspicious", "rule": "old-phones"}, "rules.old-phones ({file}:10)"),
        ({"stage": "banned", "rule": "bans"}, "bans.ladder ({file}:8)"),
        ({"stage": "exempt", "rule": "exempt.clients"}, f"exempt.clients ({BUILT_IN})"),
        ({"stage": "saturated", "rule": ""}, f"state.buckets ({BUILT_IN})"),
        ({"stage": "malformed", "rule": ""}, ""),
        ({"stage": "admit", "rule": ""}, ""),
        ({"rule": "a limit that was deleted"}, ""),
    ],
)
def test_the_line_behind_a_decision_is_named(settings: Settings, fields: dict[str, str], cause: str) -> None:
    """An operator can open the file at it."""
    assert Explanation(record_at(0, **fields), settings).cause() == cause.format(file=settings.source_path)


def test_suspicion_is_told_against_the_threshold_of_its_posture(settings: Settings) -> None:
    """In words that can be checked by adding up the weights."""
    record = record_at(stage="suspicious", rule="old-phones", suspicion=60, posture="elevated", reasons=("old-phones",))
    decided = next(step for step in Explanation(record, settings).steps() if step.said == "decided")
    assert decided.words == "suspicion 60 reaches 50, the threshold when elevated: old-phones"
    record = record_at(stage="suspicious", rule="gate", reasons=())
    decided = next(step for step in Explanation(record, settings).steps() if step.said == "decided")
    assert decided.words == "rule gate asks for a challenge"


def test_a_configuration_that_changed_since_is_noticed(settings: Settings) -> None:
    """By the digest that stands in the record."""
    digest = compile_policy(settings).digest
    assert Explanation(record_at(policy=digest), settings).same_policy
    assert not Explanation(record_at(policy="other"), settings).same_policy


def test_a_file_that_vanished_costs_only_the_lines(settings: Settings) -> None:
    """The explanation does without."""
    assert settings.source_path is not None
    settings.source_path.unlink()
    assert Explanation(record_at(), settings).cause() == f"limits.client.rate ({BUILT_IN})"


@given(records)
def test_any_record_can_be_explained(record: Record) -> None:
    """Whatever stands in the journal, also from another version."""
    explanation = Explanation(record, load(None))
    assert explanation.steps()
    assert all(level.words for level in explanation.levels())
    assert isinstance(explanation.cause(), str)
    assert all(match.words for match in explanation.matches())


def test_what_only_observes_says_so(tmp_path: Path) -> None:
    """The bucket, and the rule that would have acted, with what was meant."""
    file = tmp_path / "config.toml"
    text = CONFIG.replace('action = "throttle"', 'mode = "observe"').replace(
        'action = "challenge"', 'action = "challenge"\nmode = "observe"'
    )
    file.write_text(text.replace("weight = 40", "weight = 40\nenforce_share = 0.05"))
    reasons = ("would throttle: limits.client", "would challenge: rules.gate", "old-phones")
    found = Explanation(record_at(reasons=reasons, rule="", buckets=(("client", -1.0),)), load(file))
    assert "only observes" in found.levels()[0].words
    assert [match.words for match in found.matches()] == [
        "challenge, only observed",
        "weight 40, for 5.00% of clients: comes from a museum",
    ]
