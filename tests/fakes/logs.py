"""Logs as other servers write them, made by hand."""

from __future__ import annotations

import time
from collections.abc import Iterable
from pathlib import Path

from tests.fakes.records import TEN_FIFTEEN

FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"


def combined(second: float, address: str, path: str = "/", *, agent: str = FIREFOX, status: int = 200) -> str:
    """Return a line of a request ``second`` seconds after 10:15."""
    moment = time.strftime("%d/%b/%Y:%H:%M:%S +0000", time.gmtime(TEN_FIFTEEN + second))
    return f'{address} - - [{moment}] "GET {path} HTTP/1.1" {status} 1000 "-" "{agent}"'


def write_log(path: Path, lines: Iterable[str]) -> Path:
    """Write ``lines`` to ``path`` and return it."""
    path.write_text("\n".join(lines) + "\n", encoding="latin-1")
    return path


def reader_of_pages(address: str, start: float, pages: int = 3) -> list[str]:
    """Return what a person's browser asks for: a page every ten seconds, each with its style."""
    return [
        line
        for page in range(pages)
        for line in (
            combined(start + 10 * page, address, f"/page-{page}"),
            combined(start + 10 * page, address, "/style.css"),
        )
    ]
