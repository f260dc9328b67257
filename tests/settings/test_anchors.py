"""Where checkpoints are shown: what is taken, and what is refused with what is allowed."""

from __future__ import annotations

import pytest

from shieldproxy.settings.anchors import syslog_place, timestamp_url
from shieldproxy.settings.values import Wrong


@pytest.mark.parametrize("text", ["", "http://tsa.example.org", "https://tsa.example.org:8443/tsr"])
def test_an_authority_is_an_address_of_the_web_or_none(text: str) -> None:
    """It is kept as it was written."""
    assert timestamp_url(text) == text


@pytest.mark.parametrize(
    "value", [1, "tsa", "ftp://tsa/x", "http://", "http://a b/", "http://u:secret@tsa/", "http://t:x"]
)
def test_another_is_refused(value: object) -> None:
    """And no password is repeated."""
    with pytest.raises(Wrong, match="allowed") as refused:
        timestamp_url(value)
    assert "secret" not in str(refused.value)


@pytest.mark.parametrize("text", ["", "unix:/dev/log", "udp:log.example.org:514", "udp:[2001:db8::1]:514"])
def test_a_syslog_is_a_socket_or_a_host(text: str) -> None:
    """Or nowhere."""
    assert syslog_place(text) == text


@pytest.mark.parametrize("value", [None, "log", "tcp:log:514", "udp:log", "udp::514", "udp:log:0", "unix:dev"])
def test_another_place_is_refused(value: object) -> None:
    """With what is allowed."""
    with pytest.raises(Wrong, match="allowed"):
        syslog_place(value)
