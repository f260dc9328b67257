"""Printing: text from clients made fit for a terminal, a log line or a report."""

from __future__ import annotations


def printable(text: str) -> str:
    r"""Return ``text`` on one line: what does not print is written as ``\x1b``, ``\u202e`` or ``\U000e0001``.

    Controls (C0, C1), line and paragraph separators, marks that change the direction of writing, invisible
    characters, blanks other than the space, and lone surrogates count as not printing (Unicode categories C and Z).
    So no value can forge a line, speak to a terminal or hide what follows it.
    """
    if text.isprintable():
        return text
    return "".join(character if character.isprintable() else _escaped(ord(character)) for character in text)


def _escaped(code: int) -> str:
    if code < 0x100:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
