"""TLS as OpenSSL, curl, Chromium and a botnet speak it with a real node."""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import shutil
import socket
import ssl
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, closing
from pathlib import Path

import pytest

from tests.e2e.conftest import Start
from tests.e2e.nodes import Node, until
from tests.e2e.origins import Moody
from tests.guard.chromium import ARGUMENTS, CHROMIUM
from tests.pems import write_pair
from tests.proxy.hellos import PYTHON

OPENSSL = shutil.which("openssl") or ""
CURL = shutil.which("curl") or ""
HAPROXY = shutil.which("haproxy", path=f"{os.environ.get('PATH', '')}:/usr/sbin") or ""
ANYBODY = (
    "[limits.client]\nscope = 'client'\nrate = 10000\nburst = 10000\n"
    "[[rules]]\nname = 'nobody'\nwhen = { country = 'AQ' }\nweight = 1\n"
)
EXTENSION = re.compile(r"extension_type=\w+\((\d+)\)")
CIPHER = re.compile(r"^\s+\{0x([0-9A-F]{2}), 0x([0-9A-F]{2})\}", re.MULTILINE)
SIGNATURE = re.compile(r"^\s+\w+ \(0x([0-9a-f]{4})\)", re.MULTILINE)

pytestmark = pytest.mark.skipif(not OPENSSL, reason="openssl")


def configuration(folder: Path) -> str:
    """Return what a node says of its certificates: the usual one (localhost) and one for *.example.org."""
    usual, other = write_pair(folder, "usual", "localhost"), write_pair(folder, "other", "*.example.org")
    return (
        f"[server.tls]\ncertificate = '{usual.certificate}'\nkey = '{usual.key}'\n"
        f"[[server.tls.certificates]]\ncertificate = '{other.certificate}'\nkey = '{other.key}'\n" + ANYBODY
    )


@pytest.fixture
def node(start: Start, moody: Moody, tmp_path: Path) -> Node:
    """A node whose records are one test's."""
    return start(moody.url, configuration(tmp_path))


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Node]:
    """A node for tests that look at handshakes alone."""
    folder = tmp_path_factory.mktemp("shared")
    with closing(Moody()) as origin, closing(Node(folder, origin.url, configuration(folder))) as started:
        yield started.start()


def client(node: Node, *options: str, said: str = "") -> subprocess.CompletedProcess[str]:
    """Let OpenSSL's client do a handshake with ``node``, say something, and end."""
    return subprocess.run(
        (OPENSSL, "s_client", "-connect", f"127.0.0.1:{node.port}", *options),
        input=said,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.mark.parametrize(
    ("options", "spoken"),
    [
        (("-tls1_3",), "TLSv1.3"),
        (("-tls1_2",), "TLSv1.2"),
        (("-tls1_2", "-cipher", "ECDHE-ECDSA-AES128-GCM-SHA256"), "TLSv1.2"),
        (("-tls1_2", "-cipher", "ECDHE-ECDSA-CHACHA20-POLY1305"), "TLSv1.2"),
        (("-tls1_1", "-cipher", "ALL:@SECLEVEL=0"), ""),
        (("-tls1", "-cipher", "ALL:@SECLEVEL=0"), ""),
        (("-tls1_2", "-cipher", "ECDHE-ECDSA-AES128-SHA256"), ""),
        (("-tls1_2", "-cipher", "ECDHE-ECDSA-AES256-SHA:@SECLEVEL=0"), ""),
        (("-tls1_2", "-cipher", "AES128-GCM-SHA256"), ""),
        (("-tls1_2", "-cipher", "DHE-RSA-AES128-GCM-SHA256"), ""),
        (("-tls1_2", "-cipher", "aNULL:@SECLEVEL=0"), ""),
    ],
)
def test_old_protocols_and_weak_ciphers_are_refused(shared: Node, options: tuple[str, ...], spoken: str) -> None:
    """TLS 1.2 and 1.3 with ciphers that authenticate and keys that are forgotten; nothing else gets a session."""
    said = client(shared, *options).stdout
    found = re.search(r"^\s*Protocol\s*: (\S+)$|^New, (\S+), Cipher is (?!\(NONE\))", said, re.MULTILINE)
    if spoken:
        assert f"New, {spoken}, Cipher is " in said
    else:
        assert "Cipher is (NONE)" in said or found is None
        assert "BEGIN CERTIFICATE" not in said


def test_http_is_what_is_agreed_on(shared: Node) -> None:
    """http/1.1 of all a client offers; one that speaks no HTTP/1.1 is told by the alert there is for it."""
    assert "ALPN protocol: http/1.1" in client(shared, "-alpn", "h2,http/1.1").stdout
    assert "No ALPN negotiated" in client(shared).stdout
    refused = client(shared, "-alpn", "h2")
    assert "no application protocol" in refused.stderr
    assert "Cipher is (NONE)" in refused.stdout


def test_nobody_begins_anew_within_a_connection(shared: Node) -> None:
    """Renegotiation, which costs a client little and us much, is refused."""
    said = client(shared, "-tls1_2", said="R\n")
    assert "RENEGOTIATING" in said.stderr + said.stdout
    assert re.search(r"no renegotiation|unexpected|ssl/tls alert|:error:", said.stderr)


def from_trace(trace: str) -> str:
    """Return the JA4 of the first hello in what OpenSSL's -trace says of it: its own reading, and our own sums."""
    hello = trace.partition("ClientHello")[2].partition("Received Record")[0]
    ciphers = sorted(f"{high}{low}".lower() for high, low in CIPHER.findall(hello))
    extensions = [int(kind) for kind in EXTENSION.findall(hello)]
    signatures = SIGNATURE.findall(hello.partition("signature_algorithms(13)")[2].partition("extension_type=")[0])
    kinds = ",".join(f"{kind:04x}" for kind in sorted(extensions) if kind not in (0, 16))
    hashes = [
        hashlib.sha256(text.encode()).hexdigest()[:12]
        for text in (",".join(ciphers), f"{kinds}_{','.join(signatures)}")
    ]
    named = "d" if 0 in extensions else "i"
    protocol = "h1" if 16 in extensions else "00"
    return f"t13{named}{len(ciphers):02}{len(extensions):02}{protocol}_{'_'.join(hashes)}"


@pytest.mark.parametrize("name", ["www.example.org", ""])
def test_the_fingerprint_is_what_openssl_says_of_its_hello(node: Node, name: str) -> None:
    """With and without a name and protocols: the record has what follows from OpenSSL's own account of the hello."""
    options = ("-servername", name, "-alpn", "http/1.1") if name else ("-noservername",)
    said = client(
        node,
        "-trace",
        "-ign_eof",
        *options,
        said="GET / HTTP/1.1\r\nHost: www.example.org\r\nConnection: close\r\n\r\n",
    )
    assert "HTTP/1.1 200 OK" in said.stdout
    expected = from_trace(said.stdout)
    (record,) = until(lambda: node.logged("--action", "any"), "a record")
    assert record["ja4"] == expected
    assert record["tls"] == "TLSv1.3"
    assert [one["id"] for one in node.logged("--action", "any", "--ja4", expected[:10] + "*")] == [record["id"]]
    assert node.logged("--action", "any", "--ja4", "t12*") == []
    explained = node.cli("explain", record["id"]).out
    assert f"TLS fingerprint (JA4) {expected}" in explained


@pytest.mark.skipif(not CURL, reason="curl")
def test_curl_verifies_each_name(node: Node, tmp_path: Path) -> None:
    """Each site has its own certificate; a name nobody has is shown the usual one, which is not its own."""

    def ask(name: str, authority: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            (
                CURL, "-sS", "--max-time", "30", "--cacert", str(tmp_path / authority), "-o", "/dev/null", "-w",
                "%{http_code} %{http_version}", "--resolve", f"{name}:{node.port}:127.0.0.1", f"https://{name}:{node.port}/",
            ),
            capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip

    assert ask("localhost", "usual.pem").stdout == "200 1.1"
    assert ask("www.example.org", "other.pem").stdout == "200 1.1"
    refused = ask("example.net", "usual.pem")
    assert refused.returncode == 60
    assert "no alternative certificate subject name matches" in refused.stderr
    records = until(lambda: node.logged("--action", "any"), "records")
    assert len({record["ja4"] for record in records}) == 1
    assert re.fullmatch(r"t13d\d{4}h2_[0-9a-f]{12}_[0-9a-f]{12}", records[0]["ja4"])


@pytest.mark.skipif(not CHROMIUM.exists(), reason="chromium")
def test_chromium_is_told_by_the_fingerprint_all_chromiums_have(node: Node, tmp_path: Path) -> None:
    """Its ciphers are those that FoxIO lists for it (8daaf6152771), sorted out of an order that changes each time."""
    for _ in range(2):
        subprocess.run(
            (
                str(CHROMIUM), *ARGUMENTS, "--headless=new", "--ignore-certificate-errors", "--no-proxy-server",
                f"--user-data-dir={tmp_path}/profile", "--dump-dom", f"https://localhost:{node.port}/",
            ),
            capture_output=True, timeout=110, check=False,
        )  # fmt: skip
    records = until(lambda: node.logged("--action", "any", "--path", "/"), "records")
    assert len(records) >= 2
    for record in records:
        assert re.fullmatch(r"t13d15\d\dh2_8daaf6152771_[0-9a-f]{12}", record["ja4"])
        assert "Chrome" in record["user_agent"]
    assert len({record["ja4"] for record in records}) == 1


def test_thousands_of_half_open_handshakes_leave_others_alone(node: Node) -> None:
    """3,000 that stop within the hello, from one client: it keeps its places and no more, and others are served."""
    context = ssl.create_default_context(cafile=str(node.folder / "usual.pem"))

    def good(source: str) -> bool:
        with (
            socket.create_connection(("127.0.0.1", node.port), timeout=60, source_address=(source, 0)) as plain,
            context.wrap_socket(plain, server_hostname="localhost") as secure,
        ):
            secure.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
            return secure.recv(65_536).startswith(b"HTTP/1.1 200 ")

    pid = node.worker_pids()[0]
    before, worst = resident(pid), 0
    with contextlib.ExitStack() as hanging:
        for number in range(3_000):
            with contextlib.suppress(ConnectionError):
                one = hanging.enter_context(
                    socket.create_connection(("127.0.0.1", node.port), timeout=60, source_address=("127.0.0.66", 0))
                )
                one.sendall(PYTHON[: 1 + number % 500])
            if number % 250 == 0:
                assert good(f"127.0.2.{1 + number // 250}")
                worst = max(worst, len(list(Path(f"/proc/{pid}/fd").iterdir())))
        assert good("127.0.3.1")
        assert good("127.0.3.2")
    # 256 places for one client (server.max_connections_per_client), and what a worker has open besides.
    assert worst < 256 + 150
    assert resident(pid) - before < 32 << 20
    metrics = until(lambda: counted(node).get("refused"), "refusals, counted")
    assert metrics > 1_000
    until(lambda: counted(node)["done"] >= 14, "the good ones, counted")


@pytest.mark.skipif(not HAPROXY, reason="haproxy")
def test_haproxy_passes_tls_through_and_says_for_whom(tmp_path: Path, moody: Moody) -> None:
    """It announces each visitor in the clear before their TLS: certificate, address and JA4 are right behind it."""
    with ExitStack() as running, socket.create_server(("127.0.0.1", 0)) as taken:
        node = running.enter_context(closing(Node(tmp_path, moody.url, configuration(tmp_path))))
        node.edit('client_address = "x-forwarded-for"', 'client_address = "proxy-protocol"')
        node.start()
        port = taken.getsockname()[1]
        taken.close()
        (tmp_path / "haproxy.cfg").write_text(
            "defaults\n    mode tcp\n    timeout connect 10s\n    timeout client 60s\n    timeout server 60s\n"
            f"listen front\n    bind 127.0.0.1:{port}\n    server node 127.0.0.1:{node.port} send-proxy-v2\n"
        )
        front = running.enter_context(subprocess.Popen((HAPROXY, "-db", "-f", str(tmp_path / "haproxy.cfg"))))
        running.callback(front.terminate)

        def ask() -> subprocess.CompletedProcess[str]:
            return subprocess.run(
                (
                    OPENSSL, "s_client", "-ign_eof", "-trace", "-alpn", "http/1.1", "-servername", "www.example.org",
                    "-bind", "127.0.0.5:0", "-connect", f"127.0.0.1:{port}",
                ),
                input="GET / HTTP/1.1\r\nHost: www.example.org\r\nConnection: close\r\n\r\n",
                capture_output=True, text=True, timeout=60, check=False,
            )  # fmt: skip

        said = until(lambda: (found := ask()).returncode == 0 and found, "an answer through HAProxy")
        assert "HTTP/1.1 200 OK" in said.stdout
        assert "subject=CN = other" in said.stdout
        (record,) = until(lambda: node.logged("--action", "any"), "a record")
        assert (record["src_ip"], record["dst_port"], record["tls"]) == ("127.0.0.5", port, "TLSv1.3")
        assert record["ja4"] == from_trace(said.stdout)


def resident(pid: int) -> int:
    """Return how much memory a process holds (bytes)."""
    found = re.search(r"VmRSS:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text())
    assert found is not None
    return int(found[1]) << 10


def counted(node: Node) -> dict[str, float]:
    """Return the node's handshakes by how they ended."""
    with socket.socket(socket.AF_UNIX) as control:
        control.settimeout(20)
        control.connect(str(node.folder / "control"))
        control.sendall(b"GET /metrics HTTP/1.0\r\nHost: localhost\r\n\r\n")
        said = b"".join(iter(lambda: control.recv(65_536), b"")).decode()
    found = re.findall(r'^shieldproxy_handshakes_total\{result="(\w+)"\} (\S+)$', said, re.MULTILINE)
    return {result: float(count) for result, count in found}
