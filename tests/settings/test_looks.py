"""Looks: colours that can be read, and frames in which nothing runs."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import shieldproxy.guard
from shieldproxy.settings.looks import DARK, LIGHT, READ_ON, Colours, colour, contrast, frame_faults, look_bytes
from shieldproxy.settings.values import Wrong


def test_a_colour_is_written_in_one_way() -> None:
    """Six hexadecimal digits, or nothing; no name, no function, nothing that ends a rule of style."""
    assert colour("#1D4F91") == "#1d4f91"
    assert colour("") == ""
    for wrong in ("red", "#fff", "#1d4f9", "#1d4f911", "#1d4f91;}", "rgb(0,0,0)", 7, None):
        with pytest.raises(Wrong, match="rrggbb"):
            colour(wrong)


def test_contrast_is_that_of_wcag() -> None:
    """Black on white is 21, a colour on itself 1, and the order does not matter."""
    assert contrast("#000000", "#ffffff") == pytest.approx(21.0)
    assert contrast("#777777", "#777777") == 1.0
    assert contrast("#777777", "#ffffff") == contrast("#ffffff", "#777777") == pytest.approx(4.48, abs=0.01)


def test_the_usual_colours_are_those_of_the_page_and_can_be_read() -> None:
    """What is checked against is what the style has, and every pair has enough contrast."""
    style = (Path(shieldproxy.guard.__file__).parent / "pages" / "style.css").read_text(encoding="utf-8")
    light, dark = (dict(re.findall(r"--([a-z-]+): (#\w{6});", part)) for part in style.split("@media", 2)[:2])
    assert {name.replace("-", "_"): value for name, value in light.items()} == LIGHT
    assert {name.replace("-", "_"): value for name, value in dark.items()} == DARK
    assert all(contrast(worn[text], worn[ground]) >= 4.5 for worn in (LIGHT, DARK) for text, ground in READ_ON)


def test_only_named_colours_are_worn() -> None:
    """The rest stays ours."""
    assert Colours(accent="#7a1f1f").named() == {"accent": "#7a1f1f"}


SOUND = [
    "{{content}}",
    '<header class="top"><img src="data:image/png;base64,AA==" alt="City" width="40"><p>City</p></header>{{content}}',
    '{{content}}<footer><p><a href="/imprint">Imprint</a> <a href="https://example.org/?a=1">More</a></p></footer>',
    '<div><section>{{content}}</section></div><p lang="de">Hilfe &amp; mehr<br>hier</p>',
    '<p><a href="mailto:help@example.org">Help</a> <a href="tel:+370700">Call</a></p>{{content}}',
]


@pytest.mark.parametrize("frame", SOUND)
def test_structure_and_text_are_allowed(frame: str) -> None:
    """Headers, footers, links and small pictures."""
    assert frame_faults(frame) == []


UNSOUND = [
    "",
    "<p>City</p>",
    "{{content}}{{content}}",
    "{{content}}{{nonce}}",
    "{{content}}<script>x()</script>",
    "{{content}}<style>p{}</style>",
    "{{content}}<p onclick='x()'>a</p>",
    "{{content}}<p style='color:red'>a</p>",
    "{{content}}<p id='form'>a</p>",
    "{{content}}<a href='javascript:x()'>a</a>",
    "{{content}}<a href=' javascript:x()'>a</a>",
    "{{content}}<a href='data:text/html,x'>a</a>",
    "{{content}}<img src='https://example.org/x.png' alt=''>",
    "{{content}}<img src='data:text/html;base64,AA==' alt=''>",
    "{{content}}<iframe></iframe>",
    "{{content}}<form></form>",
    "{{content}}<meta http-equiv=refresh>",
    "{{content}}<base href='/'>",
    "{{content}}<h1>a</h1>",
    "{{content}}<main></main>",
    "{{content}}<svg></svg>",
    "{{content}}<!-- a -->",
    "<!doctype html>{{content}}",
    "<div>{{content}}",
    "{{content}}</div>",
    "<p>{{content}}</p>",
    "<ul><li>{{content}}</li></ul>",
    "<b><i>{{content}}</b></i>",
]


@pytest.mark.parametrize("frame", UNSOUND)
def test_what_runs_loads_or_breaks_the_page_is_told(frame: str) -> None:
    """Scripts, styles, foreign pictures, ids of ours, half elements, and our part in a place where it cannot be."""
    assert frame_faults(frame)


def test_bytes_are_counted_as_they_travel(tmp_path: Path) -> None:
    """A picture as base64, text as UTF-8, a file that is not there as nothing."""
    logo = tmp_path / "logo.svg"
    logo.write_bytes(b"x" * 10)
    assert look_bytes(logo, None, "\u00e9", "ab") == 16 + 2 + 2
    assert look_bytes(tmp_path / "absent.svg", tmp_path / "absent.html") == 0
