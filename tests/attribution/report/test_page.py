from __future__ import annotations

from html.parser import HTMLParser
from pathlib import Path
from typing import Any

from shieldproxy.attribution.report.page import escaped, page
from shieldproxy.attribution.visits import Period
from tests.attribution.report.conftest import WHOLE, content_of

VOID = {"meta", "rect", "line"}


class Reading(HTMLParser):
    """Reads a page, and complains of what does not nest."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: list[tuple[str, dict[str, str | None]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def read(text: str) -> Reading:
    reading = Reading()
    reading.feed(text)
    assert reading.open == []
    return reading


def test_a_page_needs_nothing_else(content: dict[str, Any]) -> None:
    """No script, no image, no font, no address but those within it; and a policy that says so."""
    text = page(content)
    tags = read(text).seen
    assert not {"script", "img", "link", "iframe", "object", "form"} & {tag for tag, _ in tags}
    assert not any("src" in attributes for _, attributes in tags)
    assert all(str(attributes["href"]).startswith("#") for _, attributes in tags if "href" in attributes)
    assert "url(" not in text
    assert "http://" not in text
    assert "https://" not in text
    assert "default-src 'none'" in text


def test_nothing_a_client_sent_is_markup(content: dict[str, Any]) -> None:
    """Paths, names and user agents are text, with what does not print written out."""
    text = page(content)
    assert "<script" not in text
    assert "\x1b" not in text
    assert "\u202e" not in text
    assert "&lt;script&gt;alert(1)&lt;/script&gt;\\x1b[31m\\u202e&quot;&#x27;&amp;" in text


def test_a_page_can_be_read_by_all(content: dict[str, Any]) -> None:
    """One h1, headings in order, tables with captions and headers, parts that are named and reachable by keyboard."""
    tags = read(page(content)).seen
    names = [tag for tag, _ in tags]
    assert names.count("h1") == 1
    assert names.count("table") == names.count("caption")
    assert ("html", {"lang": "en"}) in tags
    for tag, attributes in tags:
        if tag == "th":
            assert attributes.get("scope") in {"col", "row"}
        if attributes.get("class") == "scroll":
            assert attributes.get("tabindex") == "0"
            assert attributes.get("aria-label")
    anchors = {str(attributes["href"])[1:] for tag, attributes in tags if tag == "a"}
    assert anchors == {attributes["id"] for tag, attributes in tags if tag == "h2"}


def test_an_empty_month_is_a_page(journal: Path) -> None:
    """With a sentence on it."""
    assert "no record" in page(content_of(journal, Period(WHOLE.until, WHOLE.until + 1)))


def test_escaping_is_for_text_and_attributes() -> None:
    """Quotes too."""
    assert escaped("\"<a>'\n") == "&quot;&lt;a&gt;&#x27;\\x0a"
