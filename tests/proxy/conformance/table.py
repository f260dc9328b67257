"""The whole table."""

from __future__ import annotations

from tests.proxy.conformance import framing, heads, turns
from tests.proxy.conformance.case import Case

TABLE: tuple[Case, ...] = (*framing.CASES, *heads.CASES, *turns.CASES)
