"""The short replies to our own script and form."""

from __future__ import annotations

import json

from shieldproxy.guard.answers import problem, redirect, well


def test_a_problem_may_carry_a_new_puzzle() -> None:
    """The script reads what happened and, where another try makes sense, what to solve next."""
    reply = problem(403, "expired", b'{"parameters":{}}', "ID-1")
    assert (b"Content-Type", b"application/problem+json") in reply.headers
    assert json.loads(reply.body) == {
        "type": "about:blank",
        "title": "Forbidden",
        "status": 403,
        "outcome": "expired",
        "request_id": "ID-1",
        "puzzle": {"parameters": {}},
    }
    assert "puzzle" not in json.loads(problem(400, "garbled", b"", "ID-1").body)


def test_all_is_well_in_json() -> None:
    """What the script waits for, kept in no cache, with the cookie it earned."""
    reply = well("ID-1", (b"Set-Cookie", b"a=b"))
    assert json.loads(reply.body) == {"ok": True}
    assert {(b"Set-Cookie", b"a=b"), (b"Cache-Control", b"no-store")} <= set(reply.headers)


def test_a_redirect_turns_a_form_into_a_get() -> None:
    """303, so that a browser never sends the form a second time."""
    reply = redirect("/x?y=1", "ID-1")
    assert (reply.status, reply.body) == (303, b"")
    assert (b"Location", b"/x?y=1") in reply.headers
