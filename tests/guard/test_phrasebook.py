"""The sentences of our pages."""

from __future__ import annotations

import re

import pytest

from shieldproxy.guard.phrasebook import Phrasebook, load_tables, read_phrases

EUROPEAN_UNION = "bg cs da de el en es et fi fr ga hr hu it lt lv mt nl pl pt ro sk sl sv"
NEIGHBOURS = "uk ru tr ar"
PLACEHOLDER = re.compile(r"\{\w*\}")


def test_every_official_language_is_spoken() -> None:
    """All 24 languages of the Union and four of its neighbours are there."""
    assert sorted(Phrasebook().languages) == sorted(f"{EUROPEAN_UNION} {NEIGHBOURS}".split())


def test_only_arabic_runs_from_right_to_left() -> None:
    """Directions of writing are right."""
    book = Phrasebook()
    assert [language for language in book.languages if book.of(language).direction != "ltr"] == ["ar"]
    assert book.of("ar").direction == "rtl"


def test_every_sentence_has_the_placeholders_of_the_english_one() -> None:
    """A waiting time or a contact is never lost in translation, and nothing else is filled in."""
    book = Phrasebook()
    english = book.of("en").sentences
    for language in book.languages:
        for name, sentence in book.of(language).sentences.items():
            assert sorted(PLACEHOLDER.findall(sentence)) == sorted(PLACEHOLDER.findall(english[name])), (language, name)
            assert sentence == sentence.strip() != "", (language, name)


def test_every_sentence_is_translated() -> None:
    """No language borrows a sentence from English."""
    book = Phrasebook()
    english = book.of("en").sentences
    for language in set(book.languages) - {"en"}:
        same = [name for name, sentence in book.of(language).sentences.items() if sentence == english[name]]
        assert not same, language


@pytest.mark.parametrize(
    ("seconds", "told"),
    [(1, "1\u00a0s"), (120, "120\u00a0s"), (121, "3\u00a0min"), (3_600, "60\u00a0min"), (7_201, "3\u00a0h")],
)
def test_a_wait_is_told_in_the_unit_people_use(seconds: int, told: str) -> None:
    """Waits are rounded up, so that nobody who waits as told comes too early."""
    assert Phrasebook().of("en").time(seconds) == told


def test_the_visitor_is_spoken_to_in_the_language_of_the_header() -> None:
    """The choice follows Accept-Language; what is too long for a header of a browser gets English."""
    book = Phrasebook()
    assert book.speak(b"de-AT,en;q=0.5").language == "de"
    assert book.speak(b"").language == "en"
    assert book.speak(b"de," * 1_000).language == "en"


def test_an_incomplete_language_does_not_load() -> None:
    """A sentence that is missing or unknown is named with its language."""
    tables = load_tables()
    del tables["mt"]["cookies"]
    with pytest.raises(ValueError, match=r"\[mt\].*cookies"):
        read_phrases(tables)
