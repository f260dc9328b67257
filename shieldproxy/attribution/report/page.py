"""The page: a report as one file of HTML that needs nothing else, in light, dark, narrow and on paper."""

from __future__ import annotations

import html
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from shieldproxy.attribution.report.charts import bar, course
from shieldproxy.attribution.report.sections import Section, Table, sections
from shieldproxy.core.printing import printable

CSS = Path(__file__).with_name("page.css")

# Nothing is fetched and nothing runs, whatever stood in a request.
POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"

FRAME = """\
<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
<title>{title}: who attacked</title>
<style>
{css}</style>
</head>
<body>
<main>
{body}
</main>
</body>
</html>
"""


def page(content: Mapping[str, Any]) -> str:
    """Return the report as a page; every text in it that a client chose is escaped."""
    first, *others = sections(content)
    anchors = [(f"part-{number}", section) for number, section in enumerate(others, 1)]
    links = "".join(f'<li><a href="#{anchor}">{escaped(section.title)}</a></li>' for anchor, section in anchors)
    made = f"Made {content['made'][:16].replace('T', ' ')} by shieldproxy {content['version']}. All times are UTC."
    parts = [
        f'<header class="lead"><h1>{escaped(first.title)}: who attacked</h1>',
        f'<p class="made">{escaped(made)}</p>',
        _body(first, content),
        f'<nav aria-label="Parts of this report"><ul>{links}</ul></nav></header>' if links else "</header>",
    ]
    for anchor, section in anchors:
        parts.append(f'<section aria-labelledby="{anchor}"><h2 id="{anchor}">{escaped(section.title)}</h2>')
        parts.append(f"{_body(section, content)}</section>")
    css = CSS.read_text("utf-8")
    return FRAME.format(policy=POLICY, title=escaped(first.title), css=css, body="\n".join(parts))


def escaped(text: str) -> str:
    """Return ``text`` as it may stand anywhere in HTML; what does not print is written out."""
    return html.escape(printable(text), quote=True)


def _body(section: Section, content: Mapping[str, Any]) -> str:
    parts = [f"<p>{escaped(sentence)}</p>" for sentence in section.sentences]
    if section.timeline and content["timeline"]["rows"]:
        parts.append(course(content["timeline"]))
    parts += [_table(table) for table in section.tables if table.rows]
    return "\n".join(parts)


def _table(table: Table) -> str:
    head = "".join(f'<th scope="col"{_number(right)}>{escaped(title)}</th>' for title, right in table.columns)
    if table.shares:
        head += '<td class="bar"></td>'
    rows = []
    for place, row in enumerate(table.rows):
        first, *rest = (escaped(cell) for cell in row)
        cells = [f'<th scope="row">{first}</th>']
        cells += [f"<td{_number(right)}>{cell}</td>" for cell, (_, right) in zip(rest, table.columns[1:], strict=True)]
        if table.shares:
            cells.append(f'<td class="bar">{bar(table.shares[place])}</td>')
        rows.append(f"<tr>{''.join(cells)}</tr>")
    more = f'<p class="more">and {table.more:,} more</p>' if table.more else ""
    caption = escaped(table.caption)
    return (
        f'<div class="scroll" role="region" tabindex="0" aria-label="{caption}"><table><caption>{caption}</caption>'
        f"<thead><tr>{head}</tr></thead><tbody>{''.join(rows)}</tbody></table></div>{more}"
    )


def _number(right: bool) -> str:  # noqa: FBT001 - the one thing it is about
    return ' class="number"' if right else ""
