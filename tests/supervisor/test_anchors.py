"""Anchors: an authority of our own stamps checkpoints, a syslog gets them; whatever fails, nobody waits for it."""

from __future__ import annotations

import asyncio
import socket
import subprocess
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from shieldproxy.journal.timestamps import kept
from shieldproxy.settings.schema import Journal, Settings
from shieldproxy.supervisor.anchors import AnchorError, stamp, tell_syslog
from tests.fakes.records import record_at, write_journal
from tests.fakes.sealers import signer_of
from tests.supervisor.test_notary import ListLog, notary_of

NOTE = signer_of("edge1").note(3, bytes(32)).encode()
CONFIG = """
[tsa]
default_tsa = one
[one]
serial = {0}/serial
signer_cert = {0}/tsa.pem
signer_key = {0}/tsa.key
signer_digest = sha256
default_policy = 1.2.3.4
digests = sha256
[extensions]
extendedKeyUsage = critical,timeStamping
"""


class Authority:
    """A timestamp authority made with openssl, its certificate signed by itself."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir()
        (folder / "tsa.cnf").write_text(CONFIG.format(folder))
        (folder / "serial").write_text("01")
        command = (
            f"req -x509 -newkey rsa:2048 -nodes -keyout {folder}/tsa.key -out {folder}/tsa.pem -days 1 -subj /CN=tsa"
        )
        self.run(f"{command} -addext extendedKeyUsage=critical,timeStamping")

    def run(self, words: str) -> str:
        """Run openssl and return what it says."""
        return subprocess.run(
            ["openssl", *words.split()], capture_output=True, text=True, check=True, cwd=self.folder
        ).stdout

    async def answer(self, request: web.Request) -> web.Response:
        """Stamp what is asked."""
        (self.folder / "query").write_bytes(await request.read())
        await asyncio.to_thread(self.run, "ts -reply -config tsa.cnf -queryfile query -out reply")
        return web.Response(body=(self.folder / "reply").read_bytes(), content_type="application/timestamp-reply")

    def verifies(self, note: Path) -> bool:
        """Tell whether openssl finds the timestamp beside ``note`` good."""
        said = self.run(f"ts -verify -data {note} -in {note.with_suffix('.tsr')} -CAfile tsa.pem")
        return "Verification: OK" in said


Serve = Callable[[Callable[[web.Request], Awaitable[web.Response]]], Awaitable[str]]


async def serving(answer: Callable[[web.Request], Awaitable[web.Response]]) -> TestServer:
    """Return a server on loopback that answers so."""
    application = web.Application()
    application.router.add_post("/tsr", answer)
    server = TestServer(application)
    await server.start_server()
    return server


async def test_a_checkpoint_is_stamped_and_openssl_finds_it_good(tmp_path: Path) -> None:
    """By an authority that knows nothing of us, and checked without a program of ours."""
    authority = Authority(tmp_path / "tsa")
    server = await serving(authority.answer)
    place = await stamp(str(server.make_url("/tsr")), tmp_path / "log", NOTE, lambda count: bytes(range(count)))
    await server.close()
    assert place.name == "3.tsr"
    (note,) = kept(tmp_path / "log")
    assert authority.verifies(note)


async def test_an_authority_that_fails_is_named(tmp_path: Path) -> None:
    """Another status, garbage, nobody there: nothing is kept."""

    async def broken(_request: web.Request) -> web.Response:
        return web.Response(status=500)

    async def garbage(_request: web.Request) -> web.Response:
        return web.Response(body=b"hello")

    for answer, why in ((broken, "status 500"), (garbage, "none of RFC 3161")):
        server = await serving(answer)
        with pytest.raises(AnchorError, match=why):
            await stamp(str(server.make_url("/tsr")), tmp_path, NOTE, bytes)
        await server.close()
    with pytest.raises(AnchorError, match="127"):
        await stamp("http://127.0.0.1:1/tsr", tmp_path, NOTE, bytes)
    assert not kept(tmp_path)


async def test_the_notary_waits_for_no_authority(tmp_path: Path) -> None:
    """Sealing goes on while an authority is silent; its stamp comes when it comes, and the next not before its time."""
    asked, go = asyncio.Event(), asyncio.Event()
    authority = Authority(tmp_path / "tsa")

    async def slow(request: web.Request) -> web.Response:
        asked.set()
        await go.wait()
        return await authority.answer(request)

    server = await serving(slow)
    log = ListLog()
    notary = notary_of(tmp_path, log)
    settings = Settings(journal=Journal(timestamp_url=str(server.make_url("/tsr")), compress_after=0.0))
    await notary.turn("", settings)
    await asked.wait()
    write_journal(tmp_path / "journal", [record_at()])
    await notary.turn("", settings)
    assert [fields["size"] for event, fields in log.said if event == "checkpoint"] == [0, 1]
    go.set()
    assert notary._stamping is not None
    await notary._stamping
    await notary.turn("", settings)
    await notary.stop()
    await server.close()
    assert [event for event, _ in log.said].count("checkpoint stamped") == 1
    (note,) = kept(tmp_path / "journal/log/edge1")
    assert authority.verifies(note)


async def test_a_failing_anchor_is_said_and_nothing_else(tmp_path: Path) -> None:
    """Sealing does not depend on anybody outside."""
    log = ListLog()
    notary = notary_of(tmp_path, log)
    journal = Journal(timestamp_url="http://127.0.0.1:1/", syslog=f"unix:{tmp_path}/nobody", compress_after=0.0)
    await notary.turn("", Settings(journal=journal))
    assert notary._stamping is not None
    await notary._stamping
    await notary.stop()
    events = [event for event, _ in log.said]
    assert events == ["checkpoint", "a checkpoint did not reach syslog", "a checkpoint has no timestamp"]


def test_checkpoints_reach_a_syslog_on_a_socket_and_over_the_network(tmp_path: Path) -> None:
    """One line each, as a log server takes them."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as here, socket.socket(type=socket.SOCK_DGRAM) as there:
        here.bind(str(tmp_path / "log"))
        there.bind(("127.0.0.1", 0))
        tell_syslog(f"unix:{tmp_path}/log", "checkpoint a 1")
        tell_syslog(f"udp:127.0.0.1:{there.getsockname()[1]}", "checkpoint a 2")
        assert b"shieldproxy: checkpoint a 1" in here.recv(1_000)
        assert b"shieldproxy: checkpoint a 2" in there.recv(1_000)


def test_a_syslog_that_is_not_there_is_named(tmp_path: Path) -> None:
    """In words of the system."""
    with pytest.raises(AnchorError, match="nobody"):
        tell_syslog(f"unix:{tmp_path}/nobody", "checkpoint")
