"""Patience: how long a client may take, and what it cannot do to have longer."""

from __future__ import annotations

import math

from shieldproxy.proxy.patience import Patience, Phase
from shieldproxy.proxy.terms import Terms
from tests.fakes.clock import HandClock

TERMS = Terms(header=10, idle=75, body_idle=30, body_rate=500, write=30, tunnel_idle=3_600)


def within(patience: Patience, clock: HandClock) -> float:
    """Return the seconds that are left."""
    return min(patience.deadline, patience.write_deadline) - clock.now


def test_each_phase_has_its_time(clock: HandClock) -> None:
    """From the first byte ever to the end of a tunnel."""
    patience = Patience(clock, TERMS)
    assert within(patience, clock) == 10
    assert patience.idle
    for phase, seconds in [
        (Phase.HEAD, 10),
        (Phase.OURSELVES, math.inf),
        (Phase.IDLE, 75),
        (Phase.TUNNEL, 3_600),
    ]:
        patience.settle(phase, TERMS)
        assert within(patience, clock) == seconds, phase
        assert patience.idle == (phase is Phase.IDLE)


def test_staying_in_a_phase_gains_no_time(clock: HandClock) -> None:
    """A head that comes byte by byte has ten seconds in all."""
    patience = Patience(clock, TERMS)
    patience.settle(Phase.HEAD, TERMS)
    for _ in range(9):
        clock.advance(1)
        patience.settle(Phase.HEAD, TERMS)
    assert not patience.over(clock())
    clock.advance(1)
    assert patience.over(clock())


def test_each_request_begins_anew(clock: HandClock) -> None:
    """A connection that asks and is answered at once is idle from then on, not from the first time."""
    patience = Patience(clock, TERMS)
    for _ in range(10):
        clock.advance(60)
        patience.begin(TERMS)
        patience.settle(Phase.IDLE, TERMS)
        assert within(patience, clock) == 75


def test_a_trickling_body_ends(clock: HandClock) -> None:
    """A byte every 29 seconds buys two thousandths of a second each: the body ends after half a minute."""
    patience = Patience(clock, TERMS)
    patience.begin(TERMS)
    patience.settle(Phase.BODY, TERMS)
    clock.advance(29)
    patience.hear(1, TERMS)
    assert not patience.over(clock())
    clock.advance(2)
    assert patience.over(clock())


def test_a_slow_but_steady_body_goes_on(clock: HandClock) -> None:
    """At the least rate, with a pause of half a minute now and then, an upload takes as long as it takes."""
    patience = Patience(clock, TERMS)
    patience.begin(TERMS)
    patience.settle(Phase.BODY, TERMS)
    for _ in range(100):
        clock.advance(29)
        assert not patience.over(clock())
        patience.hear(29 * 500, TERMS)


def test_no_rate_means_any(clock: HandClock) -> None:
    """With ``body_rate`` 0 only silence ends a body."""
    terms = Terms(body_idle=30, body_rate=0)
    patience = Patience(clock, terms)
    patience.begin(terms)
    patience.settle(Phase.BODY, terms)
    for _ in range(100):
        clock.advance(29)
        assert not patience.over(clock())
        patience.hear(1, terms)


def test_what_the_origin_takes_is_not_the_clients_time(clock: HandClock) -> None:
    """While the origin does not read on, the client's time stands still; it goes on where it was."""
    patience = Patience(clock, TERMS)
    patience.begin(TERMS)
    patience.settle(Phase.BODY, TERMS)
    clock.advance(20)
    patience.settle(Phase.OURSELVES, TERMS)
    clock.advance(10_000)
    assert not patience.over(clock())
    patience.settle(Phase.BODY, TERMS)
    assert within(patience, clock) == 10


def test_who_does_not_read_is_not_waited_for(clock: HandClock) -> None:
    """What a client sends meanwhile does not put that off."""
    patience = Patience(clock, TERMS)
    patience.offer(TERMS)
    for _ in range(6):
        clock.advance(5)
        patience.begin(TERMS)
        patience.settle(Phase.BODY, TERMS)
        patience.hear(100_000, TERMS)
    assert patience.over(clock())
    patience.taken()
    assert not patience.over(clock())


def test_leaving_has_its_end(clock: HandClock) -> None:
    """After the last answer so many seconds are left, whatever comes."""
    patience = Patience(clock, TERMS)
    patience.leave(2.0)
    assert within(patience, clock) == 2
    assert not patience.idle
    clock.advance(2)
    assert patience.over(clock())
