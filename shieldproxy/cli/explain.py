"""``shieldproxy explain``: one decision in plain words."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click

from shieldproxy.cli.explanation import Explanation
from shieldproxy.cli.options import config_option, settings_of
from shieldproxy.cli.output import json_line
from shieldproxy.core.printing import printable
from shieldproxy.core.record import Record
from shieldproxy.journal.reader import Reader

# Where the second column of the text begins.
INDENT = 10
STAGE_WIDTH = 19

OUTCOMES = {
    "admit": "let through",
    "challenge": "asked to show that a person is there",
    "throttle": "told to come later",
    "refuse": "refused",
    "drop": "dropped",
}

SIDES = {
    "client": "the client (it broke off, or sent what cannot be served)",
    "origin": "the origin, the site behind; it does not count against the client",
    "shield": "shieldproxy itself; it does not count against the client",
}


@click.command("explain", short_help="Explain one decision by the ID of a block page.")
@click.argument("request_id", metavar="ID")
@click.option("--format", "form", type=click.Choice(("text", "json")), default="text", show_default=True)
@config_option
def explain(config: Path | None, request_id: str, form: str) -> None:
    """Explain one decision: who asked for what, which stage decided, how full the buckets were, and why.

    ID is what a visitor sees on a block page, what X-Request-Id carries, and what ``logs`` lists.
    """
    settings = settings_of(config)
    reader = Reader(settings.journal.directory)
    fields = reader.find(request_id.strip())
    if fields is None:
        sys.stderr.write(_unknown(request_id, settings.journal.directory))
        sys.exit(1)
    try:
        explanation = Explanation(Record.from_dict(fields), settings)
    except ValueError as error:
        sys.stderr.write(f"The record of {printable(request_id)} cannot be read: {printable(str(error))}\n")
        sys.exit(1)
    if form == "json":
        sys.stdout.write(f"{json_line(as_fields(explanation))}\n")
    else:
        sys.stdout.writelines(f"{printable(line).rstrip()}\n" for line in as_text(explanation))


def as_fields(explanation: Explanation) -> dict[str, Any]:
    """Return the explanation for programs: the record, and what ``as_text`` says in words."""
    return {
        "record": explanation.record.to_dict(),
        "stages": [step._asdict() for step in explanation.steps()],
        "buckets": [
            {
                "limit": level.name,
                "slack": level.slack,
                "overdrawn": level.slack < 0,
                "scope": level.limit.scope.value if level.limit else None,
                "rate": level.limit.rate if level.limit else None,
                "burst": level.limit.burst if level.limit else None,
                "place": level.place,
            }
            for level in explanation.levels()
        ],
        "rules": [
            {
                "rule": match.name,
                "weight": match.rule.weight,
                "action": match.rule.action.word if match.rule.action is not None else None,
                "why": match.rule.why,
                "place": match.place,
            }
            for match in explanation.matches()
        ],
        "cause": explanation.cause(),
        "policy_now": explanation.policy.digest,
        "same_policy": explanation.same_policy,
    }


def as_text(explanation: Explanation) -> Iterator[str]:
    """Yield the lines for people."""
    record = explanation.record
    yield from _verdict(explanation)
    yield ""
    yield _pair("when", f"{record.ts[:10]} {record.ts[11:23]} UTC, node {record.node or '-'}")
    yield _pair("who", _address(record))
    yield _pair("", _label(record))
    yield from _asked(record)
    yield _pair("answer", _answer(record))
    if record.side:
        yield _pair("", f"what went wrong belongs to {SIDES.get(record.side, record.side)}")
    yield ""
    yield "Stages, in the order in which they were asked; the first opinion wins:"
    for step in explanation.steps():
        mark = ">" if step.said == "decided" else " "
        yield f"{mark} {step.stage:<{STAGE_WIDTH}}{step.words or step.said}"
    yield from _section("Limits that were charged, as they stood then:", _levels(explanation))
    yield from _section("Rules that counted:", _matches(explanation))
    yield ""
    yield from _policy(explanation)


def _verdict(explanation: Explanation) -> Iterator[str]:
    record = explanation.record
    outcome = OUTCOMES.get(record.action, record.action)
    if not record.enforced and record.action != "admit":
        outcome = f"let through, as the mode was observe; otherwise it would have been {outcome}"
    yield f"{record.id} was {outcome} (action {record.action}, stage {record.stage or '-'})"
    cause = explanation.cause()
    reasons = ", ".join(record.reasons)
    why = "; ".join(part for part in (reasons, f"decided by {cause}" if cause else "") if part)
    if why:
        yield _pair("because", why)
    if record.weight > 1:
        yield _pair("", f"this record stands for {record.weight} requests alike within seconds; it shows the first")


def _address(record: Record) -> str:
    port = f" port {record.src_port}" if record.src_port else ""
    key = f", counted as {record.client}" if record.client != record.src_ip else ""
    return f"{record.src_ip or 'an address that is not known'}{port}{key}"


def _label(record: Record) -> str:
    known = f"AS{record.asn} {record.as_name}".strip() if record.asn else "no known network"
    source = f" (as {record.geo} said then)" if record.geo else ""
    return f"{known}, {record.country or 'country not known'}, class {record.network_class}{source}"


def _asked(record: Record) -> Iterator[str]:
    query = f"?{record.query}" if record.query else ""
    yield _pair("asked", f"{record.method} {record.path}{query}")
    protocol = " ".join(part for part in (f"HTTP/{record.http}" if record.http else "", record.tls) if part)
    yield _pair("", f"host {record.host or '-'}, {protocol or 'protocol not known'}")
    yield _pair("", f"user agent {record.user_agent or '(none)'}")
    if record.referer:
        yield _pair("", f"referer {record.referer}")
    if record.ja4:
        yield _pair("", f"TLS fingerprint (JA4) {record.ja4}")


def _answer(record: Record) -> str:
    parts = [f"status {record.status}" if record.status else "no answer"]
    if record.retry_after:
        parts.append(f"come again after {record.retry_after:g} s")
    if record.challenge:
        parts.append(f"challenge {record.challenge}")
    parts += [f"{record.bytes_out} bytes", f"{record.duration_us / 1000:g} ms"]
    return ", ".join(parts)


def _levels(explanation: Explanation) -> Iterator[str]:
    for level in explanation.levels():
        yield f"{level.name:<{STAGE_WIDTH}}{level.words}, {level.place}"


def _matches(explanation: Explanation) -> Iterator[str]:
    for match in explanation.matches():
        yield f"{match.name:<{STAGE_WIDTH}}{match.words}, {match.place}"


def _section(title: str, lines: Iterator[str]) -> Iterator[str]:
    found = list(lines)
    if found:
        yield ""
        yield title
        yield from (f"  {line}" for line in found)


def _policy(explanation: Explanation) -> Iterator[str]:
    then, now = explanation.record.policy or "unknown", explanation.policy.digest
    if explanation.same_policy:
        yield _pair("policy", f"{then}, unchanged since")
    else:
        yield _pair("policy", f"{then} then, {now} now: rates, weights and lines above are those of now")


def _pair(title: str, text: str) -> str:
    return f"{title:<{INDENT}}{text}"


def _unknown(request_id: str, directory: Path) -> str:
    place = printable(str(directory))
    if not directory.is_dir():
        return f"There is no journal at {place} yet (-c names another configuration).\n"
    return (
        f"No decision {printable(request_id)!r} in {place}.\n"
        "An ID looks like 6743a1b2.0.01f3a77 and is written within a second, in a flood within ten. In a flood,\n"
        "refusals that are alike are summed into one record, which keeps the ID of the first: look for the\n"
        "client with `shieldproxy logs --client ADDRESS`. Old records go when journal.retention is over.\n"
    )
