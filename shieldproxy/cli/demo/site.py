"""The site that is protected: the pages of a small town's office, served on loopback, counting who reaches them."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import Awaitable, Callable
from html import escape

from aiohttp import web

from shieldproxy.cli.demo.loopback import loopback

TOWN = "Stadt Beispielhausen"

# A search asks a database; this is how long a small one takes.
SEARCH_SECONDS = 0.02

PAGES = {
    "/": ("Welcome", "The town hall is open. Most things can be done from home."),
    "/appointments": ("Appointments", "Passports, registrations and weddings: choose a day and an office."),
    "/forms": ("Forms", "Report a move, a broken street light or a lost dog."),
    "/news": ("News", "The swimming pool opens on Saturday. The market moves to the church square."),
}
PARTS = {
    "/static/site.css": ("style", "text/css", b"body{font:1rem/1.5 sans-serif;max-width:50rem;margin:auto}\n" * 40),
    "/static/print.css": ("style", "text/css", b"nav{display:none}\n" * 20),
    "/static/site.js": ("script", "text/javascript", b"document.documentElement.classList.add('js');\n" * 60),
    "/static/arms.svg": ("image", "image/svg+xml", b"<svg xmlns='http://www.w3.org/2000/svg'/>" + b" " * 3_000),
    "/static/hall.png": ("image", "image/png", b"\x89PNG\r\n\x1a\n" + bytes(12_000)),
    "/favicon.ico": ("image", "image/x-icon", bytes(1_150)),
}
HOURS = {"monday": "8-16", "tuesday": "8-18", "wednesday": "8-12", "thursday": "8-18", "friday": "8-12"}
FEED = (
    '<?xml version="1.0"?><feed xmlns="http://www.w3.org/2005/Atom"><title>Stadt Beispielhausen</title>'
    "<id>urn:beispielhausen</id><updated>2026-11-24T08:00:00Z</updated></feed>"
)


Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Site:
    """The site and its counters. ``attacker`` tells whether an address belongs to the botnet.

    ``reached`` counts requests by "attack" and "citizens", ``busy`` is how many are being answered now, ``most_busy``
    the most there ever were.
    """

    def __init__(self, attacker: Callable[[str], bool]) -> None:
        self.reached: Counter[str] = Counter()
        self.busy = 0
        self.most_busy = 0
        self._attacker = attacker
        self._runner: web.AppRunner | None = None

    async def open(self, host: str, port: int) -> int:
        """Serve on ``host``; return the port, which was free when ``port`` is 0."""
        application = web.Application(middlewares=[self._count])
        application.router.add_get("/search", self._search)
        application.router.add_get("/feed.xml", self._feed)
        application.router.add_get("/api/opening-hours.json", self._hours)
        application.router.add_get("/robots.txt", self._robots)
        application.router.add_post("/forms", self._sent)
        for path in PAGES:
            application.router.add_get(path, self._page)
        for path in PARTS:
            application.router.add_get(path, self._part)
        self._runner = web.AppRunner(application, access_log=None, handle_signals=False, shutdown_timeout=1.0)
        await self._runner.setup()
        served = web.TCPSite(self._runner, loopback(host), port)
        await served.start()
        opened = self._runner.addresses[0]
        return int(opened[1])

    async def close(self) -> None:
        """Stop serving."""
        if self._runner is not None:
            await self._runner.cleanup()

    @web.middleware
    async def _count(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        # The shield wrote this header; what a client sent under its name never comes this far.
        client = request.headers.get("X-Forwarded-For", "").partition(",")[0]
        self.reached["attack" if self._attacker(client) else "citizens"] += 1
        self.busy += 1
        self.most_busy = max(self.most_busy, self.busy)
        try:
            return await handler(request)
        finally:
            self.busy -= 1

    async def _page(self, request: web.Request) -> web.Response:
        return page(*PAGES[request.path])

    async def _search(self, request: web.Request) -> web.Response:
        await asyncio.sleep(SEARCH_SECONDS)
        return page("Search", f"Nothing was found for {request.query.get('q', '')[:64]}.")

    async def _sent(self, request: web.Request) -> web.Response:
        await request.read()
        return page("Thank you", "Your message has arrived. We answer within three days.")

    async def _part(self, request: web.Request) -> web.Response:
        _, kind, content = PARTS[request.path]
        return web.Response(body=content, content_type=kind, headers={"Cache-Control": "max-age=86400"})

    async def _feed(self, _request: web.Request) -> web.Response:
        return web.Response(text=FEED, content_type="application/atom+xml")

    async def _hours(self, _request: web.Request) -> web.Response:
        return web.Response(text=json.dumps(HOURS), content_type="application/json")

    async def _robots(self, _request: web.Request) -> web.Response:
        return web.Response(text="User-agent: *\nDisallow: /search\n")


def page(title: str, text: str) -> web.Response:
    """Return a page of the town's."""
    links = " ".join(f'<a href="{path}">{escape(words[0])}</a>' for path, words in PAGES.items())
    parts = "".join(f'<link rel="stylesheet" href="{path}">' for path, (kind, _, _) in PARTS.items() if kind == "style")
    return web.Response(
        text=f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{title} - {TOWN}</title>{parts}'
        f'<script src="/static/site.js" defer></script></head><body><nav>{links}</nav>'
        f'<img src="/static/arms.svg" alt=""><h1>{title}</h1><p>{escape(text)}</p>{FILLER}</body></html>',
        content_type="text/html",
        headers={"Cache-Control": "no-cache"},
    )


# A page of an office is some kilobytes of text.
FILLER = "<p>Town hall, Marktplatz 1, 00000 Beispielhausen. We are glad to help you on the telephone.</p>" * 40
