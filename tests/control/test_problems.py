"""Problem documents and plain JSON."""

from __future__ import annotations

import json

import pytest

from shieldproxy.control.node import Origin, Status
from shieldproxy.control.problems import RefusalError, json_answer, plain, title


def test_a_refusal_is_a_problem_document() -> None:
    """A refusal carries its status, a sentence and further members, under the standard's media type."""
    answer = RefusalError(422, "key: is missing.", {"X-Further": "1"}, member="key").answer()
    assert answer.status == 422
    assert answer.content_type == "application/problem+json"
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["X-Further"] == "1"
    assert isinstance(answer.body, bytes)
    assert json.loads(answer.body) == {
        "type": "about:blank",
        "title": title(422),
        "status": 422,
        "detail": "key: is missing.",
        "member": "key",
    }


def test_named_tuples_are_objects_all_the_way_down() -> None:
    """Values of the node become objects and lists, also inside each other."""
    fields = plain(Status(origin=Origin("http://a", up=True), listen=("x",)))
    assert fields["origin"] == {"url": "http://a", "up": True, "detail": ""}
    assert fields["listen"] == ["x"]
    assert isinstance(json_answer(Status()).body, bytes)


@pytest.mark.parametrize(("status", "phrase"), [(401, "Unauthorized"), (799, "Error")])
def test_a_status_has_its_phrase(status: int, phrase: str) -> None:
    """A status the standard does not know is an error all the same."""
    assert title(status) == phrase
