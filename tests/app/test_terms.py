"""Terms: what config.toml says arrives at the part it is meant for."""

from __future__ import annotations

import dataclasses
import ipaddress
import ssl
from pathlib import Path

import pytest

from shieldproxy.app.terms import (
    appearance_of,
    origin_terms,
    origin_tls,
    pace_of,
    policy_of,
    server_tls,
    terms_of,
    within_files,
)
from shieldproxy.core.errors import StartError
from shieldproxy.proxy.terms import ClientAddress
from shieldproxy.settings.certificates import Pair
from shieldproxy.settings.reading import load
from shieldproxy.settings.schema import Settings
from tests.pems import write_pair

PIXEL = bytes.fromhex(
    "89504e470d0a1a0a0000000d494844520000000100000001080600000"
    "01f15c4890000000d49444154789c6360f8cfc000000301010018dd8db00000000049454e44ae426082"
)


def of(*overrides: str) -> Settings:
    """Return the built-in settings, changed."""
    return load(None, overrides)


def test_the_door_gets_its_addresses_times_and_sizes() -> None:
    """Every value of [server] that is the door's is the door's."""
    found = terms_of(
        of(
            'server.client_address="x-forwarded-for"',
            'server.trusted_proxies=["10.0.0.0/8"]',
            'server.hosts=["example.org", "*.example.org"]',
            'server.timeouts={handshake="6s", header="1s", idle="2s", body_idle="3s", body_rate=600, tunnel_idle="4s", write="5s"}',
            'server.sizes={head="4KiB", target="2KiB", headers=20, buffer="8KiB"}',
            "server.max_connections=7",
            "server.max_connections_per_client=6",
            'origin.rate_wait="9s"',
            'origin.stale_if_error="8s"',
            'origin.stale_memory="1MiB"',
        )
    )
    assert (found.stale_if_error, found.stale_memory) == (8.0, 1 << 20)
    assert found.client_address is ClientAddress.FORWARDED_FOR
    assert found.trusted == (ipaddress.ip_network("10.0.0.0/8"),)
    assert found.hosts == {"example.org", "*.example.org"}
    assert (found.header, found.idle, found.body_idle, found.tunnel_idle, found.write) == (1.0, 2.0, 3.0, 4.0, 5.0)
    assert (found.body_rate, found.handshake) == (600, 6.0)
    assert (found.max_head, found.max_target, found.max_headers, found.buffer) == (4_096, 2_048, 20, 8_192)
    assert (found.max_connections, found.max_connections_per_client, found.pace_wait) == (7, 6, 9.0)


@pytest.mark.parametrize(
    ("url", "nameless"),
    [
        ("http://site.example:81", b"site.example:81"),
        ("https://[2001:db8::1]", b"[2001:db8::1]:443"),
        ("unix:/run/site.sock", b"localhost"),
    ],
)
def test_a_request_without_host_is_given_the_origins_name(url: str, nameless: bytes) -> None:
    """HTTP/1.0 clients need not name a site; the origin reads the name by which we reach it."""
    assert terms_of(of(f'origin.url="{url}"')).nameless == nameless


@pytest.mark.parametrize("files", [0, 20, 64, 256, 1_024, 20_000, 10_812, 10_811, 2**62])
def test_there_are_never_more_places_than_files(files: int) -> None:
    """However few files a process may open, its places need no more of them, and some are for visitors."""
    settings = of()
    terms, origin = within_files(terms_of(settings), origin_terms(settings), files)
    assert terms.max_connections >= 1
    assert origin.max_connections >= 1
    if files >= 20:
        assert terms.max_connections + 2 * origin.max_connections <= files
        assert terms.max_connections > origin.max_connections
    if files >= 10_000 + 2 * 256 + 100:
        assert (terms.max_connections, origin.max_connections) == (10_000, 256)


def test_the_pool_learns_where_the_origin_is() -> None:
    """Host and port, or a socket, with the times and sizes of [origin]."""
    found = origin_terms(
        of(
            'origin={url="http://site.example:81", connect_timeout="1s", response_timeout="2s", idle_timeout="3s", max_connections=4}'
        )
    )
    assert (found.host, found.port, found.unix, found.tls) == ("site.example", 81, "", None)
    assert (found.connect, found.response, found.idle, found.max_connections) == (1.0, 2.0, 3.0, 4)
    assert origin_terms(of('origin.url="unix:/run/site.sock"')).unix == "/run/site.sock"


def test_an_https_origin_is_verified_unless_the_operator_says_no() -> None:
    """By default its certificate must be its own; HTTP/1.1 is what we speak."""
    verified = origin_tls(of('origin.url="https://site.example"'))
    trusting = origin_tls(of('origin.url="https://site.example"', "origin.tls_verify=false"))
    assert verified is not None
    assert trusting is not None
    assert (verified.check_hostname, verified.verify_mode) == (True, ssl.CERT_REQUIRED)
    assert (trusting.check_hostname, trusting.verify_mode) == (False, ssl.CERT_NONE)
    assert origin_tls(of()) is None


def test_without_a_certificate_there_is_no_tls() -> None:
    """Plain HTTP, for whoever has a server in front; then nothing bounds handshakes, for there are none."""
    assert server_tls(of()) is None
    assert terms_of(of()).handshake_rate == 0.0


def tls_of(*pairs: Pair, more: str = "") -> Settings:
    """Return settings with these certificates, the first the usual one."""
    usual, *others = pairs
    tables = ", ".join(
        f"{{certificate='{pair.certificate}', key='{pair.key}', names={list(pair.names)}}}" for pair in others
    )
    return of(f"server.tls={{certificate='{usual.certificate}', key='{usual.key}', certificates=[{tables}]{more}}}")


def test_each_certificate_is_shown_for_its_names(tmp_path: Path) -> None:
    """Those in it, or those of the configuration; of two for one name the first in the file."""
    usual = write_pair(tmp_path, "usual", "www.example.org", "example.org")
    other = write_pair(tmp_path, "other", "www.example.org", "*.example.net")
    third = dataclasses.replace(write_pair(tmp_path, "third", "third.example"), names=("a.example",))
    found = server_tls(tls_of(usual, other, third, more=", handshake_rate=5, handshake_burst=7"))
    assert found is not None
    assert set(found.named) == {"www.example.org", "example.org", "*.example.net", "a.example"}
    assert found.shown_to("") is found.shown_to("www.example.org") is found.usual
    assert found.shown_to("b.example.net") is not found.usual
    assert found.shown_to("a.example") not in {found.usual, found.shown_to("b.example.net")}
    terms = terms_of(tls_of(usual, more=", handshake_rate=5, handshake_burst=7"))
    assert (terms.handshake_rate, terms.handshake_burst) == (5.0, 7.0)


def test_a_file_that_broke_since_is_named(tmp_path: Path) -> None:
    """A worker that starts anew while somebody replaces the files says which they are, and is started again."""
    usual, other = write_pair(tmp_path, "usual", "a.example"), write_pair(tmp_path, "other", "b.example")
    settings = tls_of(usual, other)
    other.key.write_bytes(usual.key.read_bytes())
    with pytest.raises(StartError, match=r"other\.pem and .*other\.key cannot be used any more"):
        server_tls(settings)


def test_only_what_nobody_has_broken_is_spoken(tmp_path: Path) -> None:
    """TLS 1.2 and 1.3, keys that are forgotten, ciphers that authenticate; no renegotiation."""
    found = server_tls(tls_of(write_pair(tmp_path, "usual", "example.org")))
    assert found is not None
    context = found.usual
    assert context.minimum_version is ssl.TLSVersion.TLSv1_2
    assert context.options & ssl.OP_NO_RENEGOTIATION
    for cipher in context.get_ciphers():
        assert cipher["aead"], cipher["name"]
        assert cipher["name"].startswith(("TLS_", "ECDHE-")), cipher["name"]


@pytest.mark.parametrize(
    ("rate", "workers", "tokens", "seconds"),
    [(100, 1, 100.0, 1.0), (100, 4, 25.0, 1.0), (1, 1, 1.0, 1.0), (1, 4, 1.0, 4.0)],
)
def test_the_pace_of_the_site_is_shared_by_its_workers(rate: int, workers: int, tokens: float, seconds: float) -> None:
    """Together they let through what the configuration says for the site, also when that is less than one each."""
    pace = pace_of(of(f"origin.rate={rate}"), workers)
    assert pace is not None
    assert (pace.max_rate, pace.time_period) == (tokens, seconds)


async def test_no_rate_is_no_pace() -> None:
    """0 says: as many as pass the judge."""
    assert pace_of(of(), 2) is None


def test_whom_an_operator_let_through_is_exempt() -> None:
    """Beside those of the configuration; the digest is that of the configuration alone."""
    settings = of('exempt.clients=["192.0.2.1"]')
    allowed = ipaddress.ip_network("198.51.100.0/24")
    policy = policy_of(settings, (allowed,))
    assert policy.exempt.clients == (ipaddress.ip_network("192.0.2.1"), allowed)
    assert policy.digest == policy_of(settings, ()).digest


def test_pages_look_as_the_operator_wants(tmp_path: Path) -> None:
    """Contact, title, text and logo; a logo that cannot be read is left out, and the pages are shown without."""
    (tmp_path / "logo.png").write_bytes(PIXEL)
    settings = of('challenge={contact="help@example.org", title="Town", text="Hello."}')
    shown = dataclasses.replace(settings, challenge=dataclasses.replace(settings.challenge, logo=tmp_path / "logo.png"))
    found = appearance_of(shown)
    assert (found.contact, found.title, found.text) == ("help@example.org", "Town", "Hello.")
    assert found.logo.startswith("data:image/png;base64,")
    (tmp_path / "logo.png").unlink()
    assert appearance_of(shown).logo == ""
