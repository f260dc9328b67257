"""A node for a row of the table."""

from __future__ import annotations

import urllib.request
from typing import TYPE_CHECKING

import pytest

from benchmarks.cores import available_cores
from benchmarks.node import Node
from benchmarks.processes import StartError

if TYPE_CHECKING:
    from pathlib import Path


def test_starts_counts_and_ends(tmp_path: Path) -> None:
    """It says when it was ready, its metrics are read, and its journal holds each request once it has ended."""
    with Node(
        tmp_path, available_cores(), more='[[rules]]\nname = "all"\nwhen = { path = "/x" }\naction = "refuse"'
    ) as node:
        for _ in range(3):
            with pytest.raises(urllib.error.HTTPError, match="403"):
                urllib.request.urlopen(node.url + "/x", timeout=10)
        assert node.ready_s > 0
        assert node.counters()["shieldproxy_requests_total"] == 3
    assert node.weights().total() == 3
    assert node.weights()["all"] == 3


def test_says_why_it_did_not_start(tmp_path: Path) -> None:
    """The last words of a node that refuses its configuration."""
    with pytest.raises(StartError, match="did not start"), Node(tmp_path, available_cores(), server="nonsense = 1"):
        pass
