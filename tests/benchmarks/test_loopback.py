"""The guard of the generators."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.loopback import NotLoopbackError, Target, loopback_address, loopback_target


@pytest.mark.parametrize(
    ("url", "host", "port", "path"),
    [
        ("http://127.0.0.1:8080", "127.0.0.1", 8080, "/"),
        ("http://127.255.1.2/page?x=1", "127.255.1.2", 80, "/page?x=1"),
        ("http://[::1]:9000/a", "::1", 9000, "/a"),
        ("http://localhost:8080/", "127.0.0.1", 8080, "/"),
        ("http://LOCALHOST/", "127.0.0.1", 80, "/"),
    ],
)
def test_accepts_this_machine(url: str, host: str, port: int, path: str) -> None:
    """A literal loopback address and the bare name localhost are accepted, and nothing is resolved."""
    target = loopback_target(url)
    assert (target.host, target.port, target.path) == (host, port, path)


@pytest.mark.parametrize(
    "url",
    [
        "http://192.0.2.1/",
        "http://128.0.0.1/",
        "http://126.255.255.255/",
        "http://0.0.0.0:8080/",
        "http://[::]/",
        "http://[::2]/",
        "http://[::ffff:127.0.0.1]/",
        "http://[::1%25eth0]/",
        "http://[fe80::1]/",
        "http://localhost.example/",
        "http://127.0.0.1.example/",
        "http://example.org/",
        "http://127.1/",
        "http://2130706433/",
        "http://0177.0.0.1/",
        "http://0x7f.0.0.1/",
        "http://127.0.0.1@192.0.2.1/",
        "http://user@127.0.0.1/",
        "http://:secret@127.0.0.1/",
        "https://127.0.0.1/",
        "ftp://127.0.0.1/",
        "127.0.0.1:8080",
        "//127.0.0.1/",
        "http://127.0.0.1:99999/",
        "http://127.0.0.1:port/",
        "http://[::1/",
        "http://127.0.0.1/a b",
        "http://127.0.0.1/\u00e9",
        "http:///",
        "",
    ],
)
def test_refuses_everything_else(url: str) -> None:
    """Another machine, an odd spelling or another scheme is refused with a sentence."""
    with pytest.raises(NotLoopbackError, match=r"."):
        loopback_target(url)


@given(st.ip_addresses(v=4))
def test_every_ipv4_address_is_judged_by_its_first_byte(address: object) -> None:
    """127.0.0.0/8 is accepted as it is written; nothing else of IPv4 is."""
    text = str(address)
    if text.startswith("127."):
        assert loopback_address(text) == text
    else:
        with pytest.raises(NotLoopbackError):
            loopback_address(text)


@pytest.mark.parametrize("host", ["192.0.2.1", "localhost", "", "::2"])
def test_a_target_made_by_hand_is_guarded_too(host: str) -> None:
    """There is no way to hold a Target that does not name a loopback address itself."""
    with pytest.raises(NotLoopbackError):
        Target(host, 80)


def test_url_of_an_ipv6_target_has_brackets() -> None:
    """A target writes itself as a URL that reads back as the same target."""
    target = loopback_target("http://[::1]:81/x")
    assert loopback_target(target.url) == target
