"""A real browser for tests: Debian's Chromium, driven by Playwright."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Browser, BrowserContext

from shieldproxy.core.policy import ChallengePolicy
from tests.fakes.gated_site import GatedSite

CHROMIUM = Path("/usr/bin/chromium")
# The last four keep the browser from calling home, which a closed network answers with delays.
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
# Far more work than any browser does in the seconds a test looks at the page.
NEVER = ChallengePolicy(cost=100_000_000)
# Work a slow test machine does in a blink: what these tests ask is where people land, not how long it takes.
QUICK = ChallengePolicy(cost=50, form_wait=1.0)
# Pictures of every state, for people to look at; .gitignore keeps them out of the repository.
PICTURES = Path(__file__).parent.parent / "artefacts" / "challenge"

# For pytestmark: one loop for all tests of a file, so that they share a browser; left out where there is none.
IN_CHROMIUM = [
    pytest.mark.skipif(not CHROMIUM.exists(), reason="chromium"),
    pytest.mark.asyncio(loop_scope="session"),
]


@asynccontextmanager
async def visit(
    browser: Browser, policy: ChallengePolicy = QUICK, **options: Any
) -> AsyncIterator[tuple[GatedSite, BrowserContext]]:
    """A site and a fresh browser profile with ``options``."""
    async with GatedSite(policy) as site:
        context = await browser.new_context(**options)
        try:
            yield site, context
        finally:
            await context.close()
