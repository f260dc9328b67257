"""The claim: two nodes on one machine do not take the table from each other."""

from __future__ import annotations

import os

import pytest

from shieldproxy.core.errors import OffloadError
from shieldproxy.offload.claim import Claim


def test_one_node_has_it_until_it_lets_go() -> None:
    """The second is told so, and gets it when the first has released it."""
    name = f"\0shieldproxy/test/{os.getpid()}"
    first, second = Claim(name), Claim(name)
    first.take()
    first.take()
    with pytest.raises(OffloadError, match="another node"):
        second.take()
    first.release()
    first.release()
    second.take()
    second.release()
