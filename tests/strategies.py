"""Hypothesis strategies for whatever the core is told: any facts, any policy, any record, sane or not."""

from __future__ import annotations

import ipaddress

from hypothesis import strategies as st

from shieldproxy.core.addresses import binding_prefix, client_key, network_key
from shieldproxy.core.buckets import Limit, Reading, Scope
from shieldproxy.core.clearance import Clearance, Kind
from shieldproxy.core.facts import (
    NETWORK_CLASSES,
    Crawler,
    Facts,
    Malformed,
    NetworkLabel,
    PageKind,
    Posture,
    Request,
    Visitor,
)
from shieldproxy.core.ladder import Ban
from shieldproxy.core.policy import BanPolicy, ChallengePolicy, Policy
from shieldproxy.core.record import Record
from shieldproxy.core.rules import Condition, HeaderTest, Rule, compile_globs
from shieldproxy.core.verdict import Action, Mode, Side

words = st.text(st.characters(min_codepoint=97, max_codepoint=122), min_size=1, max_size=8)
# Bytes of the wire read as Latin-1, as the door hands them over.
wire_text = st.binary(max_size=40).map(lambda data: data.decode("latin-1"))
# What Python lets a string be, lone surrogates and all.
any_text = st.text(st.characters(), max_size=20)
seconds = st.floats(min_value=0.0, max_value=1e9)
any_float = st.floats()

addresses = st.one_of(st.ip_addresses(v=4), st.ip_addresses(v=6))
labels = st.builds(
    NetworkLabel,
    asn=st.integers(0, 2**32 - 1),
    as_name=any_text,
    country=st.sampled_from(("", "NL", "BE", "DE")),
    network_class=st.sampled_from(NETWORK_CLASSES),
    crawler=st.sampled_from(("", "googlebot")),
)


def visitor_at(address: ipaddress.IPv4Address | ipaddress.IPv6Address | str, label: NetworkLabel) -> Visitor:
    """Return the visitor a door makes of an address; the empty text stands for a unix socket's peer."""
    if isinstance(address, str):
        return Visitor(address, address, address, address, label)
    return Visitor(str(address), client_key(address), network_key(address), binding_prefix(address), label)


visitors = st.builds(visitor_at, st.one_of(addresses, st.sampled_from(("", "no address"))), labels)
headers = st.dictionaries(
    st.sampled_from((b"user-agent", b"accept", b"cookie", b"x-test", b"sec-fetch-dest")), st.binary(max_size=20)
)
paths = st.one_of(
    st.sampled_from(("/", "/search", "/a/../search", "/%73earch", "*", "")), wire_text.map("/".__add__), any_text
)
requests = st.builds(
    Request,
    method=st.sampled_from(("GET", "POST", "HEAD", "PROPFIND", "")),
    host=st.one_of(st.just("example.org"), any_text),
    path=paths,
    query=wire_text,
    version=st.sampled_from(("1.0", "1.1")),
    headers=headers,
    fingerprint=words,
    place=st.just(""),
)

actions = st.sampled_from(Action)
scopes = st.sampled_from(Scope)
globs = st.lists(st.text(st.sampled_from("/a*?[]!-."), max_size=8), max_size=3).map(tuple)
patterns = st.one_of(st.none(), globs.map(compile_globs))
networks = st.lists(
    st.one_of(
        st.ip_addresses(v=4).map(lambda address: ipaddress.ip_network((address, 24), strict=False)),
        st.ip_addresses(v=6).map(lambda address: ipaddress.ip_network((address, 48), strict=False)),
    ),
    max_size=2,
).map(tuple)
header_tests = st.lists(
    st.builds(HeaderTest, st.sampled_from((b"accept", b"x-test")), st.booleans(), patterns), max_size=2
).map(tuple)
conditions = st.builds(
    Condition,
    asn=st.frozensets(st.integers(0, 3), max_size=2),
    country=st.frozensets(st.sampled_from(("NL", "BE")), max_size=2),
    network=networks,
    network_class=st.frozensets(st.sampled_from(NETWORK_CLASSES), max_size=2),
    path=patterns,
    host=patterns,
    method=st.frozensets(st.sampled_from(("GET", "POST")), max_size=2),
    user_agent=patterns,
    header=header_tests,
    crawler=st.frozensets(st.sampled_from(Crawler), max_size=2),
)
rules = st.builds(
    Rule,
    name=words,
    when=conditions,
    action=st.one_of(st.none(), actions),
    weight=st.integers(-200, 200),
    why=any_text,
)
# Also combinations settings would refuse, such as a network limit that drops: the judge must stand them.
limits = st.builds(
    Limit,
    name=words,
    scope=scopes,
    rate=st.floats(min_value=1e-6, max_value=1e6),
    burst=st.floats(min_value=1.0, max_value=1e6),
    action=actions,
    match=st.one_of(st.none(), conditions),
)
# In facts, rules have matched and limits are charged: their conditions are settled, and nobody asks them again.
matched_rules = st.builds(
    Rule, words, st.just(Condition()), st.one_of(st.none(), actions), st.integers(-200, 200), st.just("why")
)
charged_limits = st.builds(Limit, words, scopes, st.sampled_from((0.01, 10.0, 1e6)), st.just(50.0), actions)
readings = st.builds(Reading, charged_limits, any_float)
bans = st.builds(Ban, key=words, until=any_float, cause=any_text, rung=st.integers(0, 9))
clearances = st.builds(
    Clearance,
    serial=st.binary(min_size=8, max_size=8).map(bytes.hex),
    kind=st.sampled_from(Kind),
    expires=st.integers(0, 2**40),
    epoch=st.integers(0, 2**32 - 1),
)
facts = st.builds(
    Facts,
    visitor=visitors,
    request=requests,
    now=any_float,
    page=st.sampled_from(PageKind),
    exempt=st.sampled_from(("", "exempt.clients")),
    ban=st.one_of(st.none(), bans),
    malformed=st.one_of(st.none(), st.builds(Malformed, st.sampled_from((400, 414, 421, 431)), any_text)),
    matched=st.lists(matched_rules, max_size=4).map(tuple),
    readings=st.lists(readings, max_size=4).map(tuple),
    clearance=st.one_of(st.none(), clearances),
    crawler=st.sampled_from(Crawler),
    saturated=st.booleans(),
    posture=st.sampled_from(Posture),
)
policies = st.builds(
    Policy,
    limits=st.lists(limits, max_size=2).map(tuple),
    rules=st.lists(rules, max_size=2).map(tuple),
    challenge=st.builds(
        ChallengePolicy,
        suspicion=st.lists(st.tuples(st.sampled_from(Posture), st.integers(-10, 200)), max_size=3).map(tuple),
    ),
    bans=st.just(BanPolicy()),
    mode=st.sampled_from(Mode),
    digest=words,
)

# What JSON carries without loss: no lone surrogates, numbers of 53 bits, floats that are numbers.
json_text = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
counts = st.integers(0, 2**53)
levels = st.floats(allow_nan=False, allow_infinity=False)


def record_fields() -> dict[str, st.SearchStrategy[object]]:
    """Return a strategy for each field of a record, by the type of its default."""
    kinds: dict[type, st.SearchStrategy[object]] = {
        bool: st.booleans(),
        int: counts,
        float: levels,
        str: json_text,
    }
    fields = {name: kinds[type(default)] for name, default in Record._field_defaults.items() if type(default) in kinds}
    return fields | {
        "reasons": st.lists(json_text, max_size=4).map(tuple),
        "buckets": st.dictionaries(json_text, levels, max_size=4).map(lambda levels: tuple(levels.items())),
        "side": st.sampled_from(Side).map(str),
    }


records = st.builds(Record, **record_fields())
