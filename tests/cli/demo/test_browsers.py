"""Heads of browsers: what the default rules must find nothing wrong with."""

from __future__ import annotations

import pytest

from shieldproxy.cli.demo import browsers
from shieldproxy.cli.demo.browsers import Program, page_fields, part_fields, plain_fields, script_fields
from shieldproxy.core.facts import PageKind
from shieldproxy.core.page_kinds import page_kind

BROWSERS = [*browsers.WORN, browsers.OLD_IPAD]


def kind(path: str, fields: list[tuple[str, str]]) -> PageKind:
    """Return what the shield takes a request for."""
    return page_kind("GET", path, {name.lower().encode(): value.encode() for name, value in fields})


@pytest.mark.parametrize("program", BROWSERS, ids=lambda program: program.name)
def test_browsers_look_like_browsers(program: Program) -> None:
    """A page is asked for as a page, its parts as parts, its script's requests as such; each tells a language."""
    assert kind("/", page_fields(program, "de")) is PageKind.PAGE
    assert kind("/static/site.css", part_fields(program, "de", "style")) is PageKind.ASSET
    assert kind("/.shieldproxy/answer", script_fields(program, "de")) is PageKind.API
    assert dict(page_fields(program, "de"))["Accept-Language"] == "de"


def test_a_cookie_is_sent_back() -> None:
    """Once there is a cookie, every kind of request carries it."""
    program = browsers.FIREFOX
    heads = (
        page_fields(program, "de", cookie="a=b"),
        part_fields(program, "de", "image", cookie="a=b"),
        script_fields(program, "de", cookie="a=b"),
    )
    assert [dict(head)["Cookie"] for head in heads] == ["a=b"] * 3


def test_programs_say_what_they_are() -> None:
    """A feed reader asks for no language and for no page."""
    head = plain_fields(browsers.FEED_READER)
    assert "Accept-Language" not in dict(head)
    assert kind("/feed.xml", head) is PageKind.FEED
    assert kind("/api/opening-hours.json", plain_fields(browsers.APP)) is PageKind.API
