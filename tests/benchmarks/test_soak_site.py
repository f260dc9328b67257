"""The site behind a soak."""

from __future__ import annotations

import hashlib

from aiohttp.test_utils import TestClient, TestServer

from benchmarks.origin import PAGE
from benchmarks.soak_site import site


async def test_answers_each_as_the_visitors_expect() -> None:
    """A page everywhere, the hash of what is sent, and every message back."""
    async with TestClient(TestServer(site())) as client:
        assert await (await client.get("/any/where")).read() == PAGE
        answer = await client.post("/open/upload", data=b"a file")
        assert await answer.text() == hashlib.sha256(b"a file").hexdigest()
        async with client.ws_connect("/open/echo") as socket:
            await socket.send_bytes(b"hello")
            assert await socket.receive_bytes() == b"hello"
