from __future__ import annotations

import pytest

from shieldproxy.journal.json_logs import SOUGHT, layout_of, parse_json, values_of, word

TEN_FIFTEEN = 1_795_515_300.0


@pytest.mark.parametrize(
    "line",
    [
        '{"time_iso8601":"2026-11-24T10:15:00+00:00","remote_addr":"192.0.2.7","request":"GET /a?q=1 HTTP/1.1","status":"200"}',
        '{"msec":1795515300.0,"remote_addr":"192.0.2.7","request_method":"GET","request_uri":"/a?q=1","status":200}',
        '{"ts":1795515300.0,"request":{"remote_ip":"192.0.2.7","method":"GET","uri":"/a?q=1","headers":{}},"status":200}',
        (
            '{"@timestamp":"2026-11-24T10:15:00.000Z","source":{"ip":"192.0.2.7"},"http":{"request":{"method":"GET"},'
            '"response":{"status_code":200}},"url":{"path":"/a","query":"q=1"}}'
        ),
        (
            '{"StartUTC":"2026-11-24T10:15:00Z","ClientHost":"192.0.2.7","RequestMethod":"GET","RequestPath":"/a?q=1",'
            '"DownstreamStatus":200}'
        ),
    ],
    ids=["nginx", "nginx-parts", "caddy", "ecs", "traefik"],
)
def test_json_lines_of_many_servers(line: str) -> None:
    """The same request under the names that each server gives its fields."""
    found = parse_json(line)
    assert (found.time, found.address, found.method, found.path, found.query, found.status) == (
        *(TEN_FIFTEEN, "192.0.2.7", "GET", "/a", "q=1"),
        200,
    )


def test_only_names_that_are_there_are_tried() -> None:
    """In the order of all of them; a name with a dot where its first part is there."""
    layout = layout_of(("request", "ts", "client_ip"))
    assert layout.kinds[0] == ("ts",)
    assert layout.kinds[1] == ("client_ip", "request.client_ip", "request.remote_ip")
    assert all(set(found) <= set(kind) for found, kind in zip(layout.kinds, SOUGHT, strict=True))


@pytest.mark.parametrize("empty", ["", "-", None, [], ["-"]])
@pytest.mark.parametrize("name", ["http_host", "http_referer", "status", "request_uri"])
def test_taking_all_at_once_finds_what_each_name_finds(name: str, empty: object) -> None:
    """Where a part is empty or odd the next of its names is looked at, as when each is looked for alone."""
    fields: dict[str, object] = {
        "time": 1,
        "ip": "192.0.2.7",
        "request_uri": "/a",
        "url": "/b",
        "http_host": "a.example",
        "host": "b.example",
        "http_referer": "/c",
        "status": 200,
    }
    fields[name] = empty
    assert list(values_of(fields)) == [word(fields, kind) for kind in layout_of(tuple(fields)).kinds]
