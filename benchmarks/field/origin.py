"""The site of the field, a process of its own: pages that cost a little, and a line for each request it saw.

``python -m benchmarks.field.origin PORT FILE`` serves on 127.0.0.1 until its standard input ends, then writes one line
a request to FILE: seconds of the monotonic clock, the client as the proxy named it, seconds the answer took.
"""

from __future__ import annotations

import asyncio
import contextlib
import sys
import time
from pathlib import Path

# What a page costs the site, and how many it makes at once: 800 pages a second, then visitors queue.
WORK = 0.005
AT_ONCE = 4
PARTS = (b".css", b".js", b".svg", b".png", b".ico", b".json")
HEAD_LIMIT = 1 << 16
PAGE = b"<!doctype html><title>Town hall</title>" + b"<p>We are glad to help you on the telephone.</p>" * 80
PART = b"/* a part of a page */" * 100
TYPES = {True: b"text/css", False: b"text/html"}


class Site:
    """Answers, and remembers who asked when."""

    def __init__(self) -> None:
        self.seen: list[tuple[float, str, float]] = []
        self._gate = asyncio.Semaphore(AT_ONCE)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one connection."""
        with contextlib.suppress(OSError, EOFError, asyncio.LimitOverrunError):
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                begun = time.monotonic()
                lines = head.split(b"\r\n")
                fields = {
                    name.lower(): value.strip() for name, _, value in (line.partition(b":") for line in lines[1:])
                }
                if b"content-length" in fields:
                    await reader.readexactly(int(fields[b"content-length"]))
                part = lines[0].split(b" ")[1].partition(b"?")[0].endswith(PARTS)
                if not part:
                    async with self._gate:
                        await asyncio.sleep(WORK)
                body = PART if part else PAGE
                writer.write(
                    b"HTTP/1.1 200 OK\r\nContent-Type: %s\r\nContent-Length: %d\r\n\r\n" % (TYPES[part], len(body))
                    + body
                )
                await writer.drain()
                client = fields.get(b"x-forwarded-for", b"").partition(b",")[0].decode("latin-1")
                self.seen.append((begun, client, 0.0 if part else time.monotonic() - begun))
        writer.close()


async def main(port: int, file: Path) -> None:
    """Serve until standard input ends."""
    site = Site()
    server = await asyncio.start_server(site.serve, "127.0.0.1", port, limit=HEAD_LIMIT, backlog=1024)
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    await asyncio.to_thread(sys.stdin.read)
    server.close()
    await asyncio.to_thread(
        file.write_text, "".join(f"{at:.4f} {client} {took:.4f}\n" for at, client, took in site.seen), "ascii"
    )


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]), Path(sys.argv[2])))
