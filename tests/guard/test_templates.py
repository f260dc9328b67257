"""Pages filled once and cut where each answer differs."""

from __future__ import annotations

import pytest

from shieldproxy.guard.templates import Cut, fill, keep, read_page, squeeze


def test_a_cut_page_is_filled_with_what_differs() -> None:
    """Each slot takes its value, also twice; without it the page is not made."""
    page = Cut("<{{a}}|{{b}}|{{a}}>")
    assert page.slots == {"a", "b"}
    assert page.fill({"a": b"1", "b": b"2", "c": b"3"}) == b"<1|2|1>"
    with pytest.raises(KeyError):
        page.fill({"a": b"1"})
    assert Cut("no slot").fill({}) == b"no slot"


def test_a_value_is_not_read_as_a_template() -> None:
    """Braces in a value stay braces."""
    assert Cut("{{a}}{{b}}").fill({"a": b"{{b}}", "b": b"2"}) == b"{{b}}2"


def test_known_slots_are_filled_and_others_stay() -> None:
    """What is the same for all is filled first."""
    assert fill("{{a}} {{b}}", {"a": "x"}) == "x {{b}}"


def test_only_named_sections_are_kept() -> None:
    """Sections nest; marks never reach a visitor."""
    template = "1<!--[a]-->2<!--[b]-->3<!--[/b]-->4<!--[/a]-->5<!--[a]-->6<!--[/a]-->"
    assert keep(template, ("a", "b")) == "123456"
    assert keep(template, ("a",)) == "12456"
    assert keep(template, ("b",)) == "15"


def test_squeezing_takes_no_code_away() -> None:
    """Indentation, empty lines and comment lines go; strings that hold slashes stay."""
    assert squeeze('  // why\n  a = "http://b"; // c\n\n  d();\n') == 'a = "http://b"; // c\nd();'


@pytest.mark.parametrize("name", ["challenge.html", "notice.html", "solver.js", "style.css", "texts.toml"])
def test_the_package_carries_its_pages(name: str) -> None:
    """Every part of a page is package data."""
    assert read_page(name)
