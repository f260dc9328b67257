"""Looks: the traits of a request and the names under which they are marked."""

from __future__ import annotations

from shieldproxy.guard.looks import ASKED, COHORT, Looks
from tests.scenes import request

NAMED: list[tuple[str, str]] = []


def slot(limit: str, key: str) -> int:
    """Name a mark by when it was first asked for."""
    if (limit, key) not in NAMED:
        NAMED.append((limit, key))
    return NAMED.index((limit, key))


def test_a_look_has_a_trait_of_each_kind_that_is_there() -> None:
    """Path, order of the headers, program, TLS and where it came from; what is missing is no trait."""
    headers = {b"user-agent": b"curl/8.5.0", b"referer": b"https://news.example/a"}
    asked = request(path="/search", query="q=1", headers=headers)._replace(place="/search", fingerprint="ab12")
    look = Looks(slot).look(asked, "t13d1516h2_8daaf6152771_e5627efa2ab1")
    assert look.traits == (
        "path /search?",
        "fingerprint ab12",
        "agent curl/8",
        "ja4 t13d1516h2_8daaf6152771_e5627efa2ab1",
        "referer news.example",
    )
    assert [NAMED[name] for name in look.slots] == [(COHORT, text) for text in look.traits]
    assert NAMED[look.asked] == (ASKED, "path /search?")
    bare = Looks(slot).look(request(headers={})._replace(place="/"), "")
    assert bare.traits == ("path /",)


def test_a_program_is_looked_at_once() -> None:
    """The same head and path again is the same look, not one made anew."""
    looks = Looks(slot)
    first, second = (request(query=f"q={number}")._replace(place="/") for number in range(2))
    assert looks.look(first, "") is looks.look(second, "")
