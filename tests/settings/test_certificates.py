"""The keys of TLS: pairs of files, the usual one and those beside it."""

from __future__ import annotations

from pathlib import Path

import pytest

from shieldproxy.settings.certificates import Pair, Tls, tls
from shieldproxy.settings.tables import Desk, written


@pytest.mark.parametrize(
    ("table", "wrong"),
    [
        ({}, []),
        ({"certificate": "", "key": ""}, []),
        ({"handshake_rate": 5}, []),
        ({"certificate": "a"}, ["tls.key"]),
        ({"key": "a"}, ["tls.certificate"]),
        ({"certificate": "a", "key": 5}, ["tls.key"]),
        ({"certificates": [{"certificate": "a", "key": "b"}]}, ["tls.certificate"]),
        ({"certificates": [{"certificate": "a"}]}, ["tls.certificates[1].key"]),
        ({"certificates": [{}, 5]}, ["tls.certificates[1].certificate", "tls.certificates[1].key", "tls.certificates[2]"]),
        ({"certificates": {}}, ["tls.certificates"]),
        ({"certificates": [{}] * 1_001}, ["tls.certificates"]),
        ({"certificates": [{"certificate": "a", "key": "b", "names": ["a b"]}]}, ["tls.certificates[1].names[1]"]),
        ({"handshake_rate": -1}, ["tls.handshake_rate"]),
        ({"handshake_burst": 0}, ["tls.handshake_burst"]),
    ],
)  # fmt: skip
def test_one_without_the_other_is_a_fault(table: dict[str, object], wrong: list[str]) -> None:
    """Both or none, and the usual pair before any other; a wrong value is told instead of a missing one."""
    desk = Desk(Path())

    assert tls(desk, table, ("tls",)) is None
    assert [written(fault.trail) for fault in desk.faults] == wrong


def test_all_are_taken_from_the_folder_of_the_file() -> None:
    """Relative paths start where config.toml is; names are those of hosts, in small letters."""
    table = {
        "certificate": "a",
        "key": "/b",
        "handshake_rate": 5,
        "certificates": [{"certificate": "c", "key": "/d", "names": ["WWW.example.org", "*.example.org"]}],
    }
    pair = Pair(certificate=Path("/etc/x/c"), key=Path("/d"), names=("www.example.org", "*.example.org"))
    usual = Pair(certificate=Path("/etc/x/a"), key=Path("/b"))

    found = tls(Desk(Path("/etc/x")), table, ())

    assert found == Tls(certificate=usual.certificate, key=usual.key, handshake_rate=5, certificates=(pair,))
    assert found.pairs == (usual, pair)
