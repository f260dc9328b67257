"""What holds for a site nobody tuned."""

from __future__ import annotations

import pytest

from shieldproxy.core.facts import Crawler, NetworkLabel, Posture, Request, Visitor
from shieldproxy.core.policy import Policy, standing
from shieldproxy.settings.compiling import compile_policy
from shieldproxy.settings.protection import standard_sections
from shieldproxy.settings.reading import load

BROWSER = {
    b"user-agent": b"Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
    b"accept": b"text/html,*/*;q=0.8",
    b"accept-language": b"de-CH,de;q=0.8",
}
CURL = {b"user-agent": b"curl/8.5.0", b"accept": b"*/*"}
GO = {b"user-agent": b"Go-http-client/1.1"}
REQUESTS = {b"user-agent": b"python-requests/2.32", b"accept": b"*/*"}
SILENT = {b"host": b"www.example.org"}


@pytest.fixture(scope="module")
def policy() -> Policy:
    """The built-in policy."""
    return compile_policy(load(None))


def suspicion(policy: Policy, headers: dict[bytes, bytes], network_class: str, crawler: Crawler = Crawler.NONE) -> int:
    """Return the sum of weights of a request with ``headers`` from a network of ``network_class``."""
    visitor = Visitor("192.0.2.1", "192.0.2.1", "192.0.2.0/24", "", NetworkLabel(1, "", "CH", network_class))
    request = Request("GET", "www.example.org", "/", "", "1.1", headers)
    return sum(rule.weight for rule in standing(policy, visitor).rules if rule.when.fits_request(request, crawler))


@pytest.mark.parametrize(
    ("headers", "network_class", "expected"),
    [
        (BROWSER, "other", 0),
        (BROWSER, "carrier", 0),
        (BROWSER, "vpn", 30),
        (BROWSER, "hosting", 30),
        (CURL, "other", 70),
        (CURL, "hosting", 100),
        (REQUESTS, "hosting", 100),
        (GO, "other", 100),
        (SILENT, "other", 130),
    ],
)
def test_weights_tell_programs_from_browsers(
    policy: Policy, headers: dict[bytes, bytes], network_class: str, expected: int
) -> None:
    """A browser at home has none, a program on a rented server reaches the threshold in calm."""
    assert suspicion(policy, headers, network_class) == expected


def test_a_network_class_alone_challenges_nobody(policy: Policy) -> None:
    """Offices and VPN users sit in such networks: one person in six, so the class alone is never enough."""
    weight = suspicion(policy, BROWSER, "vpn")

    assert all(weight < policy.challenge.threshold(posture) for posture in Posture)


def test_a_false_search_engine_is_challenged_at_once(policy: Policy) -> None:
    """A claim that the address denies is enough in calm."""
    assert suspicion(policy, BROWSER, "other", Crawler.IMPOSTOR) >= policy.challenge.threshold(Posture.CALM)


def test_each_rule_says_why_and_none_acts_by_itself(policy: Policy) -> None:
    """Built-in rules only weigh, and people can read them."""
    assert all(rule.why and rule.action is None and rule.weight > 0 for rule in policy.rules)


def test_nothing_is_exempt_by_itself(policy: Policy) -> None:
    """An exemption is the operator's."""
    assert policy.exempt.clients == ()
    assert policy.exempt.paths is None


def test_the_standard_is_a_copy() -> None:
    """What is done to one document does not reach the next."""
    standard_sections()["limits"]["client"]["rate"] = 0
    standard_sections()["rules"].clear()

    assert standard_sections()["limits"]["client"]["rate"] == 10
    assert standard_sections()["rules"]
