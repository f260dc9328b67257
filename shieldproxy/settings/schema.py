"""Settings: everything config.toml can say, with its default and its range, frozen.

Times are seconds, sizes bytes, rates requests a second. What config.toml calls ``[server.tls] certificate`` is
``settings.server.tls.certificate`` here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from shieldproxy.core.addresses import Network
from shieldproxy.core.buckets import Limit
from shieldproxy.core.clearance import Kind
from shieldproxy.core.facts import Posture as Stance
from shieldproxy.core.rules import Patterns, Rule
from shieldproxy.core.verdict import Mode
from shieldproxy.settings.anchors import syslog_place, timestamp_url
from shieldproxy.settings.certificates import Tls, tls
from shieldproxy.settings.conditions import globs, path_glob
from shieldproxy.settings.endpoints import Listen, OriginUrl, listen, network, origin_url, own_path, site_name
from shieldproxy.settings.limits import limits, rules
from shieldproxy.settings.looks import Colours
from shieldproxy.settings.nodes import Nodes
from shieldproxy.settings.robots import Robots
from shieldproxy.settings.suspicion import thresholds
from shieldproxy.settings.tables import items, part, section, setting
from shieldproxy.settings.values import (
    choice,
    contact,
    duration,
    flag,
    integer,
    member,
    number,
    optional_path,
    path,
    size,
    text,
    token_path,
)

KIB = 1 << 10
MIB = 1 << 20


@dataclass(frozen=True, kw_only=True)
class Timeouts:
    """How long the client side waits: for TLS, a head, between requests, for a body to go on, a tunnel, to write."""

    handshake: float = setting(10.0, duration("100ms", "10m"))
    header: float = setting(10.0, duration("100ms", "10m"))
    idle: float = setting(75.0, duration("1s", "1h"))
    body_idle: float = setting(30.0, duration("100ms", "1h"))
    body_rate: int = setting(500, integer(0, 1_000_000))
    tunnel_idle: float = setting(3_600.0, duration("1s", "7d"))
    write: float = setting(30.0, duration("100ms", "1h"))


@dataclass(frozen=True, kw_only=True)
class Sizes:
    """How much of a request is held in memory: its head, its target, how many headers, and of each body."""

    head: int = setting(32 * KIB, size("1KiB", "1MiB"))
    target: int = setting(8 * KIB, size("256B", "64KiB"))
    headers: int = setting(100, integer(10, 1_000))
    buffer: int = setting(64 * KIB, size("4KiB", "16MiB"))


@dataclass(frozen=True, kw_only=True)
class Server:
    """The side of the visitors."""

    listen: tuple[Listen, ...] = part(
        (Listen("127.0.0.1", 8080),), items(listen, least=1, most=64, what="addresses with a port")
    )
    workers: int = setting(0, integer(0, 64))
    mode: Mode = setting(Mode.ENFORCE, member(Mode))
    trusted_proxies: tuple[Network, ...] = part((), items(network, what="networks"))
    client_address: str = setting("peer", choice("peer", "x-forwarded-for", "proxy-protocol"))
    hosts: tuple[str, ...] = part((), items(site_name, what="names"))
    own_path: str = setting("/.shieldproxy", own_path)
    drain: float = setting(30.0, duration("0s", "1h"))
    step_back: float = setting(300.0, duration("0s", "1d"))
    max_connections: int = setting(10_000, integer(1, 1_000_000))
    max_connections_per_client: int = setting(256, integer(1, 1_000_000))
    tls: Tls | None = part(None, tls)
    timeouts: Timeouts = section(Timeouts)
    sizes: Sizes = section(Sizes)


@dataclass(frozen=True, kw_only=True)
class Origin:
    """The side of the protected site."""

    url: OriginUrl = setting(OriginUrl(), origin_url)
    connect_timeout: float = setting(5.0, duration("10ms", "5m"))
    response_timeout: float = setting(60.0, duration("10ms", "1h"))
    max_connections: int = setting(256, integer(1, 100_000))
    idle_timeout: float = setting(30.0, duration("0s", "1h"))
    rate: float = setting(0.0, number(1, 1_000_000, or_zero=True))
    rate_wait: float = setting(2.0, duration("0s", "1m"))
    rate_queue: int = setting(256, integer(0, 100_000))
    waiting_page: bool = setting(True, flag)
    waiting_pass: float = setting(600.0, duration("10s", "1d"))
    stale_if_error: float = setting(0.0, duration("0s", "30d"))
    stale_memory: int = setting(32 * MIB, size("1MiB", "4GiB"))
    tls_verify: bool = setting(True, flag)
    tls_ca: Path | None = setting(None, optional_path)


@dataclass(frozen=True, kw_only=True)
class Answers:
    """How many answers of one client are looked at, so that checking them is no lever for a flood."""

    rate: float = setting(2.0, number(0.01, 1_000_000))
    burst: float = setting(60.0, number(1, 1_000_000))


@dataclass(frozen=True, kw_only=True)
class Challenge:
    """How newcomers are tested, and what the page says."""

    kinds: tuple[Kind, ...] = part(
        (Kind.WORK, Kind.FORM), items(member(Kind), least=1, most=10, what="kinds of challenge")
    )
    suspicion: tuple[tuple[Stance, int], ...] = part(
        ((Stance.CALM, 100), (Stance.ELEVATED, 50), (Stance.UNDER_ATTACK, 40)), thresholds
    )
    cost: int = setting(1_000, integer(10, 100_000))
    hardest: int = setting(16, integer(1, 64))
    validity: float = setting(86_400.0, duration("1m", "30d"))
    form_validity: float = setting(3_600.0, duration("1m", "30d"))
    form_wait: float = setting(3.0, duration("0s", "1m"))
    form_share: float = setting(0.5, number(0.01, 1))
    late_forms: float = setting(7_200.0, duration("0s", "1d"))
    puzzle_validity: float = setting(300.0, duration("10s", "1h"))
    epoch: int = setting(1, integer(0, 2**32 - 1))
    answers: Answers = section(Answers)
    contact: str = setting("", contact)
    title: str = setting("", text(100))
    text: str = setting("", text(1_000))
    logo: Path | None = setting(None, optional_path)
    template: Path | None = setting(None, optional_path)
    colours: Colours = section(Colours)
    colours_dark: Colours = section(Colours)


@dataclass(frozen=True, kw_only=True)
class Bans:
    """When misbehaviour becomes a ban, and how long each next one lasts."""

    ladder: tuple[float, ...] = part(
        (60.0, 600.0, 3_600.0, 86_400.0), items(duration("1s", "30d"), least=1, most=10, what="durations", twice=True)
    )
    offences: int = setting(30, integer(1, 1_000_000))
    window: float = setting(60.0, duration("1s", "1d"))
    floods: int = setting(3_000, integer(1, 10_000_000))
    unanswered: int = setting(60, integer(1, 1_000_000))
    patience: float = setting(600.0, duration("1s", "1d"))
    memory: float = setting(86_400.0, duration("0s", "365d"))


@dataclass(frozen=True, kw_only=True)
class Exempt:
    """Who and what is never limited, challenged or banned."""

    clients: tuple[Network, ...] = part((), items(network, what="addresses and networks"))
    paths: Patterns | None = part(None, globs(path_glob, least=0))


@dataclass(frozen=True, kw_only=True)
class Posture:
    """When the site counts as under attack, and a network as part of it."""

    memory: float = setting(600.0, duration("1m", "1d"))
    floor: float = setting(20.0, number(1, 1_000_000))
    elevated: float = setting(2.0, number(1.1, 1_000))
    attack: float = setting(3.0, number(1.1, 1_000))
    hold: float = setting(30.0, duration("5s", "1h"))
    network_memory: float = setting(3_600.0, duration("1m", "7d"))
    network_factor: float = setting(3.0, number(1.1, 1_000))
    network_few: float = setting(4.0, number(1, 1_000_000))
    sample: float = setting(0.005, number(0.0001, 1, or_zero=True))
    audit: float = setting(0.0002, number(0.00001, 0.1, or_zero=True))


@dataclass(frozen=True, kw_only=True)
class Episodes:
    """How attacks are counted, live and in the journal (core.episodes.EpisodePolicy)."""

    ratio: float = setting(1.5, number(1.05, 1_000))
    low: float = setting(1.35, number(1.01, 1_000))
    sure: float = setting(2.0, number(1.05, 1_000))
    patience: float = setting(1_200.0, duration("0s", "1d"))
    newcomer: float = setting(3.0, number(1.05, 1_000))
    floor: float = setting(5.0, number(0.1, 1_000_000))
    unanswered: float = setting(0.25, number(0.01, 1))
    quiet: float = setting(600.0, duration("30s", "1d"))
    merge: float = setting(1_800.0, duration("0s", "1d"))
    slack: float = setting(1.5, number(0.1, 5))
    alarm: float = setting(12.0, number(1, 1_000))


@dataclass(frozen=True, kw_only=True)
class Geo:
    """The operator's own databases; None: the snapshot in the package."""

    asn: Path | None = setting(None, optional_path)
    country: Path | None = setting(None, optional_path)
    refresh: float = setting(60.0, duration("1s", "1d"))


@dataclass(frozen=True, kw_only=True)
class Journal:
    """Where decisions are written down and how long they stay."""

    directory: Path = setting(Path("var/journal"), path)
    segment: float = setting(60.0, duration("1s", "1d"))
    segment_size: int = setting(64 * MIB, size("64KiB", "4GiB"))
    queue: int = setting(100_000, integer(100, 10_000_000))
    compress_after: float = setting(3_600.0, duration("10m", "3650d", or_zero=True))
    timestamp_url: str = setting("", timestamp_url)
    timestamp_every: float = setting(3_600.0, duration("1m", "30d"))
    syslog: str = setting("", syslog_place)
    pseudonymise_after: float = setting(30 * 86_400.0, duration("1h", "3650d", or_zero=True))
    retention: float = setting(180 * 86_400.0, duration("1h", "3650d"))


@dataclass(frozen=True, kw_only=True)
class State:
    """What a node keeps between requests and restarts."""

    directory: Path = setting(Path("var/state"), path)
    buckets: int = setting(1 << 20, integer(1 << 10, 1 << 28))


@dataclass(frozen=True, kw_only=True)
class Control:
    """Where operators and their tools speak to the node."""

    listen: Listen = setting(Listen("127.0.0.1", 9100), listen)
    token_file: Path = setting(Path("var/state/control.token"), token_path)


@dataclass(frozen=True, kw_only=True)
class Offload:
    """Whether the kernel helps with bans."""

    backend: str = setting("none", choice("none", "dry-run", "nftables"))


@dataclass(frozen=True, kw_only=True)
class Settings:
    """The whole of config.toml.

    ``source_path`` is the file it was read from (None: built in). ``places`` tells where each limit and rule
    stands, as ``limits.client`` -> ``config.toml:31``, ``globs`` how each pattern was written; none of these counts
    when settings are compared.
    """

    server: Server = section(Server)
    origin: Origin = section(Origin)
    limits: Mapping[str, Limit] = part({}, limits)
    challenge: Challenge = section(Challenge)
    bans: Bans = section(Bans)
    exempt: Exempt = section(Exempt)
    rules: tuple[Rule, ...] = part((), rules)
    posture: Posture = section(Posture)
    episodes: Episodes = section(Episodes)
    geo: Geo = section(Geo)
    robots: Robots = section(Robots)
    journal: Journal = section(Journal)
    state: State = section(State)
    nodes: Nodes = section(Nodes)
    control: Control = section(Control)
    offload: Offload = section(Offload)
    source_path: Path | None = field(default=None, compare=False)
    places: Mapping[str, str] = field(default_factory=dict, compare=False, repr=False)
    globs: Mapping[Patterns, tuple[str, ...]] = field(default_factory=dict, compare=False, repr=False)
