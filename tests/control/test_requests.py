"""What an operator's request carries: hostile bodies, times and reasons."""

from __future__ import annotations

import json
from typing import Any

import aiohttp
import pytest
from aiohttp.test_utils import make_mocked_request

from shieldproxy.control.problems import RefusalError
from shieldproxy.control.requests import MAX_BODY, count_of, key_of

JSON = {"Content-Type": "application/json"}


async def ask(operator: aiohttp.ClientSession, body: bytes, headers: dict[str, str]) -> tuple[int, dict[str, Any]]:
    async with operator.post("/api/v1/bans", data=body, headers=headers) as answer:
        assert answer.content_type == "application/problem+json"
        return answer.status, await answer.json()


@pytest.mark.parametrize(
    ("body", "status", "told"),
    [
        (b"", 400, "no JSON"),
        (b"{", 400, "no JSON"),
        (b"\xff\xfe", 400, "no JSON"),
        (b'{"key": NaN}', 400, "no JSON"),
        (b"[" * 8_000, 400, "no JSON"),
        (b"[]", 400, "one JSON object; allowed members: key, for, why"),
        (b'"192.0.2.1"', 400, "one JSON object"),
        (b"{}", 422, "key: is missing"),
        (b'{"key": 1}', 422, "key: must be text"),
        (b'{"key": "0.0.0.0/0"}', 422, "key: 0.0.0.0/0: wider than /8"),
        (b'{"key": "AS64500"}', 422, "write a rule"),
        (b'{"key": "192.0.2.1", "until": 3}', 422, "Unknown member 'until'; allowed: key, for, why"),
        (b'{"key": "192.0.2.1", "for": "soon"}', 422, 'for: "soon" is not allowed; allowed: a duration from 1s'),
        (b'{"key": "192.0.2.1", "for": 0}', 422, "for: 0 is not allowed"),
        (b'{"key": "192.0.2.1", "for": -5}', 422, "for: -5 is not allowed"),
        (b'{"key": "192.0.2.1", "for": true}', 422, "for: true is not allowed"),
        (b'{"key": "192.0.2.1", "for": 1e300}', 422, "for: 1e+300 is not allowed"),
        (b'{"key": "192.0.2.1", "for": [1]}', 422, "for: a list of 1 is not allowed"),
        (b'{"key": "192.0.2.1", "why": "a\\nb"}', 422, "why: "),
        (b'{"key": "192.0.2.1", "why": "' + b"x" * 201 + b'"}', 422, "up to 200 characters"),
        (b'{"key": "192.0.2.1", "why": 7}', 422, "why: 7 is not allowed"),
        (b" " * (MAX_BODY + 1), 413, f"allowed: {MAX_BODY} bytes"),
    ],
)
async def test_a_bad_order_is_refused_with_what_is_allowed(
    operator: aiohttp.ClientSession, body: bytes, status: int, told: str
) -> None:
    """Whatever the body holds, the answer is a problem that says what is wrong, and nobody is banned."""
    found, problem = await ask(operator, body, JSON)
    assert found == status
    assert told in problem["detail"]
    async with operator.get("/api/v1/bans") as answer:
        assert (await answer.json())["total"] == 0


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"])
async def test_a_form_is_not_json(operator: aiohttp.ClientSession, kind: str) -> None:
    """What a plain HTML form could send is refused by its type."""
    status, problem = await ask(operator, b'{"key": "192.0.2.1"}', {"Content-Type": kind})
    assert status == 415
    assert "application/json" in problem["detail"]


async def test_times_are_words_or_seconds(operator: aiohttp.ClientSession) -> None:
    """A time is written as in config.toml, or in seconds; without one a ban holds an hour."""
    for given, seconds in (("10m", 600), (90, 90), ("1h30m", 5_400), (None, 3_600)):
        order: dict[str, object] = {"key": "192.0.2.9"} | ({} if given is None else {"for": given})
        async with operator.post("/api/v1/bans", data=json.dumps(order), headers=JSON) as answer:
            assert answer.status == 201
            assert (await answer.json())["ban"]["remaining"] == seconds
        async with operator.delete("/api/v1/bans/192.0.2.9") as answer:
            assert answer.status == 200


@pytest.mark.parametrize("written", ["0", "101", "-1", "x", "", "1e1", "٣", "9" * 5_000])
def test_a_count_is_a_number_in_its_range(written: str) -> None:
    """A count outside its range, or no number, is refused with the range."""
    request = make_mocked_request("GET", f"/api/v1/top?count={written}")
    with pytest.raises(RefusalError, match="whole number from 1 to 100"):
        count_of(request, "count", 10, 100)


def test_a_key_must_be_text() -> None:
    """A key of another type is refused."""
    with pytest.raises(RefusalError, match="must be text"):
        key_of(["192.0.2.1"])
