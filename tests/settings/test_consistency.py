"""What is right by itself but wrong together."""

from __future__ import annotations

import dataclasses
import os
from pathlib import Path
from typing import Any

import pytest

from shieldproxy.settings.certificates import Pair, Tls
from shieldproxy.settings.consistency import check, leads_to
from shieldproxy.settings.endpoints import listen, network, origin_url
from shieldproxy.settings.looks import LOOK_BYTES, Colours
from shieldproxy.settings.schema import Settings
from shieldproxy.settings.tables import Desk, written
from tests.pems import write_pair

SETTINGS = Settings()


def faults(**sections: dict[str, Any]) -> list[str]:
    """Return the keys at which something is wrong when some keys of some sections are otherwise."""
    changed = {name: dataclasses.replace(getattr(SETTINGS, name), **keys) for name, keys in sections.items()}
    desk = Desk(Path())
    check(desk, dataclasses.replace(SETTINGS, **changed))
    assert all("allowed:" in fault.message for fault in desk.faults)
    return [written(fault.trail) for fault in desk.faults]


def test_the_built_in_settings_go_together() -> None:
    """Nothing is wrong with what nobody changed."""
    assert faults() == []


@pytest.mark.parametrize("way", ["x-forwarded-for", "proxy-protocol"])
def test_somebody_must_be_trusted_to_speak_for_others(way: str) -> None:
    """An address is taken from a header only from named forwarders."""
    assert faults(server={"client_address": way}) == ["server.client_address"]
    assert faults(server={"client_address": way, "trusted_proxies": (network("10.0.0.0/8"),)}) == []


def test_not_everybody_may_speak_for_others() -> None:
    """All addresses are no forwarders."""
    everybody = (network("10.0.0.0/8"), network("0.0.0.0/0"), network("::/0"))

    assert faults(server={"trusted_proxies": everybody}) == ["server.trusted_proxies[2]", "server.trusted_proxies[3]"]


def test_a_target_fits_into_its_head() -> None:
    """Equal is allowed, larger is not."""
    sizes = SETTINGS.server.sizes

    assert faults(server={"sizes": dataclasses.replace(sizes, head=4096, target=4097)}) == ["server.sizes.target"]
    assert faults(server={"sizes": dataclasses.replace(sizes, head=4096, target=4096)}) == []


def test_addresses_do_not_overlap() -> None:
    """0.0.0.0 takes the port of every address of IPv4."""
    places = tuple(listen(text) for text in ("127.0.0.1:80", "[::]:80", "0.0.0.0:80", "127.0.0.1:81", "[::1]:80"))

    assert faults(server={"listen": places}) == ["server.listen[3]", "server.listen[5]"]


def test_control_is_for_this_machine_and_apart() -> None:
    """No other machine may reach it, and no visitor."""
    assert faults(control={"listen": listen("10.0.0.1:9100")}) == ["control.listen"]
    assert faults(control={"listen": listen("[::]:9100")}) == ["control.listen"]
    assert faults(control={"listen": listen("127.0.0.1:8080")}) == ["control.listen"]
    assert faults(control={"listen": listen("unix:/x")}, server={"listen": (listen("unix:/x"),)}) == ["control.listen"]
    assert faults(control={"listen": listen("unix:/x")}, server={"listen": (listen("unix:/y"),)}) == []


@pytest.mark.parametrize(
    ("host", "port", "place", "leads"),
    [
        ("127.0.0.1", 80, "127.0.0.1:80", True),
        ("localhost", 80, "127.0.0.1:80", True),
        ("127.0.0.1", 80, "0.0.0.0:80", True),
        ("0.0.0.0", 80, "127.0.0.1:80", True),
        ("::1", 80, "[::]:80", True),
        ("127.0.0.1", 81, "127.0.0.1:80", False),
        ("127.0.0.2", 80, "127.0.0.1:80", False),
        ("10.0.0.1", 80, "0.0.0.0:80", False),
        ("127.0.0.1", 80, "[::]:80", False),
        ("site.example", 80, "0.0.0.0:80", False),
        ("127.0.0.1", 80, "unix:/x", False),
        ("127.0.0.1", 80, "127.0.0.1:0", False),
    ],
)
def test_a_loop_is_seen_where_it_is_certain(host: str, port: int, place: str, leads: bool) -> None:  # noqa: FBT001
    """Names are not looked up: what they mean may change."""
    assert leads_to(host, port, listen(place)) is leads


def test_the_origin_is_another_server() -> None:
    """Requests to ourselves would go round until nothing is left."""
    assert faults(origin={"url": origin_url("http://127.0.0.1:8080")}) == ["origin.url"]
    assert faults(origin={"url": origin_url("http://127.0.0.1:9100")}) == ["origin.url"]
    unix = {"server": {"listen": (listen("unix:/x"),)}}
    assert faults(origin={"url": origin_url("unix:/x")}, **unix) == ["origin.url"]
    assert faults(origin={"url": origin_url("unix:/y")}, **unix) == []


def test_a_form_can_be_answered_before_it_expires() -> None:
    """The wait is shorter than the validity."""
    assert faults(challenge={"form_wait": 60.0, "puzzle_validity": 60.0}) == ["challenge.puzzle_validity"]
    assert faults(challenge={"form_wait": 59.0, "puzzle_validity": 60.0}) == []


def test_the_ladder_does_not_fall() -> None:
    """Rungs may be alike, never shorter than the one before."""
    assert faults(bans={"ladder": (60.0, 30.0, 30.0, 10.0)}) == ["bans.ladder[2]", "bans.ladder[4]"]
    assert faults(bans={"ladder": (60.0, 60.0)}) == []


def test_the_kernel_stops_only_whom_it_sees() -> None:
    """Behind a forwarder, or on unix sockets alone, no visitor's own packet arrives; a rehearsal is allowed anywhere."""
    kernel, rehearsal = {"backend": "nftables"}, {"backend": "dry-run"}
    forwarded = {"client_address": "proxy-protocol", "trusted_proxies": (network("192.0.2.1"),)}
    unix = {"listen": (listen("unix:/x"),)}

    assert faults(offload=kernel) == []
    assert faults(offload=kernel, server={"trusted_proxies": (network("192.0.2.1"),)}) == []
    assert faults(offload=kernel, server=forwarded) == ["offload.backend"]
    assert faults(offload=kernel, server=unix) == ["offload.backend"]
    assert faults(offload=kernel, server={"listen": (listen("unix:/x"), listen("[::]:80"))}) == []
    assert faults(offload=rehearsal, server=forwarded) == []


def test_each_certificate_beside_the_usual_one_is_looked_at(tmp_path: Path) -> None:
    """With the place of the table it stands in; one that nobody could ask for has to be told its names."""
    usual, other, nameless = (
        write_pair(tmp_path, stem, *names) for stem, *names in (("a",), ("b", "b.example"), ("c",))
    )

    def wrong(*pairs: Pair) -> list[str]:
        return faults(server={"tls": Tls(certificate=usual.certificate, key=usual.key, certificates=pairs)})

    assert wrong() == []
    assert wrong(other) == []
    assert wrong(other, Pair(certificate=other.certificate, key=usual.key)) == ["server.tls.certificates[2].key"]
    assert wrong(Pair(certificate=tmp_path / "missing", key=usual.key)) == ["server.tls.certificates[1].certificate"]
    assert wrong(nameless) == ["server.tls.certificates[1].names"]
    assert wrong(Pair(certificate=nameless.certificate, key=nameless.key, names=("c.example",))) == []


def test_files_that_are_read_at_the_start_are_there(tmp_path: Path) -> None:
    """Keys, authorities and the picture; a directory is no file."""
    missing, text = tmp_path / "missing.png", tmp_path / "text"
    text.write_text("no PEM")

    assert faults(server={"tls": Tls(certificate=missing, key=tmp_path)}) == [
        "server.tls.certificate",
        "server.tls.key",
    ]
    assert faults(server={"tls": Tls(certificate=text, key=text)}) == ["server.tls.certificate"]
    assert faults(origin={"tls_ca": missing}) == ["origin.tls_ca"]
    assert faults(origin={"tls_ca": text}) == ["origin.tls_ca"]
    assert faults(challenge={"logo": missing}) == ["challenge.logo"]
    assert faults(geo={"asn": missing}) == [], "the shield serves without a database"


def test_what_is_added_to_the_pages_keeps_them_small(tmp_path: Path) -> None:
    """Logo, template and texts travel in every page; the message says how many bytes are too many."""
    logo, text, frame = tmp_path / "logo.PNG", tmp_path / "logo.txt", tmp_path / "frame.html"
    logo.write_bytes(b"x" * (LOOK_BYTES // 4 * 3))
    text.write_bytes(b"x")
    frame.write_text("<header>City</header>{{content}}")

    assert faults(challenge={"logo": logo}) == []
    assert faults(challenge={"logo": logo, "text": "more"}) == ["challenge.logo"]
    assert faults(challenge={"logo": logo, "template": frame}) == ["challenge.logo"]
    assert faults(challenge={"logo": text}) == ["challenge.logo"]
    assert faults(challenge={"template": frame}) == []
    assert faults(challenge={"template": tmp_path / "absent.html"}) == ["challenge.template"]
    frame.write_text("<script>x()</script>{{content}}")
    assert faults(challenge={"template": frame}) == ["challenge.template"]
    frame.write_bytes(b"\xff{{content}}")
    assert faults(challenge={"template": frame}) == ["challenge.template"]


def test_colours_that_nobody_can_read_are_told() -> None:
    """Grey on white is no text; a pair is told once, at a colour that the operator named."""
    assert faults(challenge={"colours": Colours(accent="#7a1f1f")}) == []
    assert faults(challenge={"colours": Colours(ink="#999999")}) == ["challenge.colours.ink"]
    assert faults(challenge={"colours_dark": Colours(card="#ffffff")}) == ["challenge.colours_dark.card"]


def test_a_file_that_this_user_may_not_read_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A key of another user is found before the start; root may read all, so the answer of the system is played."""
    key = tmp_path / "key.png"
    key.write_bytes(b"x")
    monkeypatch.setattr(os, "access", lambda path, mode: False)

    assert faults(challenge={"logo": key}) == ["challenge.logo"]


def test_a_check_rests_where_a_key_is_wrong_by_itself() -> None:
    """Nothing is said about keys whose value is not known."""
    desk = Desk(Path())
    desk.note(("server", "trusted_proxies", 0), "wrong")
    server = dataclasses.replace(SETTINGS.server, client_address="x-forwarded-for")
    check(desk, dataclasses.replace(SETTINGS, server=server))

    assert [written(fault.trail) for fault in desk.faults] == ["server.trusted_proxies[1]"]
