"""The conformance table against the running door: no bytes make two parsers disagree behind it."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.proxy.conformance.case import Case
from tests.proxy.conformance.driver import PROBED, converse
from tests.proxy.conformance.table import TABLE
from tests.proxy.conformance.wire import StrictOrigin
from tests.proxy.conftest import Open


@pytest.fixture
async def strict_origin() -> AsyncIterator[StrictOrigin]:
    """An origin that objects to whatever could be read in two ways."""
    origin = await StrictOrigin().start()
    yield origin
    await origin.stop()


def test_the_table_has_its_size_and_no_promise_twice() -> None:
    """At least 150 cases, each with a name of its own."""
    promises = [case.promise for case in TABLE]
    assert len(promises) >= 150
    assert len(set(promises)) == len(promises)


@pytest.mark.parametrize("case", TABLE, ids=[case.promise for case in TABLE])
async def test_conformance(open_shield: Open, strict_origin: StrictOrigin, case: Case) -> None:
    """The client hears what the case says, the origin is told exactly what it says, and the next request is its own."""
    shield = await open_shield(strict_origin.port)
    heard = await converse(shield.port, case)
    assert heard.statuses == case.statuses
    assert not strict_origin.objections
    told = [str(seen) for seen in strict_origin.seen]
    if heard.probed:
        assert told.pop() == PROBED
    assert tuple(told) == case.received
    for status, body, request in zip(heard.statuses, heard.bodies, case.received, strict=False):
        if status == 200 and not request.startswith("HEAD"):
            assert body.decode("latin-1") == " ".join(request.split(" ")[:2])
    assert heard.probed == case.kept
