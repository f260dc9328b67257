"""A tape gives back what was written, to every reader from its beginning."""

from __future__ import annotations

from array import array

from shieldproxy.app.replay.blocks import Ask, Block, Tape


def block(number: int) -> Block:
    moments, who, what = array("d", [1_000.5, 1_001.0]), array("H", [0, 0]), array("H", [0, number])
    asks = [Ask("GET", "", f"/\u00e9{place}", "1.1") for place in range(number + 1)]
    return Block([("192.0.2.1", "Firefox")], asks, moments, who, what, b"\0\1", b"\0\4")


def test_blocks_come_back_as_they_were() -> None:
    """Columns, words and flags, in the order of writing, for two readers at once and while it is still written."""
    tape = Tape()
    written = [block(number) for number in range(3)]
    for one in written[:2]:
        tape.write(one)
    assert list(tape.blocks()) == written[:2]
    tape.write(written[2])
    assert list(zip(tape.blocks(), tape.blocks(), strict=True)) == [(one, one) for one in written]
    tape.close()
