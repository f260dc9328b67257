"""Silence: who is stuck is found, and no machine that is busy, suspended or short of memory makes anybody look stuck."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shieldproxy.core.silence import Sign, Silence, listen

START = Sign(beats=7, state="S", cpu=1.0, waited=1.0, faults=3)


def after(seconds: int, **each: float) -> Silence:
    """Return what is known after so many seconds without a beat, in each of which ``each`` grew; state by letter."""
    state = str(each.pop("state", "S"))
    stolen = float(each.pop("stolen", 0.0))
    known, sign = listen(Silence(), START, 1.0, 0.0), START
    for _ in range(seconds):
        sign = sign._replace(state=state, **{name: getattr(sign, name) + grown for name, grown in each.items()})
        known = listen(known, sign, 1.0, stolen)
    return known


@pytest.mark.parametrize(
    ("what", "seconds"),
    [
        ({"state": "S"}, 10.0),  # asleep in a system call that does not return
        ({"state": "D"}, 10.0),  # asleep in the kernel, unwakeable: a dead network file system
        ({"state": "T"}, 10.0),  # stopped by a signal
        ({"state": "R", "cpu": 1.0}, 10.0),  # turns in a circle with a processor of its own
        ({"state": "R", "cpu": 0.25, "waited": 0.75}, 2.5),  # and with a quarter of one: found when its time adds up
        ({"state": "S", "cpu": 0.5, "waited": 0.5}, 5.0),  # seen in a short nap
    ],
)
def test_own_time_without_a_beat_adds_up(what: dict[str, float], seconds: float) -> None:
    """Ten seconds of silence count as long as the process could do as it liked in them."""
    assert after(10, **what).seconds == pytest.approx(seconds)


@pytest.mark.parametrize(
    "what",
    [
        {"state": "R"},  # ready, and not given a processor for the whole time: the kernel has not added it up yet
        {"state": "R", "waited": 1.0},
        {"state": "S", "waited": 1.0},  # it waits for a processor whenever it wakes
        {"state": "D", "faults": 1},  # its memory lies on a disk
        {"state": "S", "stolen": 1.0},  # another machine has our processor
        {"state": "t"},  # a debugger holds it
        {"state": "Z"},  # it has ended; who waits for it will see
    ],
)
def test_what_the_machine_does_to_it_is_no_silence(what: dict[str, float]) -> None:
    """However long it lasts."""
    assert after(1_000, **what).seconds == 0.0


def test_a_beat_ends_the_silence() -> None:
    """Whoever comes round again is well, however long it took."""
    known = after(9)
    assert known.sign is not None
    assert listen(known, known.sign._replace(beats=8), 1.0, 0.0).seconds == 0.0


@given(
    st.floats(0, 2), st.floats(0, 2), st.floats(-1, 5), st.floats(-1, 5), st.integers(0, 3), st.sampled_from("RSDTtZX")
)
def test_no_look_counts_more_than_passed(
    elapsed: float, stolen: float, cpu: float, waited: float, faults: int, state: str
) -> None:
    """Whatever the kernel says, one look adds between nothing and the time since the last."""
    known = listen(Silence(), START, 1.0, 0.0)
    sign = Sign(START.beats, state, START.cpu + cpu, START.waited + waited, START.faults + faults)
    assert 0.0 <= listen(known, sign, elapsed, stolen).seconds <= elapsed + 1e-9
