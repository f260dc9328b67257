"""A reload follows what an operator changed: certificate, origin, pace; and says what waits for the next start."""

from __future__ import annotations

import re
import signal
import socket
import ssl
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from tests.e2e.conftest import Start
from tests.e2e.nodes import Node, until
from tests.e2e.origins import Moody
from tests.pems import subject_of, write_pair

JA4 = re.compile(r"t13d\d{4}00_[0-9a-f]{12}_[0-9a-f]{12}")
OPEN = "[limits.client]\nscope = 'client'\nrate = 10000\nburst = 10000\n"
# No rule about the looks of a request: these tests do not look like a browser.
ANYBODY = "[[rules]]\nname = 'nobody'\nwhen = { country = 'AQ' }\nweight = 1\n" + OPEN


def shown(node: Node, name: str = "localhost") -> str:
    """Return which certificate a new visitor is shown who asks for ``name``, and ask for a page over it."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    with (
        socket.create_connection(("127.0.0.1", node.port), timeout=20) as plain,
        context.wrap_socket(plain, server_hostname=name) as secure,
    ):
        secure.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        assert secure.recv(65_536).startswith(b"HTTP/1.1 200 ")
        return subject_of(secure.getpeercert(binary_form=True) or b"")


@contextmanager
def speaking(node: Node) -> Iterator[ssl.SSLSocket]:
    """A visitor's connection that stays open."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    with (
        socket.create_connection(("127.0.0.1", node.port), timeout=20) as plain,
        context.wrap_socket(plain, server_hostname="localhost") as secure,
    ):
        yield secure


def page_over(secure: ssl.SSLSocket) -> bool:
    """Tell whether a page comes over a connection that stays open."""
    secure.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
    return secure.recv(65_536).startswith(b"HTTP/1.1 200 ")


def test_a_renewed_certificate_is_shown(start: Start, moody: Moody, tmp_path: Path) -> None:
    """Whatever renews it sends a hangup; the next visitor sees the new one, and nobody is cut off."""
    pair = write_pair(tmp_path, "first", "localhost")
    tls = f"[server.tls]\ncertificate = '{pair.certificate}'\nkey = '{pair.key}'\n"
    node = start(moody.url, tls + ANYBODY)
    assert shown(node) == "first"
    with speaking(node) as kept:
        assert page_over(kept)
        renewed = write_pair(tmp_path, "second", "localhost")
        renewed.certificate.replace(pair.certificate)
        renewed.key.replace(pair.key)
        node.signal(signal.SIGHUP)
        until(lambda: shown(node) == "second", "the new certificate")
        assert page_over(kept)
    records = until(lambda: node.logged("--action", "any"), "records")
    assert {record["tls"] for record in records} <= {"TLSv1.2", "TLSv1.3"}
    assert all(JA4.fullmatch(record["ja4"]) for record in records)


def test_certificates_come_and_go_with_a_reload(start: Start, moody: Moody, tmp_path: Path) -> None:
    """One more for a name of its own; a broken one changes nothing, says where, and nobody is cut off."""
    usual, other = write_pair(tmp_path, "usual", "localhost"), write_pair(tmp_path, "other", "*.example.org")
    tls = f"[server.tls]\ncertificate = '{usual.certificate}'\nkey = '{usual.key}'\n"
    more = f"[[server.tls.certificates]]\ncertificate = '{other.certificate}'\nkey = '{other.key}'\n"
    node = start(moody.url, tls + ANYBODY)
    assert shown(node, "www.example.org") == "usual"
    with speaking(node) as kept:
        node.edit(tls, tls + more)
        node.signal(signal.SIGHUP)
        until(lambda: shown(node, "www.example.org") == "other", "the certificate for the name")
        assert shown(node, "example.org") == shown(node) == "usual"
        write_pair(tmp_path, "third").key.replace(other.key)
        node.signal(signal.SIGHUP)
        refused = until(lambda: node.status()["reload_refused"], "the refusal")
        assert "server.tls.certificates[1].key" in refused[0]
        assert "is not the key of the first certificate in" in refused[0]
        assert shown(node, "www.example.org") == "other"
        assert page_over(kept)


def test_another_origin_is_asked_and_the_rest_is_named(start: Start, moody: Moody) -> None:
    """Where the site is changes at once; where visitors arrive does not, and the operator is told."""
    with closing(Moody()) as other:
        node = start(moody.url, OPEN)
        assert node.get("/").status == 200
        moody.close()
        assert node.get("/").status == 502
        node.edit(moody.url, other.url)
        node.edit('["127.0.0.1:0"]', '["127.0.0.1:1"]')
        said = node.cli("reload")
        assert said.code == 0
        assert "server.listen is taken over at the next start" in said.err
        until(lambda: node.get("/").status == 200, "the new origin")
        status = node.status()
        assert status["origin"]["url"] == other.url
        assert status["waiting"] == ["server.listen"]
        assert status["listen"] == [f"127.0.0.1:{node.port}"]
