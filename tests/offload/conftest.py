"""What the tests of this room share: a network of their own, where the machine allows it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.lan import Lan, lan, missing


@pytest.fixture(name="lan")
def a_lan() -> Iterator[Lan]:
    """Two network namespaces; skipped where they cannot be made."""
    if missing():
        pytest.skip(missing())
    with lan() as made:
        yield made
