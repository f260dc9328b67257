"""The few things a visitor is told when a request is not served."""

from __future__ import annotations

import base64
import hashlib
import json
import re

import pytest

from shieldproxy.guard.appearance import Appearance
from shieldproxy.guard.formats import Format
from shieldproxy.guard.notices import Notices, word_for
from shieldproxy.guard.phrasebook import Phrasebook

BOOK = Phrasebook()
NOTICES = Notices(Appearance(contact="help@example.org", title="The <Office>"))
STATUSES = (400, 403, 404, 405, 408, 413, 414, 421, 429, 431, 500, 501, 502, 503, 504, 505)


def write(form: Format, *, word: str = "throttled", status: int = 429, seconds: int = 12, language: str = "en") -> str:
    """Return a notice with an ID in it."""
    return NOTICES.write(word, status, seconds, form, BOOK.of(language)).fill({"id": b"ID-1"}).decode()


@pytest.mark.parametrize("status", STATUSES)
@pytest.mark.parametrize("form", list(Format))
def test_every_status_is_told_in_every_language(status: int, form: Format) -> None:
    """There is a sentence for each status we send, with the contact and the ID, and no slot is left open."""
    for language in BOOK.languages:
        told = write(form, word=word_for(status), status=status, language=language)
        assert "ID-1" in told
        assert "help@example.org" in told
        assert "{" not in re.sub(r"<style>.*?</style>", "", told, flags=re.DOTALL).strip("{")


def test_a_page_is_one_file_that_asks_for_nothing() -> None:
    """No script, no image, no style sheet, no icon from elsewhere; the style is the one that the policy allows."""
    page = write(Format.HTML)
    assert "<script" not in page
    assert re.findall(r'(?:src|href)="(?!mailto:|data:)', page) == []
    style = page.partition("<style>")[2].partition("</style>")[0]
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest())
    assert b"style-src 'sha256-" + digest + b"'" in NOTICES.policy
    assert b"default-src 'none'" in NOTICES.policy
    assert len(page.encode()) < 5_000


def test_a_page_names_its_language_and_direction() -> None:
    """Screen readers and right-to-left readers are served."""
    assert '<html lang="ar" dir="rtl">' in write(Format.HTML, language="ar")
    assert '<html lang="mt" dir="ltr">' in write(Format.HTML, language="mt")


def test_what_the_operator_wrote_is_text() -> None:
    """A name with angle brackets is no markup."""
    page = write(Format.HTML)
    assert "The &lt;Office&gt;" in page
    assert "<Office>" not in page


def test_a_problem_is_json_with_the_phrase_of_its_status() -> None:
    """Programs get RFC 9457: type, title, status, detail, and what to do."""
    assert json.loads(write(Format.JSON)) == {
        "type": "about:blank",
        "title": "Too Many Requests",
        "status": 429,
        "detail": BOOK.of("en").text("throttled") + " Please try again in 12\u00a0s.",
        "request_id": "ID-1",
        "retry_after": 12,
        "contact": "help@example.org",
    }


def test_a_wait_that_is_not_known_is_not_told() -> None:
    """Without a time there is no sentence about it and no retry_after."""
    assert "retry_after" not in write(Format.JSON, word="refused", status=403, seconds=0)
    assert "try again in" not in write(Format.TEXT, word="refused", status=403, seconds=0)


def test_without_a_contact_the_operator_is_named() -> None:
    """A visitor is never told to write to nobody."""
    told = Notices(Appearance()).write("refused", 403, 0, Format.TEXT, BOOK.of("en")).fill({"id": b"ID-1"}).decode()
    assert told.endswith("Contact the operator of this website and quote this number: ID-1\n")
