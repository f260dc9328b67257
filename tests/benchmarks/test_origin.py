"""The site behind the compared servers."""

from __future__ import annotations

import http.client
from typing import TYPE_CHECKING

import pytest

from benchmarks.cores import available_cores
from benchmarks.origin import PAGE, Origin

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize("installed", [True, False])
def test_serves_the_page(installed: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: FBT001
    """With nginx or without, two requests on one connection get the same kilobyte."""
    if not installed:
        monkeypatch.setattr("benchmarks.origin.shutil.which", lambda _: None)
    with Origin(tmp_path, available_cores()) as origin:
        assert installed or origin.kind == "own"
        connection = http.client.HTTPConnection("127.0.0.1", origin.port, timeout=10)
        for _ in range(2):
            connection.request("GET", "/page.html")
            answer = connection.getresponse()
            assert (answer.status, answer.read()) == (200, PAGE)
        connection.close()
    assert 900 < len(PAGE) < 1200
