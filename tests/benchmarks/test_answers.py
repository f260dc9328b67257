"""Wrong answers, as an attacker sends them."""

from __future__ import annotations

import base64
import http.client
import json
from typing import TYPE_CHECKING

import pytest

from benchmarks.answers import ANSWER_PATH, foreign_answer, forged_answer, puzzle_of
from benchmarks.loopback import NotLoopbackError, loopback_target
from benchmarks.node import Node
from benchmarks.peers.shieldproxy import CHALLENGE, STRANGERS

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

from benchmarks.cores import available_cores


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Node]:
    folder: Path = tmp_path_factory.mktemp("node")
    with Node(folder, available_cores(), server=STRANGERS, more=CHALLENGE) as running:
        yield running


def posted(url: str, form: str) -> str:
    target = loopback_target(url)
    connection = http.client.HTTPConnection(target.host, target.port, timeout=10)
    connection.request("POST", ANSWER_PATH, body=form, headers={"X-Forwarded-For": "198.51.101.9"})
    answer = connection.getresponse()
    text = answer.read().decode()
    connection.close()
    assert answer.status == 403
    return text


def test_each_is_refused_for_what_it_is(node: Node) -> None:
    """A forged answer fails by its signature, a foreign one only by its owner: so the judge goes as far as meant."""
    assert "forged" in posted(node.url, forged_answer(node.url))
    assert "foreign" in posted(node.url, foreign_answer(node.url))


def test_a_foreign_answer_holds_a_puzzle_as_it_was_given(node: Node) -> None:
    """Nothing of a real puzzle is changed."""
    document = json.loads(base64.b64decode(foreign_answer(node.url)))
    assert set(document["challenge"]) == {"parameters", "signature"} == set(puzzle_of(node.url))


def test_puzzles_are_taken_from_this_machine_only() -> None:
    """The guard of all generators stands here too."""
    with pytest.raises(NotLoopbackError):
        puzzle_of("http://192.0.2.1/")
