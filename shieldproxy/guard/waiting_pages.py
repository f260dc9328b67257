"""Waiting pages: what people read while they stand in line, one page for each language, cut where each differs."""

from __future__ import annotations

from html import escape
from typing import NamedTuple

from shieldproxy.guard.appearance import Appearance
from shieldproxy.guard.formats import Format
from shieldproxy.guard.notices import help_html
from shieldproxy.guard.phrasebook import Phrasebook, Phrases
from shieldproxy.guard.replies import ALWAYS, Header, Reply
from shieldproxy.guard.templates import Cut, fill, keep, read_page, squeeze

# 'self' for what the script asks and for the form.
POLICY = (
    "default-src 'none'; script-src 'nonce-{{nonce}}'; style-src 'nonce-{{nonce}}'; img-src data:; "
    "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)


class Standing(NamedTuple):
    """Where somebody stands: the place (the first is 1), and when they are called and the page asks again.

    Both are seconds from now; ``expected`` is 0 where nobody can say.
    """

    place: int
    expected: int
    pause: int


class Waiting(NamedTuple):
    """What differs from visitor to visitor: ``target`` is a safe return, ``kept`` a sealed form or ''."""

    standing: Standing
    id: str
    target: str
    nonce: str
    kept: str = ""


class WaitingPages:
    """Keeps the pages, at most two for each language, each made when it is first asked for."""

    def __init__(self, appearance: Appearance, phrasebook: Phrasebook, own_path: str) -> None:
        self._appearance = appearance
        self._phrasebook = phrasebook
        self._own_path = own_path
        self._template = appearance.framed(read_page("waiting.html"))
        self._style = squeeze(f"{read_page('style.css')}\n{appearance.style}")
        self._script = squeeze(read_page("waiting.js"))
        self._security = Cut(POLICY)
        self._made: dict[tuple[str, bool], Cut] = {}

    def show(self, accept_language: bytes, waiting: Waiting) -> Reply:
        """Return the page: 503 with Retry-After, so that no search engine takes it for the site's own."""
        phrases, keeps, standing = self._phrasebook.speak(accept_language), bool(waiting.kept), waiting.standing
        page = self._made.get((phrases.language, keeps))
        if page is None:
            page = self._made[phrases.language, keeps] = self._make(phrases, keeps=keeps)
        name = waiting.id.encode()
        values = {
            "nonce": waiting.nonce.encode(),
            "told": escape(told(phrases, standing)).encode(),
            "again": escape(phrases.text("form").format(time=phrases.time(standing.pause))).encode(),
            "seconds": b"%d" % standing.pause,
            "to": escape(waiting.target).encode(),
            "kept": escape(waiting.kept).encode(),
            "id": name,
        }
        headers: tuple[Header, ...] = (
            (b"Content-Type", Format.HTML.value),
            (b"Content-Language", phrases.language.encode()),
            *ALWAYS,
            (b"Content-Security-Policy", self._security.fill(values)),
            (b"Retry-After", b"%d" % standing.pause),
            (b"X-Request-Id", name),
        )
        return Reply(503, headers, page.fill(values))

    def tell(self, accept_language: bytes, standing: Standing) -> str:
        """Return the sentence that says where somebody stands."""
        return told(self._phrasebook.speak(accept_language), standing)

    def _make(self, phrases: Phrases, *, keeps: bool) -> Cut:
        values = {
            "language": phrases.language,
            "direction": phrases.direction,
            "style": self._style,
            "script": self._script,
            "own": escape(self._own_path),
            "site": self._appearance.site_html(),
            "title": escape(phrases.text("line_title")),
            "text": escape(phrases.text("line")),
            "keeping": escape(phrases.text("line_kept")),
            "button": escape(phrases.text("again")),
            "help": help_html(phrases, self._appearance),
        }
        return Cut(fill(keep(self._template, ("kept" if keeps else "link",)), values))


def told(phrases: Phrases, standing: Standing) -> str:
    """Return the place in line and the time it is expected to take, where somebody can say."""
    place = f"{phrases.text('line_place').format(place=standing.place)}."
    if not standing.expected:
        return place
    return f"{place} {phrases.text('line_time').format(time=phrases.time(standing.expected))}"
