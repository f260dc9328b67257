"""A reload follows what an operator changed: certificate, origin, pace; and says what waits for the next start."""

from __future__ import annotations

import datetime as dt
import ipaddress
import signal
import socket
import ssl
from contextlib import closing
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tests.e2e.conftest import Start
from tests.e2e.nodes import Node, until
from tests.e2e.origins import Moody

OPEN = "[limits.client]\nscope = 'client'\nrate = 10000\nburst = 10000\n"


def certify(folder: Path, name: str) -> None:
    """Write a certificate for ``name`` and its key, in place of earlier ones."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    day = dt.timedelta(days=1)
    now = dt.datetime.now(dt.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - day)
        .not_valid_after(now + day)
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .sign(key, hashes.SHA256())
    )
    (folder / "cert.pem").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    (folder / "key.pem").write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )


def shown(node: Node) -> str:
    """Return the name in the certificate that a new visitor is shown, and ask for a page over it."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    with (
        socket.create_connection(("127.0.0.1", node.port), timeout=20) as plain,
        context.wrap_socket(plain, server_hostname="localhost") as secure,
    ):
        secure.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        assert secure.recv(65_536).startswith(b"HTTP/1.1 200 ")
        found = x509.load_der_x509_certificate(secure.getpeercert(binary_form=True) or b"")
    return str(found.subject.get_attributes_for_oid(NameOID.COMMON_NAME)[0].value)


def test_a_renewed_certificate_is_shown(start: Start, moody: Moody, tmp_path: Path) -> None:
    """Whatever renews it sends a hangup; the next visitor sees the new one, and nobody is cut off."""
    certify(tmp_path, "first")
    tls = f"[server.tls]\ncertificate = '{tmp_path}/cert.pem'\nkey = '{tmp_path}/key.pem'\n"
    node = start(moody.url, tls + "[[rules]]\nname = 'nobody'\nwhen = { country = 'AQ' }\nweight = 1\n" + OPEN)
    assert shown(node) == "first"
    certify(tmp_path, "second")
    node.signal(signal.SIGHUP)
    until(lambda: shown(node) == "second", "the new certificate")
    records = until(lambda: node.logged("--action", "any"), "records")
    assert {record["tls"] for record in records} <= {"TLSv1.2", "TLSv1.3"}


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
