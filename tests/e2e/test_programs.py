"""Programs of citizens before a site that challenges every newcomer: none is shown a page that it cannot answer."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from tests.e2e.conftest import Start
from tests.e2e.origins import Nginx

# Every page for a newcomer is challenged; what is no page is not.
ALL = "[challenge]\nsuspicion = 0\n"


def run(folder: Path, *command: str) -> subprocess.CompletedProcess[str]:
    """Run a program in ``folder``, without the configuration of whoever runs the tests."""
    clean = {"HOME": str(folder), "PATH": "/usr/local/bin:/usr/bin:/bin", "GIT_TERMINAL_PROMPT": "0"}
    return subprocess.run(command, cwd=folder, env=clean, capture_output=True, text=True, timeout=60, check=False)


@pytest.mark.skipif(shutil.which("git") is None, reason="git")
def test_git_clones_over_http(start: Start, nginx: Nginx, tmp_path: Path) -> None:
    """A repository that the site serves is cloned as ever while its pages are challenged."""
    source, bare = tmp_path / "source", nginx.folder / "www" / "laws.git"
    source.mkdir()
    (source / "law.txt").write_text("Article 1\n")
    who = ("-c", "user.name=Clerk", "-c", "user.email=clerk@example.org")
    for command in (("init", "-q"), ("add", "law.txt"), (*who, "commit", "-qm", "first")):
        assert run(source, "git", *command).returncode == 0
    assert run(tmp_path, "git", "clone", "-q", "--bare", str(source), str(bare)).returncode == 0
    assert run(bare, "git", "update-server-info").returncode == 0
    node = start(nginx.url, ALL)
    assert node.get("/", "192.0.2.9").status == 503
    cloned = run(tmp_path, "git", "clone", "-q", f"http://127.0.0.1:{node.port}/laws.git", "copy")
    assert (cloned.returncode, cloned.stderr) == (0, "")
    assert (tmp_path / "copy" / "law.txt").read_text() == "Article 1\n"


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl")
def test_curl_gets_data_and_is_told_to_come_later_for_pages(start: Start, nginx: Nginx, tmp_path: Path) -> None:
    """JSON, feeds and robots.txt come as ever; a page is 503 with when to try again, and --fail says so."""
    www = nginx.folder / "www"
    (www / "feed.xml").write_text("<rss version='2.0'><channel><title>News</title></channel></rss>")
    (www / "data.json").write_text('{"open": true}')
    (www / "robots.txt").write_text("User-agent: *\n")
    node = start(nginx.url, ALL)
    url = f"http://127.0.0.1:{node.port}"
    for path, content in (("/feed.xml", "News"), ("/data.json", "open"), ("/robots.txt", "User-agent")):
        got = run(tmp_path, "curl", "-sS", "--fail", url + path)
        assert got.returncode == 0, got.stderr
        assert content in got.stdout
    refused = run(tmp_path, "curl", "-sS", "-i", url + "/")
    head = refused.stdout.partition("\n\n")[0].lower()
    assert head.startswith("http/1.1 503")
    assert "retry-after:" in head
    assert run(tmp_path, "curl", "-sS", "--fail", url + "/").returncode == 22
