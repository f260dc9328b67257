"""The conformance table against the running door: no bytes make two parsers disagree behind it."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.proxy.conformance.case import Case
from tests.proxy.conformance.driver import PROBED, Heard, converse
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


# With copies of pages for an origin that fails, another exchange does the work; it copies what is asked for again.
@pytest.mark.parametrize(("terms", "times"), [({}, 1), ({"stale_if_error": 600.0}, 3)], ids=["plain", "keeping copies"])
@pytest.mark.parametrize("case", TABLE, ids=[case.promise for case in TABLE])
async def test_conformance(
    open_shield: Open, strict_origin: StrictOrigin, case: Case, terms: dict[str, object], times: int
) -> None:
    """The client hears what the case says, the origin is told exactly what it says, and the next request is its own."""
    shield = await open_shield(strict_origin.port, terms=terms)
    for _ in range(times):
        strict_origin.clear()
        check(case, await converse(shield.port, case), strict_origin)


def check(case: Case, heard: Heard, origin: StrictOrigin) -> None:
    """Compare what was heard and told with what the case says."""
    assert heard.statuses == case.statuses
    assert not origin.objections
    told = [str(seen) for seen in origin.seen]
    if heard.probed:
        assert told.pop() == PROBED
    assert tuple(told) == case.received
    for status, body, request in zip(heard.statuses, heard.bodies, case.received, strict=False):
        if status == 200 and not request.startswith("HEAD"):
            assert body.decode("latin-1") == " ".join(request.split(" ")[:2])
    assert heard.probed == case.kept
