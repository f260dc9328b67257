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
from shieldproxy.guard.proofs import Offer
from shieldproxy.guard.replies import ALWAYS, Header, Reply
from shieldproxy.guard.templates import Cut, fill, keep, read_page, squeeze

# 'self' for the two requests of the solver and for the form; the worker is made from a blob.
POLICY = (
    "default-src 'none'; script-src 'nonce-{{nonce}}'; style-src 'nonce-{{nonce}}'; worker-src blob:; "
    "img-src data:; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)


# A form that is sent on may be answered with a redirect to anywhere (a payment, a sign-in), as it might have been at
# once; the browser holds that against form-action.
POLICY_OF_SENDING = POLICY.replace("form-action 'self'", "form-action 'self' https: http:")


class Occasion(Enum):
    """Why the page is shown: its leading sentence, its status, and the parts it has."""

    FIRST = ("why", 503, ("work", "form", "ask"))
    UNSENT = ("why", 503, ("work", "form", "ask", "unsent"))
    EARLY = ("early", 503, ("form",))
    FAILED = ("failed", 403, ("form", "ask"))
    NO_COOKIE = ("cookies", 403, ("link",))
    PASSED = ("done", 200, ("link",))
    SEND_ON = ("send_on", 200, ("send",))
    LOST = ("lost", 200, ("link",))


class Shown(NamedTuple):
    """What differs from visitor to visitor.

    ``target`` is a safe return, ``nonce`` hexadecimal chance; ``wait`` seconds, 0: not told. ``kept`` is a sealed form,
    ``fields`` the fields of one that is sent on, as HTML.
    """

    offer: Offer
    id: str
    target: str
    nonce: str
    wait: int = 0
    kept: str = ""
    fields: str = ""


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
        self._template = appearance.framed(read_page("challenge.html"))
        self._style = squeeze(f"{read_page('style.css')}\n{appearance.style}")
        self._solver = squeeze(read_page("solver.js"))
        self._made: dict[tuple[Occasion, str, bool], Page] = {}
        self._security = {occasion: Cut(POLICY) for occasion in Occasion} | {Occasion.SEND_ON: Cut(POLICY_OF_SENDING)}

    def show(self, occasion: Occasion, accept_language: bytes, shown: Shown) -> Reply:
        """Return the page, in the language that the header likes best."""
        phrases = self._phrasebook.speak(accept_language)
        keeps = bool(shown.kept)
        page = self._made.get((occasion, phrases.language, keeps)) or self._keep(occasion, phrases, keeps=keeps)
        name, wait = shown.id.encode(), shown.wait
        values = {
            "nonce": shown.nonce.encode(),
            "puzzle": shown.offer.puzzle,
            "token": shown.offer.token,
            "to": escape(shown.target).encode(),
            "kept": escape(shown.kept).encode(),
            "fields": shown.fields.encode(),
            "id": name,
        }
        if occasion is Occasion.EARLY:
            values["time"] = phrases.time(wait).encode()
        headers = (
            *page.headers,
            (b"Content-Security-Policy", self._security[occasion].fill(values)),
            (b"X-Request-Id", name),
        )
        if wait:
            headers = (*headers, (b"Retry-After", b"%d" % wait))
        if occasion is Occasion.PASSED:
            headers = (*headers, (b"Refresh", b"0;url=" + shown.target.encode()))
        return Reply(page.status, headers, page.body.fill(values))

    def _keep(self, occasion: Occasion, phrases: Phrases, *, keeps: bool) -> Page:
        headers = ((b"Content-Type", Format.HTML.value), (b"Content-Language", phrases.language.encode()), *ALWAYS)
        made = Page(occasion.value[1], headers, self._make(occasion, phrases, keeps=keeps))
        self._made[occasion, phrases.language, keeps] = made
        return made

    def _make(self, occasion: Occasion, phrases: Phrases, *, keeps: bool) -> Cut:
        lead, _, sections = occasion.value
        offered = {*sections, "kept"} if keeps else set(sections)
        if "proof-of-work" not in self._policy.kinds:
            offered.discard("work")
        if "form" not in self._policy.kinds:
            offered -= {"form", "ask"}
            if "work" not in offered and "send" not in offered:
                offered.add("link")
        template = keep(self._template, offered)
        values = {name: escape(phrases.text(name)) for name in PLAIN}
        values["form"] = escape(phrases.text("form").format(time=phrases.time(math.ceil(self._policy.form_wait))))
        values["label"] = values["button" if occasion in (Occasion.PASSED, Occasion.LOST) else "again"]
        values["keeping"] = escape(phrases.text("kept"))
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
