"""Import lines: a line of another server's log becomes a line of the journal.

Nearly every line of a log is plain ASCII without an escape, so that its parts are JSON as they stand; such a line is
written by putting them between what is the same in all. The result is what orjson writes, which writes the others.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import Any, NamedTuple

import orjson

from shieldproxy.attribution.import_moments import When, common, when_of
from shieldproxy.core.addresses import client_key, parse_address
from shieldproxy.core.facts import NetworkLabel
from shieldproxy.core.record import MAX_QUERY, MAX_TEXT, Record
from shieldproxy.intel.crawlers import verified
from shieldproxy.intel.networks import Networks
from shieldproxy.journal.combined import VIRTUAL_HOST, Logged
from shieldproxy.journal.json_logs import parts_of, whole

STAGE = "imported"
# Addresses that are kept with what is known of them.
KEPT = 65_536
# Numbers that JSON of 64 bits can hold.
LEAST, MOST = -(1 << 63), (1 << 64) - 1
# What is JSON as it stands between quotes: printable ASCII but for the quote and the backslash; without the blank, too.
TEXT, WORD = r"[ !#-\[\]-~]", r"[!#-\[\]-~]"
# The combined form as nearly all lines have it: plain, words and numbers that parse_request and int take as they are,
# and nothing that would be cut.
USUAL = re.compile(
    rf"({WORD}*) [ !#-Z\]-~]*\[([ !#-Z\]-~]{{26}})\] "
    r"\"(GET|POST|HEAD|OPTIONS|PUT|DELETE|PATCH|PROPFIND) "
    rf"(/[!#->@-\[\]-~]{{0,{MAX_TEXT - 1}}})(?:\?({WORD}{{0,{MAX_QUERY}}}))? HTTP/({WORD}{{0,16}})\" "
    rf"([1-9]\d\d) (0|[1-9]\d{{0,17}}|-) \"({TEXT}{{0,{MAX_TEXT}}})\" \"({TEXT}{{0,{MAX_TEXT}}})\"{TEXT}*",
    re.ASCII,
).fullmatch


class Who(NamedTuple):
    """What a line says of an address: its fields, and as JSON what stands between ID and method; '' for no address.

    ``robot`` tells that a verified robot may come from there, as ``label`` says.
    """

    fields: dict[str, Any]
    json: str
    label: NetworkLabel
    robot: bool


NOBODY = Who({}, "", NetworkLabel(), robot=False)


class Batch:
    """Lines of the journal that wait to be written together, their ts, and how many requests were of no address."""

    def __init__(self) -> None:
        self.stamps: list[str] = []
        self.lines: list[str] = []
        self.no_address = 0


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

        self._node = between("node", "node")
        self._browser = f'",{between("tls", "ja4")},"user_agent":"'
        self._verdict = f'",{between("fingerprint", "stage")},"rule":"'
        self._reasons = f'",{between("reasons", "retry_after")},"status":'
        self._tail = f",{between('duration_us', 'lost_before')}}}"
        self.who = lru_cache(KEPT)(self._who)

    def usual(self, texts: Sequence[str], number: int, batch: Batch) -> int:
        """Add to ``batch`` the beginning of ``texts`` that is in the usual combined form; return how many texts.

        Their lines are numbered from ``number`` on.
        """
        who_of, together, stamped, written = self.who, self._together, batch.stamps.append, batch.lines.append
        done = 0
        for text in texts:
            found = USUAL(text)
            if found is None:
                break
            address, moment, method, path, query, version, status, size, referer, agent = found.groups("")
            host = ""
            if ":" in address and (named := VIRTUAL_HOST(text)) is not None:
                host, address = named[1], text[named.end() :].partition(" ")[0]
            try:
                when = common(moment)
            except (ValueError, OverflowError):
                break
            done += 1
            who = who_of(address)
            if not who.json:
                batch.no_address += 1
                continue
            agent, referer = "" if agent == "-" else agent, "" if referer == "-" else referer
            size, host = "0" if size == "-" else size, host[:MAX_TEXT]
            stamped(when[0])
            written(together(when, number, who, method, host, path, query, version, agent, referer, status, size))
            number += 1
        return done

    def objects(self, texts: Sequence[bytes], number: int, batch: Batch) -> int:
        """Add to ``batch`` the beginning of ``texts`` that is plain JSON of requests; return how many texts."""
        who_of, together, stamped, written = self.who, self._together, batch.stamps.append, batch.lines.append
        done = 0
        for text in texts:
            if not text.isascii() or b"\\" in text:
                break
            try:
                moment, address, status, size, *asked = parts_of(orjson.loads(text))
                when, code, sent = when_of(moment), whole(status), whole(size)
            except (ValueError, TypeError, OverflowError):
                break
            if not (LEAST <= code <= MOST and LEAST <= sent <= MOST):
                break
            done += 1
            who = who_of(address)
            if not who.json:
                batch.no_address += 1
                continue
            stamped(when[0])
            method, host, path, query, version, agent, referer = asked if len(text) <= MAX_TEXT else _cut(asked)
            written(together(when, number, who, method, host, path, query, version, agent, referer, code, sent))
            number += 1
        return done

    def line(self, one: Logged, number: int) -> tuple[str, str]:
        """Return ts and line of any request, numbered ``number``; '' and '' where its address is none.

        Raises ValueError or OverflowError when records cannot write its moment.
        """
        (ts, second), who = when_of(one.time), self.who(one.address)
        if not who.json:
            return "", ""
        asked = _cut((one.method, one.host, one.path, one.query, one.version, one.user_agent, one.referer))
        fields: dict[str, Any] = self._fields | who.fields
        fields |= zip(("method", "host", "path", "query", "http", "user_agent", "referer"), asked, strict=True)
        fields |= {
            "seq": number,
            "ts": ts,
            "id": f"{second}{self._way}{number:x}",
            "rule": _rule(who, asked[5]),
            "status": one.status,
            "bytes_out": one.size,
        }
        try:
            return ts, orjson.dumps(fields).decode()
        except TypeError:  # text that is no Unicode, or a number larger than any
            return ts, orjson.dumps({name: _clean(value) for name, value in fields.items()}).decode()

    def _together(  # noqa: PLR0913, PLR0917 - what differs from line to line, and to pack it costs as much as to write it
        self,
        when: When,
        number: int,
        who: Who,
        method: str,
        host: str,
        path: str,
        query: str,
        version: str,
        agent: str,
        referer: str,
        status: str | int,
        size: str | int,
    ) -> str:
        return (
            f'{{"v":1,"seq":{number},"ts":"{when[0]}","id":"{when[1]}{self._way}{number:x}{who.json}{method}'
            f'","host":"{host}","path":"{path}","query":"{query}","http":"{version}{self._browser}{agent}'
            f'","referer":"{referer}{self._verdict}{_rule(who, agent) if who.robot else ""}{self._reasons}{status}'
            f',"bytes_in":0,"bytes_out":{size}{self._tail}'
        )

    def _who(self, text: str) -> Who:
        address = parse_address(text)
        if address is None:
            return NOBODY
        label = self._networks.label(str(address))
        fields: dict[str, Any] = {
            "src_ip": str(address),
            "src_port": 0,
            "dst_ip": "",
            "dst_port": 0,
            "client": client_key(address),
            "asn": label.asn,
            "as_name": label.as_name,
            "country": label.country,
            "network_class": label.network_class,
        }
        json = f'",{self._node},{orjson.dumps(fields).decode()[1:-1]},"method":"'
        return Who(fields, json, label, robot=bool(label.crawler))


def _cut(asked: Sequence[str]) -> list[str]:
    """Return method, host, path, query, version, user agent and referer as records cut them."""
    found = [text[:MAX_TEXT] for text in asked]
    found[3] = asked[3][:MAX_QUERY]
    return found


def _clean(value: Any) -> Any:
    if isinstance(value, str):
        return value.encode("utf-8", "backslashreplace").decode()
    return 0 if isinstance(value, int) and not LEAST <= value <= MOST else value


def _rule(who: Who, agent: str) -> str:
    return "crawler" if who.robot and verified(who.label, agent) else ""
