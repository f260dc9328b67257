"""Text: a report for a terminal, for a file, for a mail; no control character of a client ever reaches it."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Console, Group, RenderableType
from rich.table import Table as RichTable
from rich.text import Text

from shieldproxy.attribution.report.sections import Section, Table, sections
from shieldproxy.core.printing import printable

# Rows of a table in text; the page and JSON have all of them.
ROWS = 10
BAR = 12
BLOCKS = " ▁▂▃▄▅▆▇█"


def write_text(content: Mapping[str, Any], console: Console) -> None:
    """Write the report to ``console``, as wide as that is."""
    for number, section in enumerate(sections(content)):
        if number:
            console.print()
        console.print(_section(section, content, console.width))


def _section(section: Section, content: Mapping[str, Any], width: int) -> RenderableType:
    parts: list[RenderableType] = [Text(printable(section.title), style="bold")]
    parts += [Text(_wrapped(sentence, width)) for sentence in section.sentences]
    if section.timeline and content["timeline"]["rows"]:
        parts.append(Text(timeline(content["timeline"], width)))
    for table in section.tables:
        if table.rows:
            parts += [Text(), _table(table, width)]
    return Group(*parts)


def _wrapped(sentence: str, width: int) -> str:
    return "\n".join(textwrap.wrap(printable(sentence), width - 2, initial_indent="  ", subsequent_indent="  "))


def _table(table: Table, width: int) -> RenderableType:
    found = RichTable(
        box=None,
        title=printable(table.caption),
        title_justify="left",
        title_style="italic",
        pad_edge=False,
        width=width,
    )
    for number, (title, right) in enumerate(table.columns):
        found.add_column(
            title,
            justify="right" if right else "left",
            no_wrap=True,
            overflow="ellipsis",
            ratio=1 if number == 0 else None,
            header_style="dim",
        )
    if table.shares:
        found.add_column("", width=BAR, no_wrap=True)
    for number, row in enumerate(table.rows[:ROWS]):
        cells = [Text(printable(cell)) for cell in row]
        found.add_row(*cells, *([Text(bar(table.shares[number]))] if table.shares else []))
    hidden = table.more + max(0, len(table.rows) - ROWS)
    return Group(found, Text(f"and {hidden:,} more", style="dim")) if hidden else found


def bar(share: float) -> str:
    """Return a share (0 to 1) as a bar; what is not nothing shows."""
    eighths = max(1 if share > 0 else 0, round(share * BAR * 2))
    return "━" * (eighths // 2) + ("╸" if eighths % 2 else "")


def timeline(course: Mapping[str, Any], width: int) -> str:
    """Return the course of requests in two lines of blocks: what reached the site, and what was stopped."""
    rows, step = course["rows"], course["step"]
    first, last = rows[0][0], rows[-1][0]
    room = max(10, width - 12)
    each = max(step, -(-(last - first + step) // room))
    reached, stopped = [0] * room, [0] * room
    for start, through, held in rows:
        place = min(room - 1, int((start - first) // each))
        reached[place] += through
        stopped[place] += held
    used = min(room, int((last - first) // each) + 1)
    most = max(*reached, *stopped, 1)
    lines = [
        f"  {name:<8} {_blocks(values[:used], most)}" for name, values in (("reached", reached), ("stopped", stopped))
    ]
    return "\n".join(lines)


def _blocks(values: Sequence[int], most: int) -> str:
    return "".join(BLOCKS[0 if not value else max(1, round(value / most * 8))] for value in values)
