"""Where a clearance travels."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shieldproxy.guard.cookies import MAX_TOKENS, set_cookie, tokens_in

CASES: list[tuple[bytes, list[bytes]]] = [
    (b"", []),
    (b"a=b", []),
    (b"shieldproxy=abc.def", [b"abc.def"]),
    (b"__Host-shieldproxy=abc.def", [b"abc.def"]),
    (b"a=b; shieldproxy=x-_.1; c=d", [b"x-_.1"]),
    (b"a=b;shieldproxy=x;c=d", [b"x"]),
    (b'shieldproxy="x"; y=z', [b"x"]),
    (b"shieldproxy=old; __Host-shieldproxy=new", [b"old", b"new"]),
    (b"notshieldproxy=x; x-shieldproxy=y; shieldproxy2=z", []),
    (b"a=shieldproxy=x", []),
    (b"shieldproxy=", []),
    (b"shieldproxy=a b", []),
    (b"shieldproxy=<script>", []),
    (b"shieldproxy=" + b"a" * 129, []),
    (b"shieldproxy", []),
    (b"shieldproxy=x; " * 50, [b"x"] * MAX_TOKENS),
]


@pytest.mark.parametrize(("header", "tokens"), CASES)
def test_only_our_cookie_is_read(header: bytes, tokens: list[bytes]) -> None:
    """Both names count, several are read up to a bound, and look-alikes and junk are passed over."""
    assert tokens_in(header) == tokens


@given(st.binary(max_size=400))
def test_no_header_is_too_odd(junk: bytes) -> None:
    """A good cookie is found behind whatever other cookies carry."""
    assert tokens_in(junk.replace(b"shieldproxy", b"") + b"; shieldproxy=x")[-1:] == [b"x"]


def test_the_cookie_is_bound_to_the_host_on_tls() -> None:
    """Over TLS it is Secure and ``__Host-``; over plain HTTP it has a name that browsers take without."""
    assert set_cookie("t.k", 60, secure=True) == (
        b"__Host-shieldproxy=t.k; Path=/; Max-Age=60; HttpOnly; SameSite=Lax; Secure"
    )
    assert set_cookie("t.k", 60, secure=False) == b"shieldproxy=t.k; Path=/; Max-Age=60; HttpOnly; SameSite=Lax"
