"""Reasons: the words behind a status."""

from __future__ import annotations

from http import HTTPStatus

from shieldproxy.proxy.reasons import REASONS


def test_each_status_has_the_words_of_the_standard() -> None:
    """Python knows those of RFC 7231; three were renamed since."""
    renamed = {413: "Content Too Large", 414: "URI Too Long", 431: "Request Header Fields Too Large"}
    for status, words in REASONS.items():
        assert words.decode() == renamed.get(status, HTTPStatus(status).phrase)
