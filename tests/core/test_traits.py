"""Traits: what requests have in common, with what is one of many left out."""

from __future__ import annotations

import pytest

from shieldproxy.core.traits import MOST_BYTES, Kind, agent_family, kind_of, path_template, referring_host, trait


@pytest.mark.parametrize(
    ("place", "queried", "template"),
    [
        ("/", False, "/"),
        ("/", True, "/?"),
        ("/search", True, "/search?"),
        ("/news/2024/01/17", False, "/news/"),
        ("/article-4711", False, "/article-#"),
        ("/article-4711/", True, "/article-#/?"),
    ],
)
def test_a_path_is_its_first_segment(place: str, *, queried: bool, template: str) -> None:
    """Numbers and what lies below are one of many; whether there was a query tells a flood past caches."""
    assert path_template(place, queried=queried) == template


@pytest.mark.parametrize(
    ("agent", "family"),
    [
        (
            "Mozilla/5.0 (X11; rv:140.0) Gecko/20100101 Firefox/140.0",
            "Mozilla/5 (X11; rv:140) Gecko/20100101 Firefox/140",
        ),
        (
            "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) Version/18.6",
            "Mozilla/5 (Macintosh; Intel Mac OS X 10) Version/18",
        ),
        ("  curl/8.5.0 ", "curl/8"),
    ],
)
def test_an_agent_is_told_without_minor_versions(agent: str, family: str) -> None:
    """Hundreds of builds of one browser are one family; an old one remains another."""
    assert agent_family(agent) == family


@pytest.mark.parametrize(
    ("referer", "host"),
    [
        ("https://News.example/story?id=1", "news.example"),
        ("http://user@site.example:8080", "site.example:8080"),
        ("javascript:alert(1)", ""),
        ("", ""),
    ],
)
def test_of_a_referer_the_host_counts(referer: str, host: str) -> None:
    """A crowd that follows one link has one host in common, whatever else stands there."""
    assert referring_host(referer) == host


def test_a_trait_is_short_and_readable() -> None:
    """It stands in logs and in a place of fixed size, so what a client sends is cut and made printable."""
    text = trait(Kind.AGENT, "x\x1b[31m\n\u00e9" + "y" * 500)
    assert text.startswith("agent x.[31m..y")
    assert len(text.encode()) == MOST_BYTES
    assert kind_of(text) == "agent"
    assert trait(Kind.JA4, "") == ""
