"""Import lines: a line of another server's log becomes a line of the journal.

Nearly every line of a log is plain ASCII without an escape, so that its parts are JSON as they stand; such a line is
written by putting them between what is the same in all. The result is what orjson writes, which writes the others.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, NamedTuple

import orjson

from shieldproxy.core.addresses import client_key, parse_address
from shieldproxy.core.facts import NetworkLabel
from shieldproxy.core.record import Record
from shieldproxy.intel.crawlers import verified
from shieldproxy.intel.networks import Networks
from shieldproxy.journal.combined import VIRTUAL_HOST, Logged, common_time

STAGE = "imported"
# As the guard cuts them (guard.recording).
MAX_TEXT, MAX_QUERY = 512, 1_024
# Addresses that are kept with what is known of them.
KEPT = 65_536
# What a plain line has none of; a quote inside of a text would need a backslash, too.
SPECIAL = bytes((*range(10), *range(11, 32), 92, *range(127, 256)))
# The combined form as nearly all lines have it: words and numbers that parse_request and int take as they are.
USUAL = re.compile(
    r"([^ \"]*) [^\[\"]*\[([^\"]{26})\] "
    r"\"(GET|POST|HEAD|OPTIONS|PUT|DELETE|PATCH|PROPFIND) (/[^ ?\"]*)(?:\?([^ \"]*))? HTTP/([^ \"]*)\" "
    r"([1-9]\d\d) (0|[1-9]\d{0,17}|-) \"([^\"]*)\" \"([^\"]*)\"[^\"]*",
    re.ASCII,
).fullmatch


class Who(NamedTuple):
    """What a line says of an address: its fields as JSON; '' where it is no address."""

    address: str
    client: str
    label: NetworkLabel
    json: str


class When(NamedTuple):
    """A moment: its ts, and the JSON from there to the second in the ID."""

    ts: str
    json: str


NOBODY = Who("", "", NetworkLabel(), "")


def plain(text: bytes) -> bool:
    """Tell whether the parts of these lines are JSON as they stand."""
    return len(text.translate(None, SPECIAL)) == len(text)


class LineWriter:
    """Writes requests as lines of the journal, for one log. ``writer`` tells apart who writes of the same log."""

    def __init__(self, node: str, networks: Networks, writer: int = 0) -> None:
        self._networks = networks
        self._fields = Record(node=node, geo=networks.version, stage=STAGE).to_dict()
        self._way = f".import{writer:x}." if writer else ".import."
        names = list(self._fields)

        def between(first: str, last: str) -> str:
            inner = names[names.index(first) : names.index(last) + 1]
            return orjson.dumps({name: self._fields[name] for name in inner}).decode()[1:-1]

        self._node = f'",{between("node", "node")},'
        self._browser = f'",{between("tls", "ja4")},"user_agent":"'
        self._verdict = f'",{between("fingerprint", "stage")},"rule":"'
        self._reasons = f'",{between("reasons", "retry_after")},"status":'
        self._tail = f",{between('duration_us', 'lost_before')}}}"
        self.who = lru_cache(KEPT)(self._who)

    def quick(self, line: str, number: int) -> tuple[str, str] | None:
        """Return ts and line of a request in the usual combined form, for a plain line; None for any other form.

        Both are empty where the address is none.
        """
        found = USUAL(line)
        if found is None:
            return None
        address, moment, method, path, query, version, status, size, referer, agent = found.groups("")
        host = ""
        if ":" in address and (named := VIRTUAL_HOST(line)) is not None:
            host, address = named[1], line[named.end() :].partition(" ")[0]
        try:
            when = moment_of(moment)
        except (ValueError, OverflowError):
            return None
        who = self.who(address)
        if not who.json:
            return "", ""
        agent, referer = "" if agent == "-" else agent, "" if referer == "-" else referer
        asked = (method, host, path, query, version, agent, referer)
        return when.ts, self._together(when, number, who, asked, (status, "0" if size == "-" else size))

    def line(self, one: Logged, when: When, number: int, who: Who, *, plain: bool) -> str:
        """Return the line of a request, numbered ``number``; ``plain`` tells that its texts are JSON as they stand."""
        if plain and LEAST <= one.status <= MOST and LEAST <= one.size <= MOST:
            asked = (one.method, one.host, one.path, one.query, one.version, one.user_agent, one.referer)
            return self._together(when, number, who, asked, (one.status, one.size))
        return self._written(one, when, number, who)

    def _together(
        self, when: When, number: int, who: Who, asked: tuple[str, ...], numbers: tuple[str | int, str | int]
    ) -> str:
        """Return the line of what was ``asked``: method, host, path, query, version, user agent and referer."""
        method, host, path, query, version, agent, referer = asked
        agent = agent[:MAX_TEXT]
        return (
            f'{{"v":1,"seq":{number},{when.json}{self._way}{number:x}{self._node}{who.json}"method":"{method[:MAX_TEXT]}'
            f'","host":"{host[:MAX_TEXT]}","path":"{path[:MAX_TEXT]}","query":"{query[:MAX_QUERY]}'
            f'","http":"{version[:MAX_TEXT]}{self._browser}{agent}","referer":"{referer[:MAX_TEXT]}'
            f"{self._verdict}{_rule(who, agent)}{self._reasons}{numbers[0]}"
            f',"bytes_in":0,"bytes_out":{numbers[1]}{self._tail}'
        )

    def _written(self, one: Logged, when: When, number: int, who: Who) -> str:
        agent = one.user_agent[:MAX_TEXT]
        asn, as_name, country, network_class, _ = who.label
        fields: dict[str, Any] = self._fields | {
            "seq": number,
            "ts": when.ts,
            "id": f"{int(one.time) & 0xFFFFFFFF:08x}{self._way}{number:x}",
            "src_ip": who.address,
            "client": who.client,
            "asn": asn,
            "as_name": as_name,
            "country": country,
            "network_class": network_class,
            "method": one.method[:MAX_TEXT],
            "host": one.host[:MAX_TEXT],
            "path": one.path[:MAX_TEXT],
            "query": one.query[:MAX_QUERY],
            "http": one.version[:MAX_TEXT],
            "user_agent": agent,
            "referer": one.referer[:MAX_TEXT],
            "rule": _rule(who, agent),
            "status": one.status,
            "bytes_out": one.size,
        }
        try:
            return orjson.dumps(fields).decode()
        except TypeError:  # text that is no Unicode, or a number larger than any
            return orjson.dumps({name: _clean(value) for name, value in fields.items()}).decode()

    def _who(self, text: str) -> Who:
        address = parse_address(text)
        if address is None:
            return NOBODY
        written, client, label = str(address), client_key(address), self._networks.label(str(address))
        asn, as_name, country, network_class, _ = label
        fields = {"src_ip": written, "src_port": 0, "dst_ip": "", "dst_port": 0, "client": client}
        more = {"asn": asn, "as_name": as_name, "country": country, "network_class": network_class}
        return Who(written, client, label, f"{orjson.dumps(fields | more).decode()[1:-1]},")


# Numbers that JSON of 64 bits can hold.
LEAST, MOST = -(1 << 63), (1 << 64) - 1


def _clean(value: Any) -> Any:
    if isinstance(value, str):
        return value.encode("utf-8", "backslashreplace").decode()
    return 0 if isinstance(value, int) and not LEAST <= value <= MOST else value


def _rule(who: Who, agent: str) -> str:
    return "crawler" if who.label.crawler and verified(who.label, agent) else ""


@lru_cache(4_096)  # lines of one second share it
def moment_of(text: str) -> When:
    """Return the moment of ``17/May/2015:10:05:03 +0000``; raises ValueError or OverflowError when it is none."""
    return when_of(common_time(text))


@lru_cache(4_096)
def when_of(unix_seconds: float) -> When:
    """Return a moment in unix seconds; raises ValueError or OverflowError when records cannot write it."""
    ts = stamp(unix_seconds)
    return When(ts, f'"ts":"{ts}","id":"{int(unix_seconds) & 0xFFFFFFFF:08x}')


def stamp(unix_seconds: float) -> str:
    """Return a moment as records write it; raises ValueError or OverflowError when it is none."""
    moment = datetime.fromtimestamp(unix_seconds, UTC)
    return f"{moment.replace(tzinfo=None).isoformat(timespec='microseconds')}Z"
