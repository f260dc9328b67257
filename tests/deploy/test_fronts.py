"""Servers that end TLS and HTTP/2 before shieldproxy, with the files of deploy/: who the visitor is must arrive."""

from __future__ import annotations

import asyncio
import shutil
from pathlib import Path

import pytest

from tests.deploy.conftest import Raise, Stand, adapted

STREAM_MODULE = Path("/usr/lib/nginx/modules/ngx_stream_module.so")
FORGED = ("-H", "X-Forwarded-For: 6.6.6.6", "-H", "X-Forwarded-Proto: gopher")
ONE_A_MINUTE = """
[limits.client]
scope = "client"
rate = 0.016
burst = 1
action = "throttle"
"""


def needs(*programs: str) -> pytest.MarkDecorator:
    """Leave a test out where Debian's package of a program is not installed; `make test` installs them as root."""
    missing = [program for program in (*programs, "curl") if shutil.which(program) is None]
    return pytest.mark.skipif(bool(missing), reason=f"not installed: {', '.join(missing)}")


async def start_haproxy(stand: Stand) -> None:
    """Start HAProxy with deploy/haproxy.cfg."""
    text = adapted(
        "haproxy.cfg",
        {
            "maxconn 20000": "maxconn 200",
            "bind :80\n": "",
            "bind :443": f"bind 127.0.0.1:{stand.front_port}",
            "/etc/haproxy/site.pem": str(stand.both),
            "log /dev/log local0 notice": "",
            "127.0.0.1:8080": f"127.0.0.1:{stand.node_port}",
            "127.0.0.1:9100": f"127.0.0.1:{stand.control_port}",
            "port 9100": f"port {stand.control_port}",
            "inter 2s": "inter 100ms",
        },
    )
    (stand.directory / "haproxy.cfg").write_text(text)
    await stand.front("haproxy", "-db", "-f", str(stand.directory / "haproxy.cfg"))


async def start_nginx(stand: Stand, text: str, top: str = "") -> None:
    """Start nginx with ``text`` as its configuration, ``top`` before it."""
    (stand.directory / "logs").mkdir(exist_ok=True)
    head = f"pid {stand.directory}/nginx.pid;\nerror_log stderr;\n{top}\nevents {{}}\n"
    (stand.directory / "nginx.conf").write_text(head + text)
    command = ("nginx", "-p", str(stand.directory), "-c", str(stand.directory / "nginx.conf"), "-g", "daemon off;")
    await stand.front(*command)


def places(stand: Stand) -> dict[str, str]:
    """Return what both files for nginx have in common."""
    return {
        "/etc/nginx/site.pem": str(stand.certificate),
        "/etc/nginx/site.key": str(stand.key),
        "127.0.0.1:8080": f"127.0.0.1:{stand.node_port}",
        "listen [::]:443 ssl": "#",
        "listen 443": f"listen 127.0.0.1:{stand.front_port}",
    }


async def start_nginx_http(stand: Stand) -> None:
    """Start nginx with deploy/nginx.conf in its http block."""
    snippet = adapted("nginx.conf", places(stand) | {"listen 80;": "listen 127.0.0.1:0;", "listen [::]:80;": ""})
    snippet = snippet.replace("listen 127.0.0.1:0;", f"listen unix:{stand.directory}/plain.sock;")
    temporary = "".join(f"{kind}_temp_path {stand.directory};\n" for kind in ("client_body", "proxy", "fastcgi"))
    temporary += "".join(f"{kind}_temp_path {stand.directory};\n" for kind in ("uwsgi", "scgi"))
    await start_nginx(stand, f"http {{ access_log off;\n{temporary}{snippet}}}")


async def start_caddy(stand: Stand) -> None:
    """Start Caddy with deploy/Caddyfile, with our own certificate instead of one it fetches."""
    text = adapted(
        "Caddyfile",
        {
            "{\n\tservers {": "{\n\tadmin off\n\tauto_https off\n\tservers {",
            "www.example.org {": f"https://www.example.org:{stand.front_port} {{\n"
            f"\tbind 127.0.0.1\n\ttls {stand.certificate} {stand.key}",
            "127.0.0.1:8080": f"127.0.0.1:{stand.node_port}",
        },
    )
    (stand.directory / "Caddyfile").write_text(text)
    file = str(stand.directory / "Caddyfile")
    await stand.front("caddy", "run", "--adapter", "caddyfile", "--config", file)


@needs("haproxy")
async def test_haproxy_tells_who_the_visitor_is(raise_stand: Raise) -> None:
    """Over HTTP/2: address, port, TLS version and the port asked are in the record; the site hears of TLS."""
    stand = await raise_stand("proxy-protocol")
    await start_haproxy(stand)
    visit = await stand.curl("/hello", *FORGED, address="127.0.0.5")
    record = await stand.record("/hello")
    assert (visit.status, visit.http, visit.body) == (200, "2", "hello")
    assert (record["src_ip"], record["src_port"], record["client"]) == ("127.0.0.5", visit.port, "127.0.0.5")
    assert (record["dst_port"], record["tls"]) == (stand.front_port, "TLSv1.3")
    assert "\r\nX-Forwarded-For: 127.0.0.5\r\n" in stand.heads[-1]
    assert "\r\nX-Forwarded-Proto: https\r\n" in stand.heads[-1]
    assert "6.6.6.6" not in stand.heads[-1]


@needs("haproxy")
async def test_haproxy_never_mixes_visitors(raise_stand: Raise) -> None:
    """Kept connections carry one visitor each: a limit hits the visitor who used it up, and nobody else."""
    stand = await raise_stand("proxy-protocol", ONE_A_MINUTE)
    await start_haproxy(stand)
    visitors = [f"127.0.0.{number}" for number in range(11, 17)]
    first = await asyncio.gather(*(stand.curl(f"/{one}", address=one) for one in visitors))
    second = await asyncio.gather(*(stand.curl(f"/again/{one}", address=one) for one in visitors))
    assert [visit.status for visit in first] == [200] * len(visitors)
    assert [visit.status for visit in second] == [429] * len(visitors)
    for one, visit in zip(visitors, first, strict=True):
        record = await stand.record(f"/{one}")
        assert (record["client"], record["src_port"]) == (one, visit.port)


@needs("nginx")
async def test_nginx_tells_who_the_visitor_is(raise_stand: Raise) -> None:
    """Over HTTP/2 and X-Forwarded-For: address, port and that there is TLS; what the visitor claims ends there."""
    stand = await raise_stand("x-forwarded-for")
    await start_nginx_http(stand)
    await tells_by_header(stand)


@needs("caddy")
async def test_caddy_tells_who_the_visitor_is(raise_stand: Raise) -> None:
    """As nginx does, over HTTP/2 and X-Forwarded-For."""
    stand = await raise_stand("x-forwarded-for")
    await start_caddy(stand)
    await tells_by_header(stand)


async def tells_by_header(stand: Stand) -> None:
    """Two visitors over the same kept connections: each record has its own visitor."""
    for address in ("127.0.0.5", "127.0.0.6"):
        path = f"/hello/{address}"
        visit = await stand.curl(path, *FORGED, address=address)
        record = await stand.record(path)
        assert (visit.status, visit.http, visit.body) == (200, "2", "hello")
        assert (record["src_ip"], record["src_port"], record["tls"]) == (address, visit.port, "yes")
        assert f"\r\nX-Forwarded-For: {address}, 127.0.0.1\r\n" in stand.heads[-1]
        assert "\r\nX-Forwarded-Proto: https\r\n" in stand.heads[-1]
        assert "6.6.6.6" not in stand.heads[-1]


@needs("nginx")
@pytest.mark.skipif(not STREAM_MODULE.exists(), reason="not installed: libnginx-mod-stream")
async def test_nginx_tells_by_proxy_protocol(raise_stand: Raise) -> None:
    """Its stream block tells address and port; not that there is TLS, as the file says."""
    stand = await raise_stand("proxy-protocol")
    await start_nginx(stand, adapted("nginx-stream.conf", places(stand)), f"load_module {STREAM_MODULE};")
    visit = await stand.curl("/hello", *FORGED, address="127.0.0.5")
    record = await stand.record("/hello")
    assert (visit.status, visit.http) == (200, "1.1")
    assert (record["src_ip"], record["src_port"], record["tls"]) == ("127.0.0.5", visit.port, "")
    assert "\r\nX-Forwarded-Proto: http\r\n" in stand.heads[-1]
