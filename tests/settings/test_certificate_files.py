"""Certificate files: whether they serve, for whom, and for how long."""

from __future__ import annotations

import datetime as dt
import time
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from shieldproxy.settings.certificate_files import (
    DAY,
    Lasting,
    find_authority_fault,
    find_pair_fault,
    lasting,
    names_of,
)
from shieldproxy.settings.certificates import Pair
from tests.pems import write_pair

NOBODY = Path("site.pem")


def test_a_certificate_with_its_key_works(tmp_path: Path) -> None:
    """What belongs together has no fault, in two files or in one, and a certificate of an authority is one."""
    pair = write_pair(tmp_path, "site")
    both = tmp_path / "both.pem"
    both.write_bytes(pair.certificate.read_bytes() + pair.key.read_bytes())

    assert find_pair_fault(pair) == ("", "")
    assert find_pair_fault(Pair(certificate=both, key=both)) == ("", "")
    assert find_authority_fault(pair.certificate) == ""


def test_a_pair_that_cannot_serve_is_told(tmp_path: Path) -> None:
    """Which of the two files is wrong, why, and what is wanted there."""
    site, other = write_pair(tmp_path, "site"), write_pair(tmp_path, "other")
    locked, text = write_pair(tmp_path, "locked", password=b"password"), tmp_path / "text"
    text.write_text("no PEM")
    of_rsa = tmp_path / "rsa.key"
    of_rsa.write_bytes(
        rsa.generate_private_key(65_537, 2_048).private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )
    for certificate, key, wrong, why in [
        (site.certificate, other.key, "key", "is not the key of the first certificate in"),
        (site.certificate, of_rsa, "key", "is not the key of the first certificate in"),
        (locked.certificate, locked.key, "key", "is locked with a password; allowed: its own key as PEM, without"),
        (site.certificate, text, "key", "holds no key; allowed: its own key as PEM, without a password"),
        (site.certificate, tmp_path / "missing", "key", "cannot be used"),
        (text, site.key, "certificate", "holds no certificate that can be read; allowed: PEM, the site's own"),
        (tmp_path / "missing", site.key, "certificate", "holds no certificate that can be read"),
        (site.key, site.key, "certificate", "holds no certificate that can be read"),
    ]:
        found, message = find_pair_fault(Pair(certificate=certificate, key=key))
        assert found == wrong
        assert why in message
    assert "holds no certificates" in find_authority_fault(text)
    assert "holds no certificates" in find_authority_fault(tmp_path / "missing")


def test_a_chain_in_the_wrong_order_is_told(tmp_path: Path) -> None:
    """The site's own certificate comes first: with another before it the key fits nothing."""
    site, authority = write_pair(tmp_path, "site"), write_pair(tmp_path, "authority")
    chain = tmp_path / "chain.pem"
    chain.write_bytes(authority.certificate.read_bytes() + site.certificate.read_bytes())
    assert "is not the key of the first certificate in" in find_pair_fault(Pair(certificate=chain, key=site.key))[1]


def test_a_certificate_is_shown_for_its_names_or_for_those_one_says(tmp_path: Path) -> None:
    """Hosts of subjectAltName, in small letters; never the address, never the subject; the configuration goes before."""
    pair = write_pair(tmp_path, "site.example", "WWW.example.org", "*.example.org", "192.0.2.1")
    assert names_of(pair) == ("www.example.org", "*.example.org")
    assert names_of(Pair(certificate=pair.certificate, key=pair.key, names=("a.example",))) == ("a.example",)
    assert names_of(write_pair(tmp_path, "nameless.example")) == ()


def test_how_long_a_certificate_lasts_is_read(tmp_path: Path) -> None:
    """From its own times; one that cannot be read is left out, for another place says so."""
    ended = write_pair(tmp_path, "ended", "a.example", begins=dt.timedelta(days=-90), ends=dt.timedelta(days=-3))
    going = write_pair(tmp_path, "going", "b.example", ends=dt.timedelta(days=60, hours=1))
    missing = Pair(certificate=tmp_path / "missing", key=going.key)
    now = time.time()
    first, second = lasting((ended, missing, going))
    assert (first.file, first.names, first.days(now)) == (ended.certificate, ("a.example",), -4)
    assert (second.file, second.names, second.days(now)) == (going.certificate, ("b.example",), 60)
    assert "ended" in first.warning(now)
    assert second.warning(now) == ""


@pytest.mark.parametrize(
    ("begins", "ends", "said"),
    [
        (-1.0, 14.0, ""),
        (-1.0, 13.9, "ends in 13 days"),
        (-1.0, 1.0, "ends in 1 day"),
        (-1.0, 0.5, "ends in 0 days"),
        (-9.0, -0.5, "ended today: browsers warn every visitor"),
        (-9.0, -1.5, "ended 1 day ago: browsers warn every visitor"),
        (-9.0, -3.5, "ended 3 days ago: browsers warn every visitor"),
        (0.5, 90.0, "is not valid yet: browsers warn every visitor, if this machine's clock is right"),
    ],
)
def test_what_ends_soon_has_ended_or_not_begun_is_a_warning(begins: float, ends: float, said: str) -> None:
    """Two weeks before the end, with the days that are left."""
    now = 1_800_000_000.0
    assert Lasting(NOBODY, (), now + begins * DAY, now + ends * DAY).warning(now) == said
