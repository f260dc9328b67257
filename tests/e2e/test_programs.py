"""Programs of citizens before a site that challenges every newcomer: none is shown a page that it cannot answer."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import feedparser
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


ATOM = """<?xml version="1.0"?><feed xmlns="http://www.w3.org/2005/Atom"><title>Notices</title><id>urn:notices</id>
<updated>2026-01-01T00:00:00Z</updated><entry><title>Road closed</title><id>urn:1</id><updated>2026-01-01T00:00:00Z</updated>
</entry></feed>"""
# Twenty requests at once, and then none for an hour.
TWENTY = "[limits.client]\nscope = 'client'\nrate = 0.0003\nburst = 20\n"


def test_a_feed_reader_is_never_shown_a_page(start: Start, nginx: Nginx) -> None:
    """Feedparser reads a feed while pages are challenged, whatever its address; beyond its limit it is told when to return."""
    www = nginx.folder / "www"
    (www / "notices.atom").write_text(ATOM)
    (www / "notices").mkdir()
    (www / "notices" / "index.html").write_text(ATOM)
    node = start(nginx.url, ALL + TWENTY)
    url = f"http://127.0.0.1:{node.port}/notices"
    assert node.get("/notices/", "127.0.0.1").status == 503  # a browser there is challenged
    for address in (f"{url}.atom", f"{url}/"):
        read = feedparser.parse(address)
        assert (read.status, [entry.title for entry in read.entries]) == (200, ["Road closed"])
    answers = [feedparser.parse(f"{url}.atom") for _ in range(20)]
    refused = [answer for answer in answers if answer.status != 200]
    assert {answer.status for answer in refused} == {429}
    for answer in refused:
        assert int(answer.headers["retry-after"]) > 0
        assert answer.headers["content-type"] == "text/plain; charset=utf-8"  # as the reader's Accept has it
    assert all(answer.entries for answer in answers if answer.status == 200)


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
