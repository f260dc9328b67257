"""The gate: which Host, which page, which token."""

from __future__ import annotations

import aiohttp
import pytest
from aiohttp.test_utils import make_mocked_request

from shieldproxy.control.gate import Gate
from shieldproxy.control.problems import RefusalError
from shieldproxy.settings.endpoints import Listen

TOKEN = "f" * 64
BEARER = f"Bearer {TOKEN}"
LOOPBACK = Listen("127.0.0.1", 9100)
EVERYWHERE = Listen("0.0.0.0", 9100)
SOCKET = Listen(path="/run/control.sock")


def status_of(listen: Listen, path: str, **headers: str) -> int:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    try:
        Gate(listen, TOKEN, ("shield",)).check(
            make_mocked_request("GET", path, headers={"Host": "localhost:9100", **named})
        )
    except RefusalError as refusal:
        return refusal.status
    return 200


@pytest.mark.parametrize("path", ["/", "/healthz", "/readyz", "/metrics"])
def test_what_shows_no_secrets_is_open_on_loopback(path: str) -> None:
    """Health, metrics and the empty page are asked without a token on the machine itself."""
    assert status_of(LOOPBACK, path) == 200
    assert status_of(SOCKET, path) == 200


@pytest.mark.parametrize("path", ["/api/v1/status", "/api/v1/bans", "/absent", "/%61pi/v1/status", "//", "/metrics/"])
def test_everything_else_needs_the_token(path: str) -> None:
    """Without the token nothing else is heard, whether it exists or not; with it everything is."""
    assert status_of(LOOPBACK, path) == 401
    assert status_of(LOOPBACK, path, Authorization=BEARER) == 200


def test_metrics_need_the_token_when_others_can_reach_them() -> None:
    """Off loopback the counters are for those who show the token; health stays open for load balancers."""
    assert status_of(EVERYWHERE, "/metrics") == 401
    assert status_of(EVERYWHERE, "/metrics", Authorization=BEARER) == 200
    assert status_of(EVERYWHERE, "/healthz") == 200


@pytest.mark.parametrize(
    "shown",
    ["", "Bearer", "Bearer ", f"Bearer {TOKEN}x", f"Bearer {TOKEN[:-1]}", f"Basic {TOKEN}", TOKEN, "Bearer \u00e9"],
)
def test_a_wrong_token_is_refused(shown: str) -> None:
    """Nothing but the whole token under the scheme Bearer opens the API."""
    assert status_of(LOOPBACK, "/api/v1/status", Authorization=shown) == 401


@pytest.mark.parametrize(
    ("listen", "host", "status"),
    [
        (LOOPBACK, "127.0.0.1:9100", 200),
        (LOOPBACK, "localhost", 200),
        (LOOPBACK, "LOCALHOST:1", 200),
        (LOOPBACK, "[::1]:9100", 200),
        (LOOPBACK, "evil.example:9100", 421),
        (LOOPBACK, "192.0.2.1:9100", 421),
        (LOOPBACK, "localhost.evil.example", 421),
        (LOOPBACK, "127.0.0.1.evil.example", 421),
        (LOOPBACK, "", 421),
        (EVERYWHERE, "192.0.2.1:9100", 200),
        (EVERYWHERE, "evil.example:9100", 421),
        (EVERYWHERE, "shield:9100", 200),
        (SOCKET, "anything", 200),
    ],
)
def test_a_page_that_rebinds_its_name_is_not_heard(listen: Listen, host: str, status: int) -> None:
    """Only our own names, this machine and, off loopback, bare addresses are answered; another name gets 421."""
    assert status_of(listen, "/api/v1/status", Authorization=BEARER, Host=host) == status


@pytest.mark.parametrize(
    "origin", ["http://evil.example", "null", "http://[", "http://localhost:9100.evil", "http://localhost:80"]
)
def test_another_sites_page_is_refused_even_with_the_token(origin: str) -> None:
    """A request that a browser sends for another page is refused, whatever it carries."""
    assert status_of(LOOPBACK, "/api/v1/status", Authorization=BEARER, Origin=origin) == 403


def test_our_own_page_is_heard() -> None:
    """The dashboard's own requests pass, by Origin and by Sec-Fetch-Site; a link to it from elsewhere opens it."""
    own = {"Origin": "http://localhost:9100", "Sec_Fetch_Site": "same-origin"}
    assert status_of(LOOPBACK, "/api/v1/status", Authorization=BEARER, **own) == 200
    assert status_of(LOOPBACK, "/", Sec_Fetch_Site="cross-site") == 200
    assert status_of(LOOPBACK, "/metrics", Sec_Fetch_Site="cross-site") == 403
    assert status_of(LOOPBACK, "/api/v1/status", Authorization=BEARER, Sec_Fetch_Site="same-site") == 403


def test_a_short_token_is_no_token() -> None:
    """A token that can be guessed does not start a control room."""
    with pytest.raises(ValueError, match="16 characters"):
        Gate(LOOPBACK, "secret")


async def test_the_wire_says_how_to_ask(anybody: aiohttp.ClientSession) -> None:
    """A refusal on the wire is a problem document with the scheme to use and no data."""
    async with anybody.get("/api/v1/status") as answer:
        problem = await answer.json()
    assert answer.status == 401
    assert answer.headers["WWW-Authenticate"].startswith("Bearer")
    assert answer.content_type == "application/problem+json"
    assert "control.token_file" in problem["detail"]
    assert "Access-Control-Allow-Origin" not in answer.headers
