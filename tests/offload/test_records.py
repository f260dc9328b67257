"""Records: counts of the kernel become lines of the journal that say what they are."""

from __future__ import annotations

import itertools

from hypothesis import given
from hypothesis import strategies as st

from shieldproxy.core.facts import NetworkLabel
from shieldproxy.core.record import Record
from shieldproxy.core.stages import STAGE_NAMES
from shieldproxy.offload.counting import UNCLAIMED
from shieldproxy.offload.records import ENDED, RULE, STAGE, Shared, records_of

SHARED = Shared("2026-11-24T10:15:00.000000Z", "node-kernel", "digest", "asn:x", "under_attack", 443)
LABEL = NetworkLabel(64500, "Example", "CH", "hosting")


def made(dropped: dict[str, int], causes: dict[str, str] | None = None) -> list[Record]:
    numbers = itertools.count(1)
    found = records_of(dropped, causes or {}, SHARED, label=lambda address: LABEL, next_id=lambda: f"id{next(numbers)}")
    return list(found)


def test_a_client_has_one_line_with_all_its_attempts() -> None:
    """Weight is attempts to connect, the stage that of any ban, the rule tells that the kernel did it."""
    (record,) = made({"192.0.2.7": 31}, {"192.0.2.7": "offences against rules"})
    assert record == Record(
        ts=SHARED.ts,
        id="id1",
        node="node-kernel",
        src_ip="192.0.2.7",
        dst_port=443,
        client="192.0.2.7",
        asn=64500,
        as_name="Example",
        country="CH",
        network_class="hosting",
        action="drop",
        stage="banned",
        rule="offload",
        reasons=("offences against rules",),
        posture="under_attack",
        policy="digest",
        geo="asn:x",
        weight=31,
    )
    assert STAGE in STAGE_NAMES
    assert Record.from_dict(record.to_dict()) == record


def test_a_network_and_a_slash_64_are_named_by_their_first_address() -> None:
    """Which of its addresses knocked, nobody counted."""
    six, four = made({"2001:db8:0:7::/64": 9, "192.0.2.0/24": 1})
    assert (six.client, six.src_ip) == ("2001:db8:0:7::/64", "2001:db8:0:7::")
    assert (four.client, four.src_ip) == ("192.0.2.0/24", "192.0.2.0")


def test_what_nobody_claims_is_written_down_without_a_name() -> None:
    """The attempts of bans that ended unseen belong in the sum, and are guessed to nobody."""
    (record,) = made({UNCLAIMED: 4})
    assert (record.client, record.src_ip, record.asn, record.weight) == ("", "", 0, 4)
    assert record.reasons == (ENDED,)


@given(st.dictionaries(st.sampled_from(["192.0.2.1", "192.0.2.2", "2001:db8::/64", UNCLAIMED]), st.integers(0, 10**9)))
def test_weights_add_up_to_what_was_dropped(dropped: dict[str, int]) -> None:
    """No attempt is lost or made up, nothing has no weight, and the heaviest comes first."""
    weights = [record.weight for record in made(dropped)]
    assert sum(weights) == sum(dropped.values())
    assert all(weight > 0 for weight in weights)
    assert weights == sorted(weights, reverse=True)
    assert all((record.rule, record.stage) == (RULE, STAGE) for record in made(dropped))
