"""A raw client for the table: sends a case, hears every answer, and asks once more where the connection is kept."""

from __future__ import annotations

import asyncio
import contextlib
from typing import NamedTuple

from tests.proxy.conformance.case import Case

# Asked behind a case on a kept connection: whoever is out of step answers something else.
PROBE = b"GET /probe HTTP/1.1\r\nHost: site.example\r\nConnection: close\r\n\r\n"
PROBED = "GET /probe"


class Heard(NamedTuple):
    """What the client heard: the final answers in order, their bodies, and whether the probe was answered."""

    statuses: tuple[int, ...]
    bodies: tuple[bytes, ...]
    probed: bool


async def converse(port: int, case: Case, *, patience: float = 5.0, eager: bool = False) -> Heard:
    """Send ``case`` to 127.0.0.1:``port`` and return what is heard.

    The probe is sent when as many answers have come as the case expects; ``eager``: also after ``patience`` seconds
    of silence, for servers that may see the case differently.
    """
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    statuses: list[int] = []
    bodies: list[bytes] = []
    probed = answered = False
    bodiless = case.data.startswith(b"HEAD ")
    try:
        for packet in case.packets or (case.data,):
            writer.write(packet)
            await asyncio.sleep(0.001 if case.packets else 0)
        while True:
            if len(statuses) == len(case.statuses) and not probed:
                writer.write(PROBE)
                probed = True
            try:
                found = await asyncio.wait_for(read_answer(reader, bodiless=bodiless and not statuses), patience)
            except TimeoutError:
                if not eager or probed:
                    break
                writer.write(PROBE)
                probed = True
                continue
            if found is None:
                break
            if found[1] == PROBED.encode() and probed:
                answered = True
            else:
                statuses.append(found[0])
                bodies.append(found[1])
            if found[2]:
                probed = True
    finally:
        writer.close()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()
    return Heard(tuple(statuses), tuple(bodies), answered)


async def read_answer(reader: asyncio.StreamReader, *, bodiless: bool) -> tuple[int, bytes, bool] | None:
    """Return the next final answer: status, body, whether the connection ends behind it; None at the end."""
    while True:
        try:
            head = await reader.readuntil(b"\r\n\r\n")
            status = int(head.split(b" ", 2)[1])
            if 100 <= status < 200:
                continue
            lower = head.lower()
            close = b"\r\nconnection: close" in lower
            if bodiless:
                return status, b"", close
            _, found, behind = lower.partition(b"\r\ncontent-length: ")
            body = await reader.readexactly(int(behind.split(b"\r\n")[0])) if found else await reader.read()
            return status, body, close
        except (asyncio.IncompleteReadError, ConnectionError, ValueError, IndexError):
            return None
