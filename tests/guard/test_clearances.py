"""Clearances as visitors bring them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shieldproxy.core.clearance import Clearance, Kind, Refusal, bind, seal
from shieldproxy.guard.clearances import MAX_AGENT, Clearances
from tests.fakes.clock import HandClock

KEY, OLD, FOREIGN = b"k" * 32, b"o" * 32, b"f" * 32
HOME, AGENT = "192.0.2.0/24", b"Mozilla/5.0"


def cookie(
    key: bytes = KEY, *, expires: int = 2_000, epoch: int = 1, serial: str = "00" * 8, agent: bytes = AGENT
) -> bytes:
    """Return a Cookie header with a clearance for HOME."""
    token = seal(key, Clearance(serial, Kind.WORK, expires, epoch), bind(HOME, agent))
    return f"a=b; shieldproxy={token}; c=d".encode()


@pytest.fixture
def clearances(clock: HandClock) -> Clearances:
    """A reader of two keys at epoch 1."""
    return Clearances((KEY, OLD), 1, clock)


def test_a_clearance_in_force_is_read_again_and_again(clearances: Clearances) -> None:
    """The first and the remembered reading are the same."""
    first = clearances.read(cookie(), HOME, AGENT)
    assert first == Clearance("00" * 8, Kind.WORK, 2_000, 1)
    assert clearances.read(cookie(), HOME, AGENT) == first


def test_a_visitor_without_our_cookie_has_none(clearances: Clearances) -> None:
    """No token is no refusal."""
    assert clearances.read(b"", HOME, AGENT) is None
    assert clearances.read(b"session=1", HOME, AGENT) is None
    assert clearances.read(b"shieldproxy=", HOME, AGENT) is None


def test_both_keys_of_the_ring_are_accepted(clearances: Clearances) -> None:
    """A clearance signed before a rotation stays good; one of a stranger's key never was."""
    assert isinstance(clearances.read(cookie(OLD), HOME, AGENT), Clearance)
    assert clearances.read(cookie(FOREIGN), HOME, AGENT) is Refusal.FORGED


def test_a_remembered_clearance_still_ends(clearances: Clearances, clock: HandClock) -> None:
    """Memory does not outlast the expiry."""
    assert isinstance(clearances.read(cookie(expires=1_010), HOME, AGENT), Clearance)
    clock.advance(10)
    assert clearances.read(cookie(expires=1_010), HOME, AGENT) is Refusal.EXPIRED


@pytest.mark.parametrize("remembered", [True, False])
def test_a_clearance_that_ended_lately_is_read_as_late(clock: HandClock, *, remembered: bool) -> None:
    """So long, and no longer, and only where it is asked for; whose it is, and the epoch, count as ever."""
    clearances = Clearances((KEY,), 1, clock, 100.0)
    if remembered:
        assert isinstance(clearances.read(cookie(expires=1_010), HOME, AGENT), Clearance)
    clock.advance(10)
    assert clearances.read(cookie(expires=1_010), HOME, AGENT) is Refusal.EXPIRED
    assert clearances.read_late(cookie(expires=1_010), HOME, AGENT) == Clearance("00" * 8, Kind.WORK, 1_010, 1)
    assert clearances.read_late(cookie(expires=1_010), "198.51.100.0/24", AGENT) is Refusal.FOREIGN
    assert clearances.read_late(cookie(FOREIGN, expires=1_010), HOME, AGENT) is Refusal.FORGED
    assert clearances.read_late(cookie(expires=1_010, epoch=0), HOME, AGENT) is Refusal.REVOKED
    assert clearances.read_late(b"a=b", HOME, AGENT) is None
    clock.advance(100)
    assert clearances.read_late(cookie(expires=1_010), HOME, AGENT) is Refusal.EXPIRED


def test_a_remembered_clearance_is_still_bound(clearances: Clearances) -> None:
    """Another network or another browser does not profit from what was verified for the first."""
    assert isinstance(clearances.read(cookie(), HOME, AGENT), Clearance)
    assert clearances.read(cookie(), "198.51.100.0/24", AGENT) is Refusal.FOREIGN
    assert clearances.read(cookie(), HOME, b"curl/8") is Refusal.FOREIGN


def test_a_new_epoch_or_ring_ends_what_is_remembered(clearances: Clearances) -> None:
    """Revocation holds for clearances that were just verified."""
    assert isinstance(clearances.read(cookie(), HOME, AGENT), Clearance)
    clearances.adopt((KEY, OLD), 2)
    assert clearances.read(cookie(), HOME, AGENT) is Refusal.REVOKED
    clearances.adopt((OLD,), 1)
    assert clearances.read(cookie(), HOME, AGENT) is Refusal.FORGED


def test_a_stale_cookie_does_not_hide_a_fresh_one(clearances: Clearances) -> None:
    """Of several tokens a good one suffices, wherever it stands; without one the first refusal is told."""
    stale, fresh = cookie(expires=900), cookie()
    both = stale + b"; " + fresh.replace(b"shieldproxy", b"__Host-shieldproxy")
    assert isinstance(clearances.read(both, HOME, AGENT), Clearance)
    assert clearances.read(stale + b"; " + cookie(FOREIGN), HOME, AGENT) is Refusal.EXPIRED


def test_quotes_around_a_token_do_no_harm(clearances: Clearances) -> None:
    """Some libraries put cookie values in quotes."""
    token = cookie().partition(b"shieldproxy=")[2].partition(b";")[0]
    assert isinstance(clearances.read(b'shieldproxy="' + token + b'"', HOME, AGENT), Clearance)


def test_a_very_long_user_agent_is_verified_but_not_remembered(clearances: Clearances) -> None:
    """Memory stays bounded in bytes, not only in number."""
    agent = b"x" * (MAX_AGENT + 1)
    for _ in range(2):
        assert isinstance(clearances.read(cookie(agent=agent), HOME, agent), Clearance)
    assert len(clearances._verified) == 0


@given(st.binary(max_size=200))
def test_no_cookie_is_too_odd(junk: bytes) -> None:
    """Whatever stands in the header, nothing but a token we signed is a clearance."""
    clearances = Clearances((KEY,), 1, HandClock())
    assert not isinstance(clearances.read(b"shieldproxy=" + junk, HOME, AGENT), Clearance)


@given(st.integers(0, 62), st.sampled_from(b"ABab01-_.="))
def test_a_token_with_one_letter_changed_is_forged(place: int, letter: int) -> None:
    """Not one character of a token can be changed."""
    clearances = Clearances((KEY,), 1, HandClock())
    good = cookie()
    start = good.index(b"shieldproxy=") + len(b"shieldproxy=")
    changed = good[: start + place] + bytes((letter,)) + good[start + place + 1 :]
    if changed != good:
        assert not isinstance(clearances.read(changed, HOME, AGENT), Clearance)
