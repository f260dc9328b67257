"""Challenge pages: one page for each language and occasion, made once and cut where each visitor's differs."""

from __future__ import annotations

import math
from enum import Enum
from html import escape
from typing import NamedTuple

from shieldproxy.core.policy import ChallengePolicy
from shieldproxy.guard.appearance import Appearance
from shieldproxy.guard.formats import Format
from shieldproxy.guard.notices import help_html
from shieldproxy.guard.phrasebook import Phrasebook, Phrases
from shieldproxy.guard.replies import ALWAYS, Header, Reply
from shieldproxy.guard.templates import Cut, fill, keep, read_page, squeeze

# 'self' for the two requests of the solver and for the form; the worker is made from a blob.
POLICY = (
    "default-src 'none'; script-src 'nonce-{{nonce}}'; style-src 'nonce-{{nonce}}'; worker-src blob:; "
    "img-src data:; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)


class Occasion(Enum):
    """Why the page is shown: its leading sentence, its status, and the parts it has."""

    FIRST = ("why", 503, ("work", "form", "ask"))
    UNSENT = ("why", 503, ("work", "form", "ask", "unsent"))
    EARLY = ("early", 503, ("form",))
    FAILED = ("failed", 403, ("form", "ask"))
    NO_COOKIE = ("cookies", 403, ("link",))
    PASSED = ("done", 200, ("link",))


class Offer(NamedTuple):
    """What one visitor is given to answer: a puzzle as JSON text, and the token of the form."""

    puzzle: bytes
    token: bytes


class Page(NamedTuple):
    """A page that is made but for what differs."""

    status: int
    headers: tuple[Header, ...]
    body: Cut


class ChallengePages:
    """Keeps the pages. At most languages x occasions are made, each when it is first asked for."""

    def __init__(self, appearance: Appearance, phrasebook: Phrasebook, policy: ChallengePolicy, own_path: str) -> None:
        self._appearance = appearance
        self._phrasebook = phrasebook
        self._policy = policy
        self._own_path = own_path
        self._template = read_page("challenge.html")
        self._style = squeeze(read_page("style.css"))
        self._solver = squeeze(read_page("solver.js"))
        self._made: dict[tuple[Occasion, str], Page] = {}
        self._security = Cut(POLICY)

    def show(  # noqa: PLR0913 - what differs from visitor to visitor
        self,
        occasion: Occasion,
        accept_language: bytes,
        offer: Offer,
        request_id: str,
        target: str,
        *,
        nonce: str,
        wait: int,
    ) -> Reply:
        """Return the page. ``target`` is a safe return, ``nonce`` hexadecimal chance; ``wait`` seconds, 0: not told."""
        phrases = self._phrasebook.speak(accept_language)
        page = self._made.get((occasion, phrases.language)) or self._keep(occasion, phrases)
        name = request_id.encode()
        values = {
            "nonce": nonce.encode(),
            "puzzle": offer.puzzle,
            "token": offer.token,
            "to": escape(target).encode(),
            "id": name,
        }
        if occasion is Occasion.EARLY:
            values["time"] = phrases.time(wait).encode()
        headers = (
            *page.headers,
            (b"Content-Security-Policy", self._security.fill(values)),
            (b"X-Request-Id", name),
        )
        if wait:
            headers = (*headers, (b"Retry-After", b"%d" % wait))
        if occasion is Occasion.PASSED:
            headers = (*headers, (b"Refresh", b"0;url=" + target.encode()))
        return Reply(page.status, headers, page.body.fill(values))

    def _keep(self, occasion: Occasion, phrases: Phrases) -> Page:
        headers = ((b"Content-Type", Format.HTML.value), (b"Content-Language", phrases.language.encode()), *ALWAYS)
        made = Page(occasion.value[1], headers, self._make(occasion, phrases))
        self._made[occasion, phrases.language] = made
        return made

    def _make(self, occasion: Occasion, phrases: Phrases) -> Cut:
        lead, _, sections = occasion.value
        offered = set(sections)
        if "proof-of-work" not in self._policy.kinds:
            offered.discard("work")
        if "form" not in self._policy.kinds:
            offered -= {"form", "ask"}
            if "work" not in offered:
                offered.add("link")
        template = keep(self._template, offered)
        values = {name: escape(phrases.text(name)) for name in PLAIN}
        values["form"] = escape(phrases.text("form").format(time=phrases.time(math.ceil(self._policy.form_wait))))
        values["label"] = values["button" if occasion is Occasion.PASSED else "again"]
        values["lead"] = escape(phrases.text(lead)).replace("{time}", "{{time}}")
        values |= {
            "language": phrases.language,
            "direction": phrases.direction,
            "style": self._style,
            "solver": self._solver,
            "own": escape(self._own_path),
            "site": self._appearance.site_html(),
            "text": self._appearance.text_html(),
            "help": help_html(phrases, self._appearance),
        }
        return Cut(fill(template, values))


# Sentences that go into the page as they are.
PLAIN = ("title", "unsent", "working", "done", "failed", "cookies", "again", "button")
