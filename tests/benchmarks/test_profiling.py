"""Where the time goes, by what was looked at."""

from __future__ import annotations

from benchmarks.profiling import REST, shares

LOOKS = """\
main (worker.py:1);ClientConnection.data_received (client_side.py:2);Guard.meet (guard.py:3) 6
main (worker.py:1);ClientConnection.data_received (client_side.py:2);Guard.reply (guard.py:3);Gate._offer (gate.py:1) 3
Journal._run (writer.py:1);Event.wait (threading.py:2) 50
Journal._run (writer.py:1);SegmentWriter.write (segment_writer.py:2) 2
Runner.run (runners.py:1) 1
"""


def test_each_look_is_counted_to_what_was_being_done() -> None:
    """By the part of the work, wherever in it; who waits does nothing, and what is none of the parts is the loop."""
    counted = shares(LOOKS.splitlines())
    assert counted.total() == 12
    assert counted["who it is: addresses, labels, names of buckets"] == 6
    assert counted["the journal's thread"] == 2
    assert counted[REST] == 1


def test_nothing_to_see_is_nothing() -> None:
    """An empty file is no error."""
    assert shares([]) == {}
