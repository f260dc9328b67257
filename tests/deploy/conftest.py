"""The whole product behind a server that ends TLS: real processes, real files of deploy/, loopback only."""

from __future__ import annotations

import asyncio
import contextlib
import json
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from benchmarks.processes import free_port

DEPLOY = Path(__file__).parent.parent.parent / "deploy"
SITE = "www.example.org"
PATIENCE = 20.0


def adapted(name: str, changes: dict[str, str]) -> str:
    """Return a file of deploy/ with places of this test in it; each must stand in the file as it is shipped."""
    text = (DEPLOY / name).read_text(encoding="utf-8")
    for shipped, here in changes.items():
        assert shipped in text, f"{name} does not hold {shipped!r}"
        text = text.replace(shipped, here)
    return text


def certify(directory: Path) -> tuple[Path, Path, Path]:
    """Write a certificate for SITE signed by itself; return the paths of certificate, key, and both in one."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, SITE)])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=2))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(SITE)]), critical=False)
        .sign(key, hashes.SHA256())
    )
    public = certificate.public_bytes(serialization.Encoding.PEM)
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    paths = directory / "site.crt", directory / "site.key", directory / "site.pem"
    for path, data in zip(paths, (public, private, public + private), strict=True):
        path.write_bytes(data)
    return paths


@dataclass
class Visit:
    """What curl saw: the answer, over which version of HTTP, and from which port it asked."""

    status: int
    http: str
    port: int
    body: str


@dataclass
class Stand:
    """An origin, a node before it, and room for a server before that."""

    directory: Path
    node_port: int
    control_port: int
    front_port: int
    certificate: Path
    key: Path
    both: Path
    heads: list[str] = field(default_factory=list)
    processes: list[asyncio.subprocess.Process] = field(default_factory=list)

    async def start(self, *command: str, until: Callable[[str], bool] | None = None) -> None:
        """Start a process of the stand; return when ``until`` holds for a line of its output, or at once."""
        process = await asyncio.create_subprocess_exec(
            *command, cwd=self.directory, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
        )
        self.processes.append(process)
        assert process.stdout is not None
        seen = ""
        async with asyncio.timeout(PATIENCE):
            while until is not None:
                line = (await process.stdout.readline()).decode()
                seen += line
                assert line, f"{command[0]} ended: {seen}"
                if until(line):
                    return

    async def front(self, *command: str) -> None:
        """Start the server that ends TLS; return when it accepts."""
        await self.start(*command)
        for _ in range(int(PATIENCE * 20)):
            if self.processes[-1].returncode is not None:
                said = await self.processes[-1].communicate()
                raise AssertionError(f"{command[0]} ended: {said[0].decode()}")
            with contextlib.suppress(OSError):
                _, writer = await asyncio.open_connection("127.0.0.1", self.front_port)
                writer.close()
                return
            await asyncio.sleep(0.05)
        raise AssertionError(f"{command[0]} does not accept")

    async def curl(self, path: str, *options: str, address: str = "127.0.0.1") -> Visit:
        """Ask for ``path`` over TLS and HTTP/2, if the server in front speaks it, from ``address``."""
        place = f"{SITE}:{self.front_port}"
        told = "\n%{http_code} %{http_version} %{local_port}"
        process = await asyncio.create_subprocess_exec(
            *("curl", "-sS", "--http2", "--max-time", "10", "--cacert", str(self.certificate)),
            *(
                "--resolve",
                f"{place}:127.0.0.1",
                "--interface",
                address,
                "-w",
                told,
                *options,
                f"https://{place}{path}",
            ),
            stdout=asyncio.subprocess.PIPE,
        )
        out, _ = await process.communicate()
        assert process.returncode == 0, f"curl: {process.returncode}"
        body, _, words = out.decode().rpartition("\n")
        status, http, port = words.split()
        return Visit(int(status), http, int(port), body)

    async def record(self, path: str) -> dict[str, Any]:
        """Return the record of the request for ``path`` as soon as it is written."""
        for _ in range(int(PATIENCE * 20)):
            for segment in (self.directory / "journal").glob("????-??-??/*.jsonl*"):
                for line in segment.read_text().splitlines():
                    found: dict[str, Any] = json.loads(line)
                    if found["path"] == path:
                        return found
            await asyncio.sleep(0.05)
        raise AssertionError(f"no record of {path}")

    async def close(self) -> None:
        for process in reversed(self.processes):
            if process.returncode is None:
                process.terminate()
        for process in self.processes:
            await asyncio.wait_for(process.wait(), PATIENCE)
            # What it still had to say is read to its end, so that the pipe closes in order.
            if process.stdout is not None:
                await process.stdout.read()


Raise = Callable[..., Awaitable[Stand]]


@pytest.fixture
async def raise_stand(tmp_path: Path) -> AsyncIterator[Raise]:
    """A function that starts an origin and a node before it that hears of visitors as ``client_address`` says."""
    stands: list[Stand] = []
    servers: list[asyncio.Server] = []

    async def raise_one(client_address: str, more: str = "") -> Stand:
        stand = Stand(tmp_path, free_port(), free_port(), free_port(), *certify(tmp_path))
        stands.append(stand)
        servers.append(await asyncio.start_server(lambda r, w: answer(stand, r, w), "127.0.0.1", 0))
        origin = servers[-1].sockets[0].getsockname()[1]
        config = tmp_path / "config.toml"
        config.write_text(
            f"""
            [server]
            listen = ["127.0.0.1:{stand.node_port}"]
            workers = 1
            trusted_proxies = ["127.0.0.1"]
            client_address = "{client_address}"
            drain = "1s"
            [origin]
            url = "http://127.0.0.1:{origin}"
            [journal]
            directory = "journal"
            [state]
            directory = "state"
            [control]
            listen = "127.0.0.1:{stand.control_port}"
            {more}
            """
        )
        command = (sys.executable, "-m", "shieldproxy", "run", "-c", str(config))
        await stand.start(*command, until=lambda line: line.startswith("shieldproxy ready"))
        return stand

    yield raise_one
    for stand in stands:
        await stand.close()
    for server in servers:
        server.close()


async def answer(stand: Stand, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Be the origin: keep each head and say hello."""
    with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
        while True:
            stand.heads.append((await reader.readuntil(b"\r\n\r\n")).decode("latin-1"))
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello")
            await writer.drain()
    writer.close()
