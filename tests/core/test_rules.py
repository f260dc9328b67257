"""Rules: named conditions, asked of the network once and of each request."""

from __future__ import annotations

import ipaddress
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shieldproxy.core.facts import Crawler, NetworkLabel, Request, Visitor
from shieldproxy.core.rules import NOTHING, Condition, HeaderTest, compile_globs
from tests.scenes import request, visitor
from tests.strategies import any_text, conditions, globs, requests, visitors

HOSTER = NetworkLabel(64500, "Example Hosting", "NL", "hosting")
CITIZEN = NetworkLabel(64501, "Example Cable", "BE", "other")
UNKNOWN = NetworkLabel()


def networks(*texts: str) -> tuple[ipaddress.IPv4Network | ipaddress.IPv6Network, ...]:
    """Return networks by their texts."""
    return tuple(map(ipaddress.ip_network, texts))


OF_NETWORK = [
    # condition, address, label, whether it holds
    # nothing asked
    (Condition(), "192.0.2.1", HOSTER, True),
    (Condition(), "2001:db8::1", UNKNOWN, True),
    # ASN
    (Condition(asn=frozenset({64500})), "192.0.2.1", HOSTER, True),
    (Condition(asn=frozenset({64500, 64999})), "192.0.2.1", HOSTER, True),
    (Condition(asn=frozenset({64500})), "192.0.2.1", CITIZEN, False),
    (Condition(asn=frozenset({64500})), "192.0.2.1", UNKNOWN, False),
    # country
    (Condition(country=frozenset({"BE", "NL"})), "192.0.2.1", CITIZEN, True),
    (Condition(country=frozenset({"DE"})), "192.0.2.1", CITIZEN, False),
    (Condition(country=frozenset({"DE"})), "192.0.2.1", UNKNOWN, False),
    # class
    (Condition(network_class=frozenset({"hosting", "vpn"})), "192.0.2.1", HOSTER, True),
    (Condition(network_class=frozenset({"hosting", "vpn"})), "192.0.2.1", CITIZEN, False),
    (Condition(network_class=frozenset({"other"})), "192.0.2.1", UNKNOWN, True),
    # networks of both families
    (Condition(network=networks("192.0.2.0/24")), "192.0.2.255", UNKNOWN, True),
    (Condition(network=networks("192.0.2.0/24")), "192.0.3.0", UNKNOWN, False),
    (Condition(network=networks("198.51.100.0/24", "192.0.2.1/32")), "192.0.2.1", UNKNOWN, True),
    (Condition(network=networks("2001:db8::/32")), "2001:db8:ffff::1", UNKNOWN, True),
    (Condition(network=networks("2001:db8::/32")), "2001:db9::1", UNKNOWN, False),
    (Condition(network=networks("2001:db8::/32")), "192.0.2.1", UNKNOWN, False),
    (Condition(network=networks("0.0.0.0/0")), "2001:db8::1", UNKNOWN, False),
    (Condition(network=networks("::/0")), "192.0.2.1", UNKNOWN, False),
    (Condition(network=networks("0.0.0.0/0", "::/0")), "2001:db8::1", UNKNOWN, True),
    # a mapped address is the address it carries
    (Condition(network=networks("192.0.2.0/24")), "::ffff:192.0.2.1", UNKNOWN, True),
    # all parts must hold
    (Condition(asn=frozenset({64500}), country=frozenset({"NL"})), "192.0.2.1", HOSTER, True),
    (Condition(asn=frozenset({64500}), country=frozenset({"BE"})), "192.0.2.1", HOSTER, False),
    (Condition(asn=frozenset({64500}), network=networks("198.51.100.0/24")), "192.0.2.1", HOSTER, False),
]


@pytest.mark.parametrize(("condition", "address", "label", "holds"), OF_NETWORK)
def test_what_the_network_tells(condition: Condition, address: str, label: NetworkLabel, holds: bool) -> None:  # noqa: FBT001 - a column of the table
    """Within a part one value suffices, all parts must hold, and the other family never matches."""
    assert condition.fits_visitor(visitor(address, label)) is holds


@pytest.mark.parametrize("address", ["", "unix:", "no address"])
def test_a_visitor_without_address_lies_in_no_network(address: str) -> None:
    """The peer of a unix socket has no address: a condition on networks does not hold, and does not raise."""
    nobody = Visitor(address, address, address, address, UNKNOWN)
    assert Condition().fits_visitor(nobody)
    assert not Condition(network=networks("0.0.0.0/0", "::/0")).fits_visitor(nobody)


def path(*texts: str) -> Condition:
    """Return a condition on the path."""
    return Condition(path=compile_globs(texts))


def agent(*texts: str) -> Condition:
    """Return a condition on the user agent, as settings make it: case aside."""
    return Condition(user_agent=compile_globs(texts, ignore_case=True))


def header(name: bytes, *, present: bool = True, value: str | None = None) -> Condition:
    """Return a condition on one header."""
    return Condition(header=(HeaderTest(name, present, None if value is None else compile_globs((value,))),))


NO_HEADERS: dict[bytes, bytes] = {}
OF_REQUEST = [
    # condition, request, whether it holds
    # nothing asked
    (Condition(), request(), True),
    # method
    (Condition(method=frozenset({"POST", "PUT"})), request(method="POST"), True),
    (Condition(method=frozenset({"POST"})), request(method="GET"), False),
    (Condition(method=frozenset({"POST"})), request(method="post"), False),
    # path: whole, case matters, the star crosses slashes
    (path("/search*"), request("/search"), True),
    (path("/search*"), request("/search/deep/er"), True),
    (path("/search"), request("/searching"), False),
    (path("/search"), request("/a/search"), False),
    (path("/search"), request("/Search"), False),
    (path("*.php"), request("/a/b.php"), True),
    (path("*.php"), request("/a/b.php.txt"), False),
    (path("/?"), request("/a"), True),
    (path("/[ab]"), request("/b"), True),
    (path("/[!ab]"), request("/b"), False),
    (path("/a", "/b"), request("/b"), True),
    (path("/a.c"), request("/abc"), False),
    (path("/a"), request("/a", query="b"), True),
    (path(""), request("/"), False),
    # path: the place and not its spelling
    (path("/login"), request("/%6Cogin"), True),
    (path("/login"), request("//login"), True),
    (path("/login"), request("/public/../login"), True),
    (path("/login"), request("/x/..;/login"), True),
    (path("/public/*"), request("/public/../login"), False),
    (path("/straße"), request("/stra%C3%9Fe"), True),
    (path("/login"), request("/")._replace(place="/login"), True),
    (path("/a*"), request("/a\nb"), True),
    # host
    (Condition(host=compile_globs(("*.example.org",))), request(host="www.example.org"), True),
    (Condition(host=compile_globs(("*.example.org",))), request(host="example.org"), False),
    (Condition(host=compile_globs(("EXAMPLE.org",), ignore_case=True)), request(host="example.ORG"), True),
    # user agent
    (agent("*FIREFOX*"), request(), True),
    (agent("curl/*", "wget/*"), request(headers={b"user-agent": b"Wget/1.25"}), True),
    (agent("curl/*"), request(headers={b"user-agent": b"libcurl/8"}), False),
    (agent("*"), request(headers=NO_HEADERS), True),
    (agent(""), request(headers=NO_HEADERS), True),
    (agent("?*"), request(headers=NO_HEADERS), False),
    (agent("*\xff*"), request(headers={b"user-agent": b"\xff"}), True),
    # header present, absent, blank (which counts as absent)
    (header(b"accept-language"), request(), True),
    (header(b"accept-language"), request(headers=NO_HEADERS), False),
    (header(b"accept-language"), request(headers={b"accept-language": b" \t"}), False),
    (header(b"accept-language", present=False), request(), False),
    (header(b"accept-language", present=False), request(headers=NO_HEADERS), True),
    (header(b"accept-language", present=False), request(headers={b"accept-language": b""}), True),
    # header by value
    (header(b"accept-language", value="en*"), request(), True),
    (header(b"accept-language", value="nl*"), request(), False),
    (header(b"accept-language", value="*"), request(headers=NO_HEADERS), False),
    # several tests: all of them
    (Condition(header=(HeaderTest(b"accept"), HeaderTest(b"cookie", present=False))), request(), True),
    (Condition(header=(HeaderTest(b"accept"), HeaderTest(b"cookie"))), request(), False),
    # all parts must hold
    (path("/")._replace(method=frozenset({"GET"})), request("/"), True),
    (path("/")._replace(method=frozenset({"POST"})), request("/"), False),
]


@pytest.mark.parametrize(("condition", "asked", "holds"), OF_REQUEST)
def test_what_the_request_tells(condition: Condition, asked: Request, holds: bool) -> None:  # noqa: FBT001 - a column of the table
    """Method, path, host, user agent and headers are asked; each alone can say no."""
    assert condition.fits_request(asked, Crawler.NONE) is holds


@pytest.mark.parametrize("crawler", Crawler)
def test_a_rule_can_ask_about_robots(crawler: Crawler) -> None:
    """An impostor is one who claims to be a robot from an address that does not confirm it."""
    impostor = Condition(crawler=frozenset({Crawler.IMPOSTOR}))
    assert impostor.fits_request(request(), crawler) is (crawler is Crawler.IMPOSTOR)
    assert Condition().fits_request(request(), crawler)


ASKS = [
    (Condition(), False),
    (Condition(asn=frozenset({1}), country=frozenset({"NL"}), network=networks("::/0")), False),
    (Condition(network_class=frozenset({"vpn"})), False),
    (path("/"), True),
    (Condition(host=compile_globs(("*",))), True),
    (Condition(method=frozenset({"GET"})), True),
    (agent("*"), True),
    (header(b"accept"), True),
    (Condition(crawler=frozenset({Crawler.NONE})), True),
]


@pytest.mark.parametrize(("condition", "asks"), ASKS)
def test_a_condition_knows_whether_it_needs_the_request(condition: Condition, asks: bool) -> None:  # noqa: FBT001 - a column of the table
    """What only asks the network is settled once per visitor."""
    assert condition.asks_request is asks


@given(conditions, visitors, requests, st.sampled_from(Crawler))
def test_any_condition_can_be_asked_of_anything(
    condition: Condition, who: Visitor, asked: Request, crawler: Crawler
) -> None:
    """Asking never raises and always answers yes or no."""
    assert condition.fits_visitor(who) in {True, False}
    assert condition.fits_request(asked, crawler) in {True, False}


@given(visitors, requests, st.sampled_from(Crawler))
def test_a_condition_without_parts_always_holds(who: Visitor, asked: Request, crawler: Crawler) -> None:
    """Who asks nothing gets everything."""
    assert Condition().fits_visitor(who)
    assert Condition().fits_request(asked, crawler)


@given(any_text)
def test_no_globs_match_nothing(text: str) -> None:
    """An empty list of exempt paths exempts no path."""
    assert compile_globs(()) is NOTHING
    assert compile_globs(()).match(text) is None


def naive_glob(glob: str, text: str) -> bool:
    """Match a glob of stars, question marks and letters the long way: a table of which prefixes fit."""
    fits = [True] + [False] * len(text)
    for letter in glob:
        if letter == "*":
            reached = False
            for index, fit in enumerate(fits):
                reached = reached or fit
                fits[index] = reached
        else:
            fits = [False] + [fit and letter in {"?", have} for fit, have in zip(fits, text, strict=False)]
    return fits[-1]


@given(
    st.lists(st.text(st.sampled_from("ab/*?."), max_size=8), min_size=1, max_size=3),
    st.text(st.sampled_from("ab/.\n"), max_size=12),
)
def test_globs_match_what_the_textbook_matches(written: list[str], text: str) -> None:
    """Stars, question marks and letters mean what they mean everywhere, from beginning to end, one of several."""
    expected = any(naive_glob(glob, text) for glob in written)
    assert (compile_globs(tuple(written)).match(text) is not None) is expected


@given(globs, any_text)
def test_any_glob_compiles_and_matches_or_not(written: tuple[str, ...], text: str) -> None:
    """Brackets that do not close, ranges that run backwards: whatever an operator writes is a pattern."""
    pattern = compile_globs(written, ignore_case=True)
    assert isinstance(pattern, re.Pattern)
    assert pattern.match(text) is None or pattern.fullmatch(text) is not None


HOSTILE_GLOBS = ["*a" * 50 + "b", "*?a" * 20 + "b", "*[ab]" * 20 + "c", "*" * 50 + "b", "*a*a*a*a*a*a*b*c*d"]


@pytest.mark.parametrize("glob", HOSTILE_GLOBS)
def test_many_stars_on_a_long_path_are_read_in_one_pass(glob: str) -> None:
    """A pattern of fifty stars fails on a hundred thousand letters at once; a backtracking one would take for ever."""
    assert compile_globs((glob,)).match("/" + "a" * 100_000) is None
