"""Where a visitor goes after a challenge."""

from __future__ import annotations

from urllib.parse import urljoin, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shieldproxy.guard.returns import MAX_TARGET, safe_target, target_of
from tests.scenes import request

SAFE = [
    "/",
    "/forms/residence?step=2&lang=de",
    "/a//b",
    "/search?q=a;b",
    "/?next=https://example.com/",
    "/%2f%2fexample.com",
    "/@example.com",
    "/a:b",
    "/.//example.com",
    "/~user/[1]?{x}|^`",
]

TRICKS = [
    "",
    "//example.com",
    "///example.com",
    "////example.com/x",
    "/\\example.com",
    "\\/example.com",
    "/\\/example.com",
    "/path\\..\\x",
    "https://example.com/",
    "HTTPS:example.com",
    "http:/example.com",
    "javascript:alert(1)",
    "data:text/html,x",
    "example.com",
    "@example.com",
    "?x",
    "#x",
    "/\t/example.com",
    "/\n/example.com",
    "/\r\nLocation: https://example.com",
    "\t//example.com",
    " //example.com",
    "/ /example.com",
    "/\x00/example.com",
    "/\x7f",
    "/\u2028/example.com",
    "/caf\u00e9",
    "/\uff0f/example.com",
    "/" + "a" * MAX_TARGET,
]


@pytest.mark.parametrize("target", SAFE)
def test_pages_of_this_site_are_kept_as_they_are(target: str) -> None:
    """Path and query come back byte for byte."""
    assert safe_target(target) == target


@pytest.mark.parametrize("target", TRICKS)
def test_tricks_lead_home(target: str) -> None:
    """Schemes, hosts, backslashes, control characters and what is too long lead to the front page."""
    assert safe_target(target) == "/"


@given(st.text(alphabet=st.sampled_from("/\\.:?#@%a\t\n\r \u00e9htps"), max_size=12))
def test_no_target_leaves_the_site(target: str) -> None:
    """Whatever is asked for, a browser that follows the answer stays on the host it is on."""
    where = urlsplit(urljoin("https://site.test/.shieldproxy/return", safe_target(target)))
    assert (where.scheme, where.netloc) == ("https", "site.test")


@pytest.mark.parametrize("target", ["/.shieldproxy", "/.shieldproxy/return?to=/.shieldproxy/return"])
def test_our_own_paths_are_no_target(target: str) -> None:
    """Nobody is sent round in our own answers."""
    assert safe_target(target, "/.shieldproxy") == "/"
    assert safe_target("/.shieldproxy-news", "/.shieldproxy") == "/.shieldproxy-news"


def test_the_target_of_a_request_is_its_path_and_query() -> None:
    """Raw bytes of the wire are written as the percent-encoding they should have had."""
    assert target_of(request("/a", query="b=1")) == "/a?b=1"
    assert target_of(request("/a")) == "/a"
    assert target_of(request("/caf\u00e9%20x")) == "/caf%E9%20x"
    assert target_of(request("//example.com")) == "/"
