"""Kept forms: what is kept, that nobody else makes one up, and that the browser sends the same bytes again."""

from __future__ import annotations

from html.parser import HTMLParser
from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shieldproxy.guard.kept_forms import (
    MAX_BODY,
    MAX_FIELDS,
    fields_html,
    fields_of,
    from_here,
    keepable,
    open_form,
    seal_form,
)
from tests.fakes.chance import CountedChance
from tests.scenes import BROWSER, request

KEY, OLD = b"k" * 32, b"o" * 32
FORM = {
    **BROWSER,
    b"content-type": b"application/x-www-form-urlencoded",
    b"content-length": b"10",
    b"sec-fetch-site": b"same-origin",
}
BODY = b"a=b+%26+%C3%A9&text=two%0D%0Alines&empty="


def without(*names: bytes, **changed: bytes) -> dict[bytes, bytes]:
    """Return the headers of a form of this site without some, and with others changed."""
    headers = {name: value for name, value in FORM.items() if name not in names}
    return headers | {name.replace("_", "-").encode(): value for name, value in changed.items()}


OLD_BROWSER = without(b"sec-fetch-site")
HEADS = [
    (FORM, True),
    (without(content_type=b"application/x-www-form-urlencoded; charset=UTF-8"), True),
    (without(content_length=str(MAX_BODY).encode()), True),
    (without(content_length=str(MAX_BODY + 1).encode()), False),
    (without(content_length=b"9" * 5_000), False),
    (without(content_length=b"0"), False),
    (without(content_length=b"-1"), False),
    (without(b"content-length"), False),
    (without(content_type=b"multipart/form-data; boundary=x"), False),
    (without(b"content-type"), False),
    (without(sec_fetch_site=b"none"), True),
    (without(sec_fetch_site=b"cross-site"), False),
    (without(sec_fetch_site=b"same-site"), False),
    (OLD_BROWSER, False),
    ({**OLD_BROWSER, b"origin": b"https://example.org"}, True),
    ({**OLD_BROWSER, b"origin": b"http://EXAMPLE.org"}, True),
    ({**OLD_BROWSER, b"origin": b"https://evil.example"}, False),
    ({**OLD_BROWSER, b"origin": b"null"}, False),
    ({**OLD_BROWSER, b"origin": b"https://[evil", b"referer": b"https://example.org/"}, False),
    ({**OLD_BROWSER, b"referer": b"https://example.org/forms?x=1"}, True),
    ({**OLD_BROWSER, b"referer": b"https://example.org.evil.example/"}, False),
    # what the browser says of itself counts before what a page could have it send
    ({**FORM, b"sec-fetch-site": b"cross-site", b"origin": b"https://example.org"}, False),
]


@pytest.mark.parametrize(("headers", "kept"), HEADS)
def test_only_a_short_form_of_this_site_is_kept(headers: dict[bytes, bytes], kept: bool) -> None:  # noqa: FBT001
    """Another site's form must not become one of ours, and what is long or no form is not waited for."""
    assert keepable(request("/apply", headers, method="POST")) is kept
    assert not keepable(request("/apply", headers, method="PUT"))


def test_another_site_cannot_send_a_kept_form_on() -> None:
    """The step that sends it on is asked for by our own page only."""
    assert from_here(request("/", FORM, method="POST"))
    assert not from_here(request("/", without(sec_fetch_site=b"cross-site"), method="POST"))


def test_what_is_sealed_is_opened_for_its_target_only() -> None:
    """With any key of the ring; not for another place, not when changed, not by whoever makes it up."""
    sealed = seal_form(KEY, BODY, "/apply", CountedChance())
    assert open_form((KEY,), sealed, "/apply") == open_form((OLD, KEY), sealed, "/apply") == BODY
    assert b"two" not in sealed.encode()
    assert open_form((OLD,), sealed, "/apply") == b""
    assert open_form((KEY,), sealed, "/pay") == b""
    for place in range(0, len(sealed), 5):
        other = "A" if sealed[place] != "A" else "B"
        assert open_form((KEY,), sealed[:place] + other + sealed[place + 1 :], "/apply") == b""


@given(st.text(max_size=200), st.text(max_size=50))
def test_any_text_is_no_kept_form(text: str, target: str) -> None:
    """Nothing a stranger can send opens or raises."""
    if target.encode("utf-8", "replace").decode() == target:
        assert open_form((KEY,), text, target) == b""


UNKEEPABLE = [
    b"",
    b"a",
    b"a=1&b",
    b"=1",
    b"a=1&&b=2",
    b"a=1&",
    b"a=%FF",
    b"a=\xff",
    b"a=one%0Aline",
    b"a=one%0Dline",
    b"a=%00",
    b"&".join(b"a=1" for _ in range(MAX_FIELDS + 1)),
    b"a=" + b"x" * MAX_BODY,
]


@pytest.mark.parametrize("body", UNKEEPABLE, ids=lambda body: repr(body[:12]))
def test_what_a_browser_would_write_otherwise_is_not_kept(body: bytes) -> None:
    """Bytes that would change on the way are refused, so that the visitor is told instead."""
    assert seal_form(KEY, body, "/apply", CountedChance()) == ""


class Inputs(HTMLParser):
    """Reads hidden fields as a browser does."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[tuple[str, str]] = []
        # A browser makes one line end of all that stand in the source as such (HTML, 13.2.3.5).
        self.feed(page.replace("\r\n", "\n").replace("\r", "\n"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note a field."""
        given = dict(attrs)
        assert (tag, given["type"]) == ("input", "hidden")
        self.found.append((given["name"] or "", given["value"] or ""))


names = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\r\n\0"), min_size=1, max_size=20)
values = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\r\0"), max_size=60).map(
    lambda text: text.replace("\n", "\r\n")
)


@given(st.lists(st.tuples(names, values), min_size=1, max_size=8))
def test_a_browser_sends_the_same_bytes_again(fields: list[tuple[str, str]]) -> None:
    """Whatever was typed, the page gives it back so that what is sent after the challenge is what was sent before."""
    body = urlencode(fields).encode()
    page = fields_html(body)
    assert urlencode(Inputs(page).found).encode() == body
    assert list(fields_of(body)) == fields
