"""Where we listen, where the origin is, which names and networks there are."""

from __future__ import annotations

import pytest

from shieldproxy.settings.endpoints import (
    Listen,
    OriginUrl,
    listen,
    network,
    origin_url,
    own_path,
    site_name,
)
from shieldproxy.settings.values import Wrong


@pytest.mark.parametrize(
    ("text", "expected", "written"),
    [
        ("127.0.0.1:8080", Listen("127.0.0.1", 8080), "127.0.0.1:8080"),
        ("0.0.0.0:0", Listen("0.0.0.0", 0), "0.0.0.0:0"),
        ("[::1]:65535", Listen("::1", 65_535), "[::1]:65535"),
        ("[2001:DB8:0::1]:80", Listen("2001:db8::1", 80), "[2001:db8::1]:80"),
        ("localhost:80", Listen("127.0.0.1", 80), "127.0.0.1:80"),
        ("unix:/run/x.sock", Listen(path="/run/x.sock"), "unix:/run/x.sock"),
    ],
)
def test_a_place_to_listen_is_read_and_written(text: str, expected: Listen, written: str) -> None:
    """An address with a port, or a unix socket; written again it is the same place."""
    assert listen(text) == expected
    assert str(expected) == written
    assert listen(written) == expected


@pytest.mark.parametrize(
    "text",
    [
        "8080",
        ":8080",
        "127.0.0.1",
        "127.0.0.1:",
        "127.0.0.1:65536",
        "127.0.0.1:-1",
        "127.0.0.1:+1",
        "127.0.0.1:\u0663",
        "::1:80",
        "[127.0.0.1]:80",
        "[::1]",
        "[::1]80",
        "example.org:80",
        "127.0.0.1:80/",
        "",
        "unix:",
        "unix:x",
        "unix:/",
        "unix:/" + "x" * 107,
        "unix:/a\nb",
        "http://127.0.0.1:80",
        80,
        None,
    ],
)
def test_what_is_no_place_to_listen_is_wrong(text: object) -> None:
    """Missing or impossible ports, names, and sockets without an absolute path are refused."""
    with pytest.raises(Wrong, match="allowed:"):
        listen(text)


@pytest.mark.parametrize(
    ("text", "loopback"),
    [
        ("127.0.0.1:1", True),
        ("127.9.9.9:1", True),
        ("[::1]:1", True),
        ("unix:/x", True),
        ("0.0.0.0:1", False),
        ("[::]:1", False),
        ("10.0.0.1:1", False),
    ],
)
def test_loopback_is_what_other_machines_cannot_reach(text: str, loopback: bool) -> None:  # noqa: FBT001 - a column
    """All of 127/8, ::1 and unix sockets."""
    assert listen(text).loopback is loopback


@pytest.mark.parametrize(
    ("first", "second", "meets"),
    [
        ("127.0.0.1:80", "127.0.0.1:80", True),
        ("127.0.0.1:80", "127.0.0.1:81", False),
        ("127.0.0.1:80", "127.0.0.2:80", False),
        ("0.0.0.0:80", "127.0.0.1:80", True),
        ("[::]:80", "[::1]:80", True),
        ("[::]:80", "127.0.0.1:80", False),
        ("127.0.0.1:0", "127.0.0.1:0", False),
        ("unix:/a", "unix:/a", True),
        ("unix:/a", "unix:/b", False),
        ("unix:/a", "127.0.0.1:80", False),
    ],
)
def test_places_meet_when_both_cannot_be_taken(first: str, second: str, meets: bool) -> None:  # noqa: FBT001
    """The same port of the same address or of all addresses of its kind; the question is the same both ways."""
    assert listen(first).meets(listen(second)) is meets
    assert listen(second).meets(listen(first)) is meets


@pytest.mark.parametrize(
    ("text", "expected", "written"),
    [
        ("http://127.0.0.1:9000", OriginUrl("http", "127.0.0.1", 9000), "http://127.0.0.1:9000"),
        ("http://Site.example/", OriginUrl("http", "site.example", 80), "http://site.example:80"),
        ("https://site.example", OriginUrl("https", "site.example", 443), "https://site.example:443"),
        ("https://[::1]:8443", OriginUrl("https", "::1", 8443), "https://[::1]:8443"),
        ("http://backend_1:80", OriginUrl("http", "backend_1", 80), "http://backend_1:80"),
        ("unix:/run/site.sock", OriginUrl("unix", "", 0, "/run/site.sock"), "unix:/run/site.sock"),
    ],
)
def test_an_origin_is_read_and_written(text: str, expected: OriginUrl, written: str) -> None:
    """Schemes have their usual ports; written again it is the same origin."""
    assert origin_url(text) == expected
    assert str(expected) == written
    assert origin_url(written) == expected


def test_the_authority_is_what_a_host_header_says() -> None:
    """IPv6 in brackets; a unix socket has none."""
    assert origin_url("http://[::1]:80").authority == "[::1]:80"
    assert origin_url("http://a:80").authority == "a:80"
    assert origin_url("unix:/x").authority == ""


@pytest.mark.parametrize(
    "text",
    [
        "127.0.0.1:9000",
        "http://",
        "http://:80",
        "http://a:0",
        "http://a:65536",
        "http://a:b",
        "ftp://a",
        "http://a/b",
        "http://a?b",
        "http://a#",
        "http://a/?",
        "http://u@a",
        "http://u:p@a:x",
        "http://[::1",
        "http://[::1%25a]",
        "http://a b",
        "http://a\tb",
        "http://a\n",
        "unix:a",
        "unix:",
        "",
        5,
        "http://-a",
        "http://1.2.3.999",
        "//a",
    ],
)
def test_what_is_no_origin_is_wrong(text: object) -> None:
    """Paths, queries, users, unknown schemes and impossible hosts are refused, and no password is repeated."""
    with pytest.raises(Wrong, match="allowed:") as caught:
        origin_url(text)
    assert "u:p" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("example.org", "example.org"),
        ("WWW.Example.ORG", "www.example.org"),
        ("*.example.org", "*.example.org"),
        ("localhost", "localhost"),
        ("192.0.2.1", "192.0.2.1"),
        ("2001:DB8::1", "[2001:db8::1]"),
        ("[2001:db8:0::1]", "[2001:db8::1]"),
        ("xn--bcher-kva.example", "xn--bcher-kva.example"),
    ],
)
def test_names_of_the_site_are_written_as_browsers_send_them(text: str, expected: str) -> None:
    """Lower-case, addresses of IPv6 shortened and in brackets."""
    assert site_name(text) == expected


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("example.org:443", "has a port"),
        ("[::1]:443", "has a port"),
        ("bücher.example", 'xn-- form, "xn--bcher-kva.example"'),
        ("ü" * 70, "xn-- form$"),
        ("*", "is not allowed"),
        ("*.", "is not allowed"),
        ("a.*.org", "is not allowed"),
        ("*.192.0.2.1", "is not allowed"),
        ("1.2.3.999", "is not allowed"),
        ("a..b", "is not allowed"),
        ("a.org.", "is not allowed"),
        ("-a", "is not allowed"),
        ("a/b", "is not allowed"),
        ("", "is not allowed"),
        ("x" * 64, "is not allowed"),
        (".".join(["x" * 60] * 5), "is not allowed"),
        (5, "is not allowed"),
    ],
)
def test_what_is_no_name_of_a_site_is_wrong(text: object, reason: str) -> None:
    """Ports, letters beyond ASCII and stars in the middle are refused with the form that would be right."""
    with pytest.raises(Wrong, match=reason):
        site_name(text)


@pytest.mark.parametrize("text", ["/.shieldproxy", "/a", "/a/b/c/d", "/-_~.x"])
def test_our_own_path_is_a_plain_path(text: str) -> None:
    """Letters that no server writes otherwise."""
    assert own_path(text) == text


@pytest.mark.parametrize(
    "text", ["", "/", "a", "/a/", "//a", "/a//b", "/..", "/a/./b", "/ü", "/a b", "/%41", "/a?b", 5]
)
def test_what_is_no_own_path_is_wrong(text: object) -> None:
    """A path that leads elsewhere, or has several spellings, is refused."""
    with pytest.raises(Wrong, match="allowed: a path such as"):
        own_path(text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("192.0.2.1", "192.0.2.1/32"),
        ("192.0.2.0/24", "192.0.2.0/24"),
        ("2001:db8::", "2001:db8::/128"),
        ("::/0", "::/0"),
    ],
)
def test_an_address_is_a_network_of_its_own(text: str, expected: str) -> None:
    """Addresses and networks of both kinds."""
    assert str(network(text)) == expected


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("192.0.2.1/24", 'has host bits beyond /24; allowed: "192.0.2.0/24", or "192.0.2.1" alone'),
        ("2001:db8::1/64", 'has host bits beyond /64; allowed: "2001:db8::/64", or "2001:db8::1" alone'),
        ("192.0.2.0/255.255.255.0", "is not allowed"),
        ("192.0.2.0/33", "is not allowed"),
        ("192.0.2.0/", "is not allowed"),
        ("192.0.2", "is not allowed"),
        ("::ffff:192.0.2.1", "allowed: the IPv4 form"),
        ("fe80::1%eth0", "is not allowed"),
        ("example.org", "is not allowed"),
        ("", "is not allowed"),
        (167_772_160, "is not allowed"),
    ],
)
def test_what_is_no_network_is_wrong(text: object, reason: str) -> None:
    """Host bits hide a typing error, so both things that may have been meant are named."""
    with pytest.raises(Wrong, match=reason):
        network(text)
