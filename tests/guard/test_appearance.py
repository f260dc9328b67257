"""What an operator puts on our pages."""

from __future__ import annotations

import pytest

from shieldproxy.guard.appearance import Appearance, colour_style, picture_uri


@pytest.mark.parametrize(
    ("contact", "html"),
    [
        ("help@example.org", '<a href="mailto:help@example.org">help@example.org</a>'),
        (
            "https://example.org/help?a=1&b=2",
            '<a href="https://example.org/help?a=1&amp;b=2" rel="noreferrer">https://example.org/help?a=1&amp;b=2</a>',
        ),
        ("+370 700 00000", "+370 700 00000"),
        ("javascript:alert(1)", "javascript:alert(1)"),
        ("<b>", "&lt;b&gt;"),
        ('a"@b.cd', "a&quot;@b.cd"),
        ("", ""),
    ],
)
def test_a_contact_is_a_link_where_it_is_an_address(contact: str, html: str) -> None:
    """Mail and web addresses are links, everything else is text, nothing is markup."""
    assert Appearance(contact=contact).contact_html() == html


def test_a_site_has_a_name_or_a_logo_or_neither() -> None:
    """The logo stands for the name and carries it as its text."""
    assert Appearance().site_html() == ""
    assert Appearance(title="A & B").site_html() == '<p class="site">A &amp; B</p>'
    logo = Appearance(title="A", logo="data:image/png;base64,AA==").site_html()
    assert 'src="data:image/png;base64,AA=="' in logo
    assert 'alt="A"' in logo


def test_the_operators_sentence_is_text() -> None:
    """What an operator writes is shown as written, never as markup."""
    assert Appearance(text="<script>").text_html() == "<p>&lt;script&gt;</p>"
    assert Appearance().text_html() == ""


def test_a_picture_becomes_a_data_uri() -> None:
    """The page needs no second request for a logo; what is no picture is refused by name."""
    assert picture_uri("var/logo.PNG", b"\x89PNG") == "data:image/png;base64,iVBORw=="
    with pytest.raises(ValueError, match=r"logo\.pdf"):
        picture_uri("logo.pdf", b"")
    with pytest.raises(ValueError, match="logo"):
        picture_uri("logo", b"")


def test_a_frame_stands_around_our_part() -> None:
    """What an operator puts before and behind it comes before and behind the main element."""
    framed = Appearance(frame="<header>A</header>{{content}}<footer>B</footer>").framed("<body><main>x</main></body>")
    assert framed == "<body><header>A</header><main>x</main><footer>B</footer></body>"
    assert Appearance().framed("<main>x</main>") == "<main>x</main>"


def test_colours_become_style() -> None:
    """Named ones only, in light and in dark."""
    assert colour_style({}, {}) == ""
    assert colour_style({"on_accent": "#ffffff"}, {}) == ":root{--on-accent:#ffffff}"
    assert colour_style({}, {"ink": "#eeeeee"}) == "@media (prefers-color-scheme:dark){:root{--ink:#eeeeee}}"
