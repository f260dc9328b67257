"""A place in line is proof against forgery, theft and noise."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from shieldproxy.guard.tickets import Ticket, seal_ticket, set_ticket, unseal_ticket

KEY, OLD, OTHER = b"k" * 32, b"o" * 32, b"x" * 32
HERE, THERE = b"12345678", b"87654321"
TICKETS = st.builds(Ticket, st.integers(0, 2**63), st.integers(0, 2**63))


@given(TICKETS)
def test_a_ticket_comes_back_as_it_was_given(ticket: Ticket) -> None:
    """Among other cookies, and under a key that was replaced meanwhile."""
    cookies = b"a=1; " + set_ticket(seal_ticket(OLD, ticket, HERE), secure=True)[1].partition(b";")[0] + b"; b=2"
    assert unseal_ticket((KEY, OLD), cookies, HERE) == ticket


@given(TICKETS, st.integers(0, 56), st.sampled_from(b"AZaz09-_"))
def test_a_changed_ticket_is_none(ticket: Ticket, place: int, letter: int) -> None:
    """Whatever letter is changed, and whoever else brings it, or under another key."""
    token = bytearray(seal_ticket(KEY, ticket, HERE).encode())
    assert unseal_ticket((KEY,), b"shieldproxy-line=" + token, THERE) is None
    assert unseal_ticket((OTHER,), b"shieldproxy-line=" + token, HERE) is None
    if token[place] != letter and token[place] != ord("."):
        token[place] = letter
        found = unseal_ticket((KEY,), b"shieldproxy-line=" + token, HERE)
        assert found is None or found == ticket  # the last letter of base64 has bits that say nothing


@given(st.binary(max_size=200))
def test_noise_is_no_ticket(noise: bytes) -> None:
    """Never raises, whatever a client sends."""
    assert unseal_ticket((KEY,), noise, HERE) is None
    assert unseal_ticket((KEY,), b"shieldproxy-line=" + noise, HERE) is None


def test_the_cookie_is_kept_from_scripts_and_other_sites() -> None:
    """HttpOnly and Lax; Secure where the visitor came over TLS."""
    name, value = set_ticket("token", secure=True)
    assert name == b"Set-Cookie"
    assert value == b"shieldproxy-line=token; Path=/; Max-Age=14400; HttpOnly; SameSite=Lax; Secure"
    assert not set_ticket("token", secure=False)[1].endswith(b"Secure")
