"""Notices: the few things a visitor is told when a request is not served, written out in each form."""

from __future__ import annotations

import base64
import hashlib
import json
from html import escape
from http import HTTPStatus

from shieldproxy.guard.appearance import Appearance
from shieldproxy.guard.formats import Format
from shieldproxy.guard.phrasebook import Phrases
from shieldproxy.guard.templates import Cut, fill, keep, read_page, squeeze

# Status -> the sentences of texts.toml that tell it. What is not named is told by its class.
WORDS = {
    403: "refused",
    404: "missing",
    405: "missing",
    413: "too_long",
    414: "too_long",
    421: "misdirected",
    429: "throttled",
    431: "too_long",
}


def word_for(status: int) -> str:
    """Return which notice tells ``status``: a name in texts.toml, with ``_title`` for its heading."""
    return WORDS.get(status, "malformed" if status < 500 else "unavailable")


class Notices:
    """Writes notices. Everything is filled in but the request's own ID, so that an answer is two pieces and an ID."""

    def __init__(self, appearance: Appearance) -> None:
        self._appearance = appearance
        self._style = squeeze(f"{read_page('style.css')}\n{appearance.style}")
        self._page = appearance.framed(read_page("notice.html"))
        digest = base64.b64encode(hashlib.sha256(self._style.encode()).digest()).decode()
        self.policy = (
            f"default-src 'none'; style-src 'sha256-{digest}'; img-src data:; "
            "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
        ).encode()

    def write(self, word: str, status: int, seconds: int, form: Format, phrases: Phrases) -> Cut:
        """Return the notice called ``word`` with one slot, ``id``. ``seconds`` until another try; 0: not told."""
        wait = phrases.text("wait").format(time=phrases.time(seconds)) if seconds else ""
        match form:
            case Format.HTML:
                return self._write_page(word, wait, phrases)
            case Format.JSON:
                return self._write_problem(word, status, seconds, wait, phrases)
            case Format.TEXT:
                return self._write_text(word, wait, phrases)

    def _write_page(self, word: str, wait: str, phrases: Phrases) -> Cut:
        template = keep(self._page, ("wait",) if wait else ())
        values = {
            "language": phrases.language,
            "direction": phrases.direction,
            "style": self._style,
            "site": self._appearance.site_html(),
            "title": escape(phrases.text(f"{word}_title")),
            "text": escape(phrases.text(word)),
            "wait": escape(wait),
            "help": help_html(phrases, self._appearance),
        }
        return Cut(fill(template, values))

    def _write_problem(self, word: str, status: int, seconds: int, wait: str, phrases: Phrases) -> Cut:
        """Return a problem of RFC 9457; the type is about:blank, so the title is the status phrase."""
        problem: dict[str, object] = {
            "type": "about:blank",
            "title": HTTPStatus(status).phrase,
            "status": status,
            "detail": f"{phrases.text(word)} {wait}".rstrip(),
            "request_id": "{{id}}",
        }
        if seconds:
            problem["retry_after"] = seconds
        if self._appearance.contact:
            problem["contact"] = self._appearance.contact
        return Cut(json.dumps(problem, ensure_ascii=False, separators=(",", ":")) + "\n")

    def _write_text(self, word: str, wait: str, phrases: Phrases) -> Cut:
        told = f"{phrases.text(word)} {wait}".rstrip()
        return Cut(f"{phrases.text(f'{word}_title')}\n\n{told}\n\n{help_text(phrases, self._appearance)} {{{{id}}}}\n")


def help_text(phrases: Phrases, appearance: Appearance) -> str:
    """Return the sentence that says whom to write to and announces the request's ID."""
    if not appearance.contact:
        return phrases.text("help_nobody")
    return phrases.text("help").format(contact=appearance.contact)


def help_html(phrases: Phrases, appearance: Appearance) -> str:
    """Return the same sentence as HTML, the contact as a link."""
    if not appearance.contact:
        return escape(phrases.text("help_nobody"))
    return escape(phrases.text("help")).format(contact=appearance.contact_html())
