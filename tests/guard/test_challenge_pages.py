"""The challenge page: small, whole, in the visitor's language, and the same for everybody but for what is theirs."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser

import pytest

from shieldproxy.core.policy import ChallengePolicy
from shieldproxy.core.puzzles import issue_text
from shieldproxy.guard.appearance import Appearance, colour_style
from shieldproxy.guard.challenge_pages import ChallengePages, Occasion, Shown
from shieldproxy.guard.phrasebook import Phrasebook
from shieldproxy.guard.proofs import Offer
from shieldproxy.guard.replies import Reply
from shieldproxy.guard.templates import read_page
from shieldproxy.settings.looks import DARK, LIGHT, LOOK_BYTES

BOOK = Phrasebook()
LOOK = Appearance(contact="help@example.org", title="Residents' Portal", text="We are sorry.")
OFFER = Offer(b'{"parameters":{"nonce":"00"},"signature":"11"}', b"00.1.2.33")
VOID = frozenset(("meta", "link", "input", "img", "br"))


def pages(policy: ChallengePolicy | None = None) -> ChallengePages:
    """Return the pages under a policy."""
    return ChallengePages(LOOK, BOOK, policy or ChallengePolicy(), "/.shieldproxy")


def show(
    occasion: Occasion = Occasion.FIRST,
    *,
    language: str = "en",
    target: str = "/a?b=1&c=2",
    policy: ChallengePolicy | None = None,
    kept: str = "",
) -> Reply:
    """Return one page."""
    return pages(policy).show(occasion, language.encode(), Shown(OFFER, "ID-1", target, "0a" * 16, 3, kept))


class Outline(HTMLParser):
    """Reads a page as a browser does and notes elements, attributes, and whether every element is closed."""

    def __init__(self, page: bytes) -> None:
        super().__init__()
        self.open: list[str] = []
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.feed(page.decode())
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note an element."""
        assert len({name for name, _ in attrs}) == len(attrs), tag
        self.found.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        """Every element ends where it should."""
        assert self.open.pop() == tag

    def all(self, tag: str) -> list[dict[str, str | None]]:
        """Return the attributes of all elements called ``tag``."""
        return [attributes for name, attributes in self.found if name == tag]


@pytest.mark.parametrize("occasion", list(Occasion))
def test_every_page_is_whole_and_small_in_every_language(occasion: Occasion) -> None:
    """Under 15 KB with its headers, all elements closed, no slot open, one heading, language and direction named."""
    for language in BOOK.languages:
        reply = show(occasion, language=language)
        head = sum(len(name) + len(value) + 4 for name, value in reply.headers)
        assert head + len(reply.body) < 15_000
        outline = Outline(reply.body)
        assert outline.open == []
        assert b"{{" not in reply.body
        assert b"<!--" not in reply.body
        assert len(outline.all("h1")) == len(outline.all("main")) == len(outline.all("title")) == 1
        assert outline.all("html") == [{"lang": language, "dir": "rtl" if language == "ar" else "ltr"}]
        assert reply.body.count(b"ID-1") == 1
        ids = [attributes["id"] for _, attributes in outline.found if "id" in attributes]
        assert len(set(ids)) == len(ids)


def test_the_page_asks_nobody_else_for_anything() -> None:
    """No address of another host, no meta refresh (WCAG F40), no icon to fetch, no handler or style in attributes."""
    for occasion in Occasion:
        page = show(occasion).body.decode()
        assert "http-equiv" not in page
        assert re.findall(r'(?:src|href|action)="(?!mailto:|data:,|/)', page) == []
        assert "//" not in re.sub(r"\s//.*", "", page.replace("</", ""))
        assert re.findall(r'\s(?:on\w+|style)="', page) == []


def test_the_policy_lets_only_our_own_script_and_style_run() -> None:
    """The nonce of the header stands on every script and style, and is that of the call."""
    reply = show()
    policy = dict(reply.headers)[b"Content-Security-Policy"].decode()
    nonce = "0a" * 16
    assert dict(part.strip().split(" ", 1) for part in policy.split(";")) == {
        "default-src": "'none'",
        "script-src": f"'nonce-{nonce}'",
        "style-src": f"'nonce-{nonce}'",
        "worker-src": "blob:",
        "img-src": "data:",
        "connect-src": "'self'",
        "form-action": "'self'",
        "base-uri": "'none'",
        "frame-ancestors": "'none'",
    }
    outline = Outline(reply.body)
    runs = [script for script in outline.all("script") if script.get("type") != "application/json"]
    assert [script["nonce"] for script in runs] == [style["nonce"] for style in outline.all("style")] == [nonce]


def test_the_puzzle_is_readable_data() -> None:
    """The script finds the puzzle as JSON and our paths beside it."""
    reply = show()
    data = next(item for item in Outline(reply.body).all("script") if item.get("id") == "puzzle")
    assert data["data-own"] == "/.shieldproxy"
    text = reply.body.partition(b'data-own="/.shieldproxy">')[2].partition(b"</script>")[0]
    assert json.loads(text) == json.loads(OFFER.puzzle)


def test_the_form_carries_token_and_target() -> None:
    """A visitor without scripts sends back what the page holds, and one button is all there is to press."""
    outline = Outline(show(target="/a?b=\"'<x>&c").body)
    assert outline.all("form") == [{"id": "form", "method": "post", "action": "/.shieldproxy/continue"}]
    hidden = [field for field in outline.all("input") if field["type"] == "hidden"]
    assert {field["name"]: field["value"] for field in hidden} == {
        "token": "00.1.2.33",
        "to": "/a?b=\"'<x>&c",
    }
    assert [field["value"] for field in outline.all("input") if field["type"] == "submit"] == ["Continue"]


def test_progress_is_told_to_screen_readers() -> None:
    """A progress bar with a name and bounds, and a live region for what happens."""
    outline = Outline(show().body)
    bar = next(attributes for attributes in outline.all("div") if attributes.get("role") == "progressbar")
    assert bar["aria-label"]
    assert (bar["aria-valuemin"], bar["aria-valuemax"], bar["aria-valuenow"]) == ("0", "100", "0")
    assert any(attributes.get("role") == "status" for attributes in outline.all("p"))


def test_the_status_tells_robots_to_come_later() -> None:
    """503 with Retry-After, so that no index takes the page for the site; kept in no cache."""
    reply = show()
    assert reply.status == 503
    headers = dict(reply.headers)
    assert headers[b"Retry-After"] == b"3"
    assert headers[b"Cache-Control"] == b"no-store"
    assert headers[b"X-Robots-Tag"] == b"noindex"


def test_who_comes_too_early_is_told_how_long() -> None:
    """The page names the seconds that are left and has the button again, without a script that would go round."""
    page = show(Occasion.EARLY).body
    assert "Please wait 3\u00a0s and press the button again" in page.decode()
    assert b'id="form"' in page
    assert b"<script" not in page


def test_who_keeps_no_cookies_is_told_so() -> None:
    """The page says what is missing and links to where the visitor wanted to go; nothing moves by itself."""
    reply = show(Occasion.NO_COOKIE)
    assert "did not keep the cookie" in reply.body.decode()
    assert [link["href"] for link in Outline(reply.body).all("a")] == ["/a?b=1&c=2", "mailto:help@example.org"]
    assert b"<script" not in reply.body
    assert b"Refresh" not in dict(reply.headers)


def test_who_passed_by_the_form_goes_on_at_once() -> None:
    """Zero seconds is no waiting (WCAG H76), and there is a link for browsers that do not follow."""
    reply = show(Occasion.PASSED)
    assert reply.status == 200
    assert dict(reply.headers)[b"Refresh"] == b"0;url=/a?b=1&c=2"


def test_the_sender_of_a_form_is_told_that_it_waits() -> None:
    """A challenged POST says that nothing was sent yet."""
    assert "Your form has not been sent yet" in show(Occasion.UNSENT).body.decode()
    assert "Your form has not been sent yet" not in show(Occasion.FIRST).body.decode()


def test_an_operator_may_offer_one_kind_alone() -> None:
    """Work without a form has no form, a form without work no script."""
    work = show(policy=ChallengePolicy(kinds=("proof-of-work",))).body
    assert b'id="form"' not in work
    assert b'id="puzzle"' in work
    form = show(policy=ChallengePolicy(kinds=("form",))).body
    assert b'id="form"' in form
    assert b"<script" not in form
    failed = show(Occasion.FAILED, policy=ChallengePolicy(kinds=("proof-of-work",))).body
    assert [link["href"] for link in Outline(failed).all("a")] == ["/a?b=1&c=2", "mailto:help@example.org"]


def test_the_operators_sentence_is_on_the_page() -> None:
    """Name, sentence and contact of the operator are shown."""
    page = show().body.decode()
    assert "We are sorry." in page
    assert "Residents&#x27; Portal" in page


def test_the_script_is_es2017() -> None:
    """Old phones read it: no optional chaining, no nullish values, no spread of objects, no class fields."""
    script = read_page("solver.js")
    for newer in (
        "?.",
        "??",
        "{ ...",
        "catch {",
        "import(",
        ".flat(",
        "matchAll",
        "replaceAll",
        "allSettled",
        "&&=",
        "`",
    ):
        assert newer not in script, newer


def luminance(colour: str) -> float:
    """Return the relative luminance of ``#rrggbb`` (WCAG 2.2)."""
    parts = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    """Return the contrast ratio of two colours (WCAG 2.2)."""
    darker, lighter = sorted((luminance(one), luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


def test_every_text_has_contrast_in_light_and_dark() -> None:
    """Text and its ground differ by 4.5 to 1 at least, a bar and its track by 3 to 1 (WCAG 1.4.3, 1.4.11)."""
    style = read_page("style.css")
    schemes = [
        dict(re.findall(r"--([\w-]+): (#\w{6})", block)) for block in re.findall(r":root \{(.*?)\}", style, re.DOTALL)
    ]
    assert len(schemes) == 2
    for scheme in schemes:
        for text in ("ink", "quiet", "accent"):
            assert contrast(scheme[text], scheme["card"]) >= 4.5, (text, scheme)
        assert contrast(scheme["on-accent"], scheme["accent"]) >= 4.5
        assert contrast(scheme["accent"], scheme["track"]) >= 3.0


def test_a_page_with_all_that_an_operator_may_add_is_small() -> None:
    """The bytes that settings allow for logo, frame and texts leave every page below 15 kB, with its headers."""
    frame = "<header><p>" + "x" * (LOOK_BYTES - 40) + "</p></header>{{content}}"
    assert len(frame) <= LOOK_BYTES
    look = Appearance(frame=frame, style=colour_style(LIGHT, DARK))
    puzzle = issue_text(b"k" * 32, nonce="0a" * 16, work=10**6, expires=4_000_000_000, binding="0b" * 8)
    made = ChallengePages(look, BOOK, ChallengePolicy(), "/.shieldproxy")
    for language in BOOK.languages:
        for occasion in Occasion:
            reply = made.show(occasion, language.encode(), Shown(Offer(puzzle, b"t" * 90), "ID-1", "/x", "0a" * 16, 3))
            assert sum(len(name) + len(value) + 4 for name, value in reply.headers) + len(reply.body) < 15_000
            assert Outline(reply.body).open == []
