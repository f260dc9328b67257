"""Keys: what may be banned or allowed, and what an operator is told about the rest."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shieldproxy.control.keys import BadKeyError, around, cautions, read_key, shut_out_proxies
from tests.fakes.node import networks


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("192.0.2.1", "192.0.2.1"),
        (" 192.0.2.1\n", "192.0.2.1"),
        ("192.0.2.1/32", "192.0.2.1"),
        ("192.0.2.0/24", "192.0.2.0/24"),
        ("10.0.0.0/8", "10.0.0.0/8"),
        ("2001:db8::1", "2001:db8::/64"),
        ("2001:db8::/64", "2001:db8::/64"),
        ("2001:DB8:0:0::/64", "2001:db8::/64"),
        ("2001:db8::1/128", "2001:db8::/64"),
        ("2001:db8::/96", "2001:db8::/64"),
        ("2001:db8::/32", "2001:db8::/32"),
        ("2a00::/19", "2a00::/19"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("::ffff:192.0.2.0/120", "192.0.2.0/24"),
        ("[2001:db8::1]:443", "2001:db8::/64"),
    ],
)
def test_a_key_is_written_as_the_node_counts(text: str, key: str) -> None:
    """An address is its client key, a network its CIDR; what is narrower than a /64 is the /64."""
    assert read_key(text).text == key


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("0.0.0.0/0", "wider than /8"),
        ("::/0", "wider than /19"),
        ("10.0.0.0/7", "wider than /8"),
        ("2a00::/18", "wider than /19"),
        ("::ffff:0:0/96", "wider than /8"),
        ("192.0.2.1/24", "did you mean 192.0.2.0/24"),
        ("AS64500", "write a rule instead: when = { asn = \\[64500\\] }"),
        ("as 64500", "write a rule instead"),
        ("example.org", "not an address; allowed: an IPv4 or IPv6 address"),
        ("", "not an address"),
        ("192.0.2.0/33", "not a network"),
        ("/", "not a network"),
        ("1" * 10_000, "not an address"),
        ("AS" + "9" * 10_000, "not an address"),
    ],
)
def test_what_is_no_key_is_refused_with_what_is_allowed(text: str, told: str) -> None:
    """A text that names nobody, or far too many, is refused in one sentence that says what to write."""
    with pytest.raises(BadKeyError, match=told) as caught:
        read_key(text)
    assert len(str(caught.value)) < 300


@given(st.text(max_size=80))
def test_no_text_breaks_the_reader(text: str) -> None:
    """Whatever is typed is a key or a BadKeyError, and a key reads as itself."""
    try:
        key = read_key(text)
    except BadKeyError:
        return
    assert read_key(key.text).text == key.text


def test_cautions_name_what_a_ban_would_also_do() -> None:
    """Banning this machine, or somebody exempt, is done but said."""
    assert cautions(read_key("192.0.2.1"), networks("198.51.100.0/24")) == ()
    assert "this machine itself" in cautions(read_key("127.0.0.1"), ())[0]
    (told,) = cautions(read_key("198.51.0.0/16"), networks("198.51.100.0/24", "2001:db8::/32"))
    assert "exempt.clients holds 198.51.100.0/24" in told
    assert "its /64" in cautions(read_key("2001:db8::1"), ())[0]


def test_a_trusted_proxy_inside_a_key_is_found_both_ways() -> None:
    """A ban around a proxy and a ban of a part of a trusted network both shut visitors out."""
    trusted = networks("10.0.0.0/24")
    assert shut_out_proxies(read_key("10.0.0.1"), trusted) == ("10.0.0.0/24",)
    assert shut_out_proxies(read_key("10.0.0.0/8"), trusted) == ("10.0.0.0/24",)
    assert shut_out_proxies(read_key("2001:db8::1"), trusted) == ()


def test_around_a_key_are_all_networks_that_may_be_banned() -> None:
    """Every key that can hold an address is named as it would be written, and nothing wider or beside."""
    names = around(read_key("192.0.2.7"))
    assert {"192.0.2.7", "192.0.2.6/31", "192.0.2.0/24", "192.0.0.0/8"} <= names
    assert not {"192.0.0.0/7", "192.0.2.7/32", "192.0.2.8"} & names
    assert {"2001:db8::/64", "2001:db8::/32", "2001::/19"} <= around(read_key("2001:db8::1"))
    assert max(len(around(read_key(text))) for text in ("192.0.2.7", "2001:db8::1", "10.0.0.0/8")) <= 50
